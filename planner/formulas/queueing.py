"""Spread around a steady state: requests in flight, waiting, and percentiles of what is added up."""

from __future__ import annotations

import numpy as np

from planner.units import Numeric

LOWEST_RELATIVE = -2.4  #: below it ``1 + s + s²/6`` rises again, at less than a twentieth of the mean


def in_flight_deviation(*, in_flight: Numeric, elasticity: Numeric, burstiness: Numeric) -> Numeric:
    """Return the standard deviation of the requests in flight around their mean [requests].

    Arrivals push the number up by chance, a server that speeds up with more work pulls it back. Linearised around
    the mean this is an Ornstein-Uhlenbeck process whose variance is ``mean · burstiness / elasticity``: that of a
    Poisson number where every request has its own server, without bound where throughput no longer rises.

    Parameters
    ----------
    in_flight : float or ndarray
        Mean requests in flight [requests].
    elasticity : float or ndarray
        Relative rise of throughput per relative rise of requests in flight, above 0 and at most 1.
    burstiness : float or ndarray
        Squared coefficient of variation of the gaps between arrivals.

    Returns
    -------
    float or ndarray
        Standard deviation [requests].

    References
    ----------
    .. [1] D. Iglehart, "Limiting diffusion approximations for the many server queue", J. Appl. Prob. 2(2), 1965.

    Examples
    --------
    >>> float(in_flight_deviation(in_flight=64.0, elasticity=1.0, burstiness=1.0))
    8.0
    """
    return np.sqrt(in_flight * burstiness / elasticity)


def strayed_in_flight(
    *, in_flight: Numeric, elasticity: Numeric, burstiness: Numeric, deviations: float
) -> Numeric:
    """Return the requests in flight at a quantile, which is given as deviations of a normal variable [requests].

    A server whose throughput is a power of the number in flight makes that number a birth-death process; in its product
    form ``Σ log(throughput/rate)`` takes the place of half the squared deviation. The product form holds whatever the
    lengths of the answers are. The number is skewed upwards: its quantile is ``mean · (1 + s + s²/6)`` to second order
    in the relative deviation ``s``, which grows without bound where throughput no longer rises.

    Parameters
    ----------
    in_flight : float or ndarray
        Requests in flight at which the replica serves as many as come [requests].
    elasticity : float or ndarray
        As for :func:`in_flight_deviation`.
    burstiness : float or ndarray
        As for :func:`in_flight_deviation`.
    deviations : float
        1.645 for the 95th percentile, negative for one below the middle.

    Returns
    -------
    float or ndarray
        Requests in flight at the quantile, not below 0 [requests].

    References
    ----------
    .. [1] F. Kelly, "Reversibility and Stochastic Networks", 1979, ch. 3: symmetric queues and their insensitivity.

    Examples
    --------
    A Poisson number with a mean of 100 has its 95th percentile at 117:

    >>> round(float(strayed_in_flight(in_flight=100.0, elasticity=1.0, burstiness=1.0, deviations=1.645)), 1)
    116.9
    """
    spread = in_flight_deviation(in_flight=in_flight, elasticity=elasticity, burstiness=burstiness)
    away = np.maximum(deviations * spread / in_flight, LOWEST_RELATIVE)
    return np.maximum(in_flight * (1.0 + away + away**2 / 6.0), 0.0)


def lifetime_average_share(elasticity: Numeric) -> Numeric:
    """Variance of the requests in flight averaged over one request's life, over the variance at one moment [1].

    The number forgets a push in ``1 / elasticity`` lives of a request.

    Parameters
    ----------
    elasticity : float or ndarray
        As for :func:`in_flight_deviation`.

    Returns
    -------
    float or ndarray
        Between 0.74 for an elasticity of 1 and 1 for 0.

    References
    ----------
    .. [1] Variance of the time average of an Ornstein-Uhlenbeck process: ``2/x · (1 − (1 − e^−x)/x)``.

    Examples
    --------
    >>> round(float(lifetime_average_share(1.0)), 3)
    0.736
    """
    return 2.0 / elasticity * (1.0 + np.expm1(-elasticity) / elasticity)


def wait_quantile_s(
    *, mean_wait_s: Numeric, utilization_fraction: Numeric, quantile_fraction: float
) -> Numeric:
    """Quantile of a wait that is exponential for those who wait at all [s].

    Parameters
    ----------
    mean_wait_s : float or ndarray
        Mean over all requests [s].
    utilization_fraction : float or ndarray
        Share of the requests that wait.
    quantile_fraction : float
        Share of the requests that wait no longer.

    Returns
    -------
    float or ndarray
        The quantile [s]; 0 where fewer than the rest wait.

    References
    ----------
    .. [1] J. Kingman, "The single server queue in heavy traffic", Proc. Cambridge Phil. Soc. 57(4), 1961.

    Examples
    --------
    M/M/1 at a load of 0.5 with a service of 1 s waits 1 s on average; a twentieth waits more than ln(10) / 0.5:

    >>> round(float(wait_quantile_s(mean_wait_s=1.0, utilization_fraction=0.5, quantile_fraction=0.95)), 3)
    4.605
    """
    waiting = np.clip(utilization_fraction, 1e-9, 1.0)
    return mean_wait_s / waiting * np.maximum(np.log(waiting / (1.0 - quantile_fraction)), 0.0)


