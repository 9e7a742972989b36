"""Uncertain inputs from standard normal draws: bands told by their p10 and p90, and means of many requests."""

from __future__ import annotations

import math

import numpy as np

from planner.units import FloatArray, Numeric

Z_P90 = 1.2815515655446004  # standard normal quantile of 90 %


def banded_factor(normal: Numeric, p10_factor: float, p90_factor: float) -> Numeric:
    """Return the factor at a standard normal draw, 1 at its median. [1]

    A log-normal in two halves, so that both ends of the band are met whichever way it leans.

    Parameters
    ----------
    normal : draw from the standard normal distribution. [1]
    p10_factor : factor that one draw in ten falls short of, above 0 and at most 1. [1]
    p90_factor : factor that one draw in ten exceeds, at least 1. [1]

    References
    ----------
    .. [1] K. F. Wallis, "The Two-Piece Normal, Binormal, or Double Gaussian Distribution," Statistical Science 29,
       2014; on the logarithm here, because volumes and lengths are positive.

    Examples
    --------
    >>> [round(float(banded_factor(z, 0.7, 1.5)), 6) for z in (-Z_P90, 0.0, Z_P90)]
    [0.7, 1.0, 1.5]
    """
    scale = np.where(np.less(normal, 0), -np.log(p10_factor), np.log(p90_factor)) / Z_P90
    factor: Numeric = np.exp(scale * normal)
    return factor


def banded_rate(normal: Numeric, stated: float, p10: float, p90: float) -> Numeric:
    """Return the rate at a standard normal draw: what is stated at the median, never outside 0 to 1. [1]

    Parameters
    ----------
    normal : draw from the standard normal distribution. [1]
    stated : the rate itself. [1]
    p10 : rate that one draw in ten falls short of. [1]
    p90 : rate that one draw in ten exceeds. [1]

    References
    ----------
    .. [1] Wallis, 2014: two halves of normal distributions that meet at the median.

    Examples
    --------
    >>> [round(float(banded_rate(z, 0.3, 0.1, 0.4)), 6) for z in (-Z_P90, 0.0, Z_P90, 9.0)]
    [0.1, 0.3, 0.4, 1.0]
    """
    scale = np.where(np.less(normal, 0), stated - p10, p90 - stated) / Z_P90
    rate: Numeric = np.clip(stated + scale * normal, 0.0, 1.0)
    return rate


def widened_factor(factor: float, z: float, cv: float, count: float) -> float:
    """Return one end of a band when chance moves a mean or a count besides. [1]

    The logarithms of both are added as variances. A month is the mean of its requests, so what differs from request
    to request hardly moves a month of many.

    Parameters
    ----------
    factor : the band's own end: at most 1 for a negative ``z``, at least 1 for a positive one. [1]
    z : standard normal quantile of that end, :data:`Z_P90` or its negative. [1]
    cv : standard deviation of one value over the mean. [1]
    count : how many independent values are averaged, above 0. [1]

    References
    ----------
    .. [1] L. F. Fenton, "The Sum of Log-Normal Probability Distributions in Scatter Transmission Systems,"
       IRE Trans. Communications Systems 8, 1960: the mean of many is a log-normal with their variance over the count.

    Examples
    --------
    With a coefficient of variation of 0.6, ten thousand requests leave 0.6 % of it at one standard deviation, which
    nobody sees beside a band of 50 %:

    >>> [round(widened_factor(end, Z_P90, 0.6, 10_000.0), 4) for end in (1.0, 1.5)]
    [1.0077, 1.5001]
    """
    variance = (math.log(factor) / z) ** 2 + math.log1p(cv**2 / count)
    return math.exp(z * math.sqrt(variance))


def joint_reach_usd(low_usd: Numeric, high_usd: Numeric) -> tuple[float, float]:
    """Return how far down and how far up an amount may go when independent inputs move it. [USD]

    First order: each input is moved alone from its low end to its high end, and the deviations add up as roots of
    squares, as those of independent errors do.

    Parameters
    ----------
    low_usd : deviation at the low end of each input; one entry an input. [USD]
    high_usd : deviation at the high end of each input. [USD]

    References
    ----------
    .. [1] JCGM 100:2008, "Guide to the expression of uncertainty in measurement", 5.1.2: independent contributions add
       in squares; here downwards and upwards apart.

    Examples
    --------
    >>> joint_reach_usd([-3.0, 4.0], [6.0, -4.0])
    (5.0, 7.211102550927978)
    """
    ends = np.stack([np.asarray(low_usd, dtype=float), np.asarray(high_usd, dtype=float)])
    down, up = np.minimum(ends, 0.0).min(axis=0), np.maximum(ends, 0.0).max(axis=0)
    return float(np.sqrt(np.sum(down**2))), float(np.sqrt(np.sum(up**2)))


def joint_factor(first: Numeric, second: Numeric) -> Numeric:
    """Return the end of the product of two independent log-normal factors, from their ends of the same tail. [1]

    Parameters
    ----------
    first : end of the first factor's band, 1 where it is exact. [1]
    second : end of the second factor's band, on the same side of 1. [1]

    References
    ----------
    .. [1] Variances of independent logarithms add: the half-widths as the root of the sum of their squares.

    Examples
    --------
    >>> [round(float(joint_factor(first, 1.2)), 4) for first in (1.0, 1.2)]
    [1.2, 1.2941]
    """
    factor: Numeric = np.exp(np.hypot(np.log(first), np.log(second)))
    return factor


def end_of_sum(medians: FloatArray, ends: FloatArray) -> float:
    """Return the end of the sum of independent amounts, from their medians and their ends of the same tail.

    Parameters
    ----------
    medians : middle of each amount. [any unit]
    ends : p10 of each, or p90 of each, in the same unit. [any unit]

    References
    ----------
    .. [1] Variances of independent amounts add; each half counts as that of a normal distribution.

    Examples
    --------
    >>> end_of_sum(np.array([100.0, 100.0]), np.array([130.0, 140.0]))
    250.0
    """
    halves = np.subtract(ends, medians)
    return float(np.sum(medians) + np.copysign(np.hypot.reduce(halves), np.sum(halves)))
