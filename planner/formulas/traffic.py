"""Traffic: volumes, shapes over the day, growth, and the spread of token counts."""

from __future__ import annotations

import math

from planner.units import HOURS_PER_DAY, SECONDS_PER_DAY, Numeric

# Relative traffic by hour of the day, mean 1 after normalisation.
FLAT = (1.0,) * HOURS_PER_DAY
# Assumed: 80 % of a day's requests come in the ten hours from 08:00 to 18:00.
BUSINESS_HOURS = tuple(0.8 / 10 if 8 <= hour < 18 else 0.2 / 14 for hour in range(HOURS_PER_DAY))
# Measured: mean hour-of-day profile of the `m-small` production workload over 14 days [1]_.
# .. [1] Y. Xiang et al., "ServeGen: Workload Characterization and Generation of Large Language Model
#    Serving in Production," 2025; 10-minute rates, Apache-2.0. Peak hour over mean: 1.46.
DIURNAL = (
    *(0.84, 0.71, 0.73, 0.68, 0.71, 0.66, 0.68, 0.85, 1.02, 1.05, 1.13, 1.09),
    *(1.06, 1.07, 1.06, 1.05, 1.09, 1.08, 1.01, 1.23, 1.46, 1.40, 1.27, 1.06),
)
SHAPES: dict[str, tuple[float, ...]] = {"flat": FLAT, "business_hours": BUSINESS_HOURS, "diurnal": DIURNAL}

Z_P50, Z_P95, Z_P99 = 0.0, 1.6448536269514722, 2.3263478740408408  # standard normal quantiles


def normalised_weights(weights: tuple[float, ...]) -> tuple[float, ...]:
    """Return hourly weights scaled to a mean of 1. [1]

    Parameters
    ----------
    weights : relative traffic of each hour. [any unit]

    Raises
    ------
    ValueError
        When there are no weights or none is above zero.

    References
    ----------
    .. [1] By definition of a weight relative to the mean.

    Examples
    --------
    >>> normalised_weights((1.0, 3.0))
    (0.5, 1.5)
    """
    mean = sum(weights) / len(weights) if weights else 0.0
    if mean <= 0:
        raise ValueError("hourly weights need one above zero")
    return tuple(weight / mean for weight in weights)


def users_requests_per_month(
    monthly_active: Numeric, sessions_per_user_per_month: Numeric, requests_per_session: Numeric
) -> Numeric:
    """Return the requests that a population makes. [requests/month]

    Parameters
    ----------
    monthly_active : people who use the feature. [users]
    sessions_per_user_per_month : visits of one of them. [sessions/user/month]
    requests_per_session : model requests in one visit. [requests/session]

    References
    ----------
    .. [1] Product of the three; each is the user's own figure.

    Examples
    --------
    >>> users_requests_per_month(50_000, 6, 5)
    1500000
    """
    return monthly_active * sessions_per_user_per_month * requests_per_session


def mean_requests_per_s(requests_per_day: Numeric) -> Numeric:
    """Return the mean request rate. [requests/s]

    Parameters
    ----------
    requests_per_day : requests in 24 hours. [requests/day]

    References
    ----------
    .. [1] A day has 86,400 SI seconds.

    Examples
    --------
    >>> mean_requests_per_s(86_400)
    1.0
    """
    return requests_per_day / SECONDS_PER_DAY


def grown(volume: Numeric, growth_per_month_fraction: Numeric, months: Numeric) -> Numeric:
    """Return a volume after months of compound growth. [unit of ``volume``]

    Parameters
    ----------
    volume : the volume now. [any]
    growth_per_month_fraction : growth a month. [fraction]
    months : months from now. [months]

    References
    ----------
    .. [1] Compound growth, V·(1 + g)^m.

    Examples
    --------
    >>> round(grown(100.0, 0.08, 12), 1)
    251.8
    """
    return volume * (1 + growth_per_month_fraction) ** months


def horizon_factor(growth_per_month_fraction: float, months: int) -> float:
    """Return the sum of growth factors over a horizon: total volume in units of the first month. [months]

    Parameters
    ----------
    growth_per_month_fraction : growth a month. [fraction]
    months : length of the horizon. [months]

    References
    ----------
    .. [1] Sum of V·(1 + g)^m over m = 0 … n - 1, term by term: its closed form cancels to 0 for small growth.

    Examples
    --------
    >>> horizon_factor(0.0, 12)
    12.0
    >>> round(horizon_factor(0.08, 12), 3)
    18.977
    """
    return float(sum((1 + growth_per_month_fraction) ** month for month in range(months)))