def stretched_deviation_s(
    *, arrivals: Numeric, service_s: Numeric, variability: Numeric, utilization_fraction: Numeric
) -> Numeric:
    """Deviation of what others add to a job that they delay, which gives time for more of them to come [s].

    Parameters
    ----------
    arrivals : float or ndarray
        Mean number of others that come during the job as it is stretched.
    service_s : float or ndarray
        Mean time that each of them adds [s].
    variability : float or ndarray
        Sum of the squared coefficients of variation of their arrivals and of what each adds.
    utilization_fraction : float or ndarray
        Share of the time that goes to them; below 1.

    Returns
    -------
    float or ndarray
        Standard deviation [s].

    References
    ----------
    .. [1] Delay cycle of a job of length d: ``Var = λ E[S²] d / (1 − ρ)³``, and ``n = λ d / (1 − ρ)``
       (Conway, Maxwell, Miller: Theory of Scheduling, 1967, chapter 8).

    Examples
    --------
    Four others of a second each, all alike, take half of the time: two seconds as they come, four as they add up.

    >>> float(stretched_deviation_s(arrivals=4.0, service_s=1.0, variability=1.0, utilization_fraction=0.5))
    4.0
    """
    return np.sqrt(arrivals * variability) * service_s / (1.0 - utilization_fraction)


def variability_factor(*, arrival_scv: Numeric, service_scv: Numeric) -> Numeric:
    """Mean wait over that of Poisson arrivals and constant service [1].

    Parameters
    ----------
    arrival_scv : float or ndarray
        Squared coefficient of variation of the gaps between arrivals.
    service_scv : float or ndarray
        The same of the service time.

    Returns
    -------
    float or ndarray
        The factor; 1 for M/D/1, 2 for M/M/1.

    References
    ----------
    .. [1] A. Allen, "Probability, Statistics, and Queueing Theory", 2nd ed., 1990: the Allen-Cunneen approximation.

    Examples
    --------
    >>> float(variability_factor(arrival_scv=1.0, service_scv=1.0))
    2.0
    """
    return np.asarray(arrival_scv + service_scv)


def quantile_of_sum(mean: Numeric, *excesses: Numeric) -> Numeric:
    """Quantile of a sum of independent parts from what each part's quantile exceeds its mean by.

    Exact for normal parts, whose variances add.

    Parameters
    ----------
    mean : float or ndarray
        Mean of the sum.
    *excesses : float or ndarray
        Quantile minus mean of each part, in the mean's unit.

    Returns
    -------
    float or ndarray
        The quantile, in the same unit.

    References
    ----------
    .. [1] Error propagation: deviations of independent parts add in squares.

    Examples
    --------
    >>> float(quantile_of_sum(10.0, 3.0, 4.0))
    15.0
    """
    return mean + np.sqrt(sum(np.maximum(excess, 0.0) ** 2 for excess in excesses))


def quantile_of_pair(mean: Numeric, first: Numeric, second: Numeric, *, correlation: float) -> Numeric:
    """Quantile of a sum of two parts that rise and fall together, as :func:`quantile_of_sum` takes them.

    Parameters
    ----------
    mean : float or ndarray
        Mean of the sum.
    first, second : float or ndarray
        Quantile minus mean of each part, in the mean's unit.
    correlation : float
        Between 0, for independent parts, and 1, for parts that are one.

    Returns
    -------
    float or ndarray
        The quantile, in the same unit.

    References
    ----------
    .. [1] Variance of a sum: ``a² + b² + 2ρab``.

    Examples
    --------
    >>> [float(quantile_of_pair(10.0, 3.0, 4.0, correlation=share)) for share in (0.0, 1.0)]
    [15.0, 17.0]
    """
    one, other = np.maximum(first, 0.0), np.maximum(second, 0.0)
    both: Numeric = mean + np.sqrt(one**2 + other**2 + 2.0 * correlation * one * other)
    return both


def lognormal_scv(sigma: Numeric) -> Numeric:
    """Squared coefficient of variation of a log-normal [1].

    Parameters
    ----------
    sigma : float or ndarray
        Standard deviation of the logarithm.

    Returns
    -------
    float or ndarray
        Variance over squared mean.

    References
    ----------
    .. [1] Log-normal moments: ``exp(σ²) − 1``.

    Examples
    --------
    >>> round(float(lognormal_scv(0.5)), 3)
    0.284
    """
    return np.expm1(np.square(sigma))
