"""Spread around a steady state: requests in flight, waiting, and percentiles of what is added up."""

from __future__ import annotations

import numpy as np

from planner.units import Numeric


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