def lognormal_sigma_from_mean(mean: float, quantile: float, z: float) -> float:
    """Return the shape of the log-normal with a given mean and one higher quantile. [1]

    Solves ln(q/m) = zσ - σ²/2 for the smaller root, the one that real length distributions lie on.

    Parameters
    ----------
    mean : mean of the quantity. [any]
    quantile : its value at the percentile, at least the mean. [unit of ``mean``]
    z : standard normal quantile of that percentile. [1]

    Raises
    ------
    ValueError
        When no log-normal has that mean and quantile.

    References
    ----------
    .. [1] N. L. Johnson, S. Kotz, N. Balakrishnan, "Continuous Univariate Distributions," vol. 1, ch. 14:
       mean exp(μ + σ²/2), quantile exp(μ + zσ).

    Examples
    --------
    >>> round(lognormal_sigma_from_mean(400, 900, Z_P95), 3)
    0.604
    """
    discriminant = z * z - 2 * math.log(quantile / mean)
    if quantile < mean or discriminant < 0:
        raise ValueError(f"no log-normal has mean {mean:g} and this quantile at {quantile:g}")
    return z - math.sqrt(discriminant)


def lognormal_sigma_from_median(median: float, quantile: float, z: float) -> float:
    """Return the shape of the log-normal with a given median and one higher quantile. [1]

    Parameters
    ----------
    median : its p50. [any]
    quantile : its value at the percentile. [unit of ``median``]
    z : standard normal quantile of that percentile. [1]

    References
    ----------
    .. [1] Johnson, Kotz, Balakrishnan, vol. 1, ch. 14: quantile exp(μ + zσ) with μ = ln(median).

    Examples
    --------
    >>> round(lognormal_sigma_from_median(1000, 2718.281828, 2.0), 3)
    0.5
    """
    return math.log(quantile / median) / z


def lognormal_quantile(mean: float, sigma: float, z: float) -> float:
    """Return a quantile of the log-normal with a given mean and shape. [unit of ``mean``]

    Parameters
    ----------
    mean : its mean. [any]
    sigma : its shape; 0 gives the mean itself. [1]
    z : standard normal quantile of the percentile. [1]

    References
    ----------
    .. [1] Johnson, Kotz, Balakrishnan, vol. 1, ch. 14.

    Examples
    --------
    >>> round(lognormal_quantile(400, 0.604, Z_P95))
    900
    """
    return mean * math.exp(z * sigma - sigma * sigma / 2)


def capped_lognormal_mean(mean: float, sigma: float, cap: float) -> float:
    """Return the mean of a log-normal quantity whose values are cut at a cap. [as mean]

    Parameters
    ----------
    mean : mean without the cap. [any unit]
    sigma : shape of the distribution; 0 is a constant. [1]
    cap : largest value that is left. [as mean]

    References
    ----------
    .. [1] Limited expected value of the log-normal: S. Klugman, H. Panjer, G. Willmot, "Loss Models," appendix A.5.

    Examples
    --------
    A constant is cut as it is, and a spread cut at its own median loses most of its tail:

    >>> capped_lognormal_mean(400.0, 0.0, 300.0)
    300.0
    >>> round(capped_lognormal_mean(400.0, 0.5, 400.0 * math.exp(-0.125)), 1)
    299.9
    """
    if sigma == 0:
        return min(mean, cap)
    deviation = (math.log(cap / mean) + sigma**2 / 2) / sigma
    inside = mean * _normal_cdf(deviation - sigma)
    return inside + cap * (1 - _normal_cdf(deviation))


def _normal_cdf(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


def lognormal_cv(sigma: float) -> float:
    """Return standard deviation over mean of a log-normal. [1]

    Parameters
    ----------
    sigma : its shape. [1]

    References
    ----------
    .. [1] Johnson, Kotz, Balakrishnan, vol. 1, ch. 14: cv² = exp(σ²) - 1.

    Examples
    --------
    >>> round(lognormal_cv(0.604), 3)
    0.664
    """
    return math.sqrt(math.expm1(sigma * sigma))
