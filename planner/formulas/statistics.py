"""What a sample of latencies says, and how sure that is: percentiles, intervals, sample sizes."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor, log, sqrt
from typing import TYPE_CHECKING

import numpy as np

from planner.formulas.distributions import binomial_cdf_fraction, student_t_quantile

if TYPE_CHECKING:
    from planner.units import FloatArray

FEWEST_FOR_BATCHES = 40  # below it a batch variance is mostly noise: 6 batches of 6 (chosen)


def percentile_s(values_s: FloatArray, fraction: float) -> float:
    """Return a percentile by linear interpolation between order statistics (Hyndman and Fan's type 7). [s]

    Parameters
    ----------
    values_s : the sample, in any order. [s]
    fraction : 0.95 for p95. [fraction]

    References
    ----------
    .. [1] R. Hyndman and Y. Fan, "Sample Quantiles in Statistical Packages," The American Statistician 50, 1996.

    Examples
    --------
    >>> percentile_s(np.array([4.0, 1.0, 3.0, 2.0]), 0.5)
    2.5
    """
    return float(np.quantile(values_s, fraction))


def order_statistic_ranks(n: int, fraction: float, confidence_fraction: float) -> tuple[int, int] | None:
    """Return the ranks (from 1) of the order statistics that bracket a percentile. [rank]

    ``None`` when ``n`` is too small for such an interval. The interval is exact for any distribution.

    Parameters
    ----------
    n : size of the sample. [samples]
    fraction : 0.95 for p95. [fraction]
    confidence_fraction : chance that the interval holds the percentile. [fraction]

    References
    ----------
    .. [1] H. David and H. Nagaraja, "Order Statistics," 3rd ed., 2003, section 7.1.

    Examples
    --------
    With 6 values the extremes bracket the median at 95 % (1 - 2/64 = 0.969), with 5 nothing does:

    >>> order_statistic_ranks(6, 0.5, 0.95), order_statistic_ranks(5, 0.5, 0.95)
    ((1, 6), None)
    """
    tail = (1 - confidence_fraction) / 2
    low = _largest_rank(n, lambda rank: binomial_cdf_fraction(rank - 1, n, fraction) <= tail)
    high = _largest_rank(n, lambda rank: binomial_cdf_fraction(rank - 1, n, fraction) < 1 - tail) + 1
    return (low, high) if low >= 1 and high <= n else None


def _largest_rank(n: int, holds: Callable[[int], bool]) -> int:
    """Return the largest rank from 1 to n for which ``holds``, by bisection; 0 when there is none."""
    low, high = 0, n + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def samples_for_interval(fraction: float, confidence_fraction: float) -> int:
    """Return the smallest sample for which a percentile has a two-sided interval. [samples]

    Parameters
    ----------
    fraction : 0.95 for p95. [fraction]
    confidence_fraction : chance that the interval holds the percentile. [fraction]

    References
    ----------
    .. [1] H. David and H. Nagaraja, "Order Statistics," 3rd ed., 2003, section 7.1.

    Examples
    --------
    p95 needs ln(0.025)/ln(0.95) = 71.9, hence 72:

    >>> samples_for_interval(0.95, 0.95), samples_for_interval(0.99, 0.95)
    (72, 368)
    """
    tail = (1 - confidence_fraction) / 2
    return ceil(log(tail) / log(max(fraction, 1 - fraction)))


def samples_for_bound(fraction: float, misses: int, confidence_fraction: float) -> int:
    """Return the smallest sample in which ``misses`` over a limit still show that the percentile holds it. [samples]

    Parameters
    ----------
    fraction : 0.99 for p99. [fraction]
    misses : samples above the limit. [samples]
    confidence_fraction : confidence of the claim. [fraction]

    References
    ----------
    .. [1] MLPerf LoadGen, early stopping criterion; its SingleStream and MultiStream minimum counts are 64 and 662.

    Examples
    --------
    >>> samples_for_bound(0.90, 1, 0.99), samples_for_bound(0.99, 1, 0.99)
    (64, 662)
    """
    low, high = misses, misses + 1
    while binomial_cdf_fraction(misses, high, 1 - fraction) > 1 - confidence_fraction:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        enough = binomial_cdf_fraction(misses, middle, 1 - fraction) <= 1 - confidence_fraction
        low, high = (low, middle) if enough else (middle, high)
    return high


def batch_means(values: FloatArray) -> FloatArray:
    """Return the means of consecutive batches, about as many as each has members. [as values]

    Requests of one run share engine steps, so neighbours are alike; the means of long enough batches are not.

    Parameters
    ----------
    values : the sample in order of time. [any]

    References
    ----------
    .. [1] A. Law, "Simulation Modeling and Analysis," 5th ed., 2015, section 9.5.3: batch means.

    Examples
    --------
    >>> batch_means(np.arange(9.0))
    array([1., 4., 7.])
    """
    size = ceil(sqrt(len(values)))
    count = len(values) // size
    means: FloatArray = values[: count * size].reshape(count, size).mean(axis=1)
    return means


def effective_samples(values: FloatArray) -> float:
    """Return how many independent samples a serially correlated one is worth. [samples]

    The variance of batch means is compared with what independent values would give; never more than n.

    Parameters
    ----------
    values : the sample in order of time. [any]

    References
    ----------
    .. [1] A. Law, "Simulation Modeling and Analysis," 5th ed., 2015, section 9.5.3.

    Examples
    --------
    Seven plateaus of seven equal values are worth about seven:

    >>> effective_samples(np.repeat([5.0, 1.0, 4.0, 2.0, 7.0, 3.0, 6.0], 7))
    6.125
    """
    n = len(values)
    spread = float(values.var(ddof=1)) if n > 1 else 0.0
    if n < FEWEST_FOR_BATCHES or spread == 0.0:
        return float(n)
    means = batch_means(values)
    size = ceil(sqrt(n))
    inflation = size * float(means.var(ddof=1)) / spread
    return n / max(1.0, round(inflation, 12))


def mean_interval(values: FloatArray, confidence_fraction: float) -> tuple[float, float] | None:
    """Return the confidence interval of the mean, from batch means where there are enough values. [as values]

    Parameters
    ----------
    values : the sample in order of time. [any]
    confidence_fraction : chance that the interval holds the mean. [fraction]

    References
    ----------
    .. [1] A. Law, "Simulation Modeling and Analysis," 5th ed., 2015, section 9.5.3.

    Examples
    --------
    Mean 2, standard error 1/√3, t(0.975, 2) = 4.303:

    >>> low, high = mean_interval(np.array([1.0, 2.0, 3.0]), 0.95)
    >>> round(low, 3), round(high, 3)
    (-0.484, 4.484)
    """
    if len(values) < 2:
        return None
    units = batch_means(values) if len(values) >= FEWEST_FOR_BATCHES else values
    half = student_t_quantile((1 + confidence_fraction) / 2, len(units) - 1)
    half *= float(units.std(ddof=1)) / sqrt(len(units))
    centre = float(values.mean())
    return centre - half, centre + half


def percentile_interval(
    values: FloatArray, fraction: float, *, samples: float, confidence_fraction: float
) -> tuple[float, float] | None:
    """Return the order-statistic interval of a percentile, as wide as ``samples`` independent values make it. [as values]

    Parameters
    ----------
    values : the sample. [any]
    fraction : 0.95 for p95. [fraction]
    samples : what the sample is worth, at most its size. [samples]
    confidence_fraction : chance that the interval holds the percentile. [fraction]

    References
    ----------
    .. [1] H. David and H. Nagaraja, "Order Statistics," 3rd ed., 2003, section 7.1.

    Examples
    --------
    >>> percentile_interval(np.arange(1.0, 7.0), 0.5, samples=6, confidence_fraction=0.95)
    (1.0, 6.0)
    """
    n = floor(samples)
    ranks = order_statistic_ranks(n, fraction, confidence_fraction)
    if ranks is None:
        return None
    low, high = ((rank - 1) / (n - 1) for rank in ranks)
    return float(np.quantile(values, low)), float(np.quantile(values, high))
