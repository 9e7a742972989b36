"""Deciding from samples: when a limit is shown to hold, and whether two runs differ."""

from __future__ import annotations

from math import log, sqrt
from typing import TYPE_CHECKING

import numpy as np

from planner.formulas.distributions import log_beta, student_t_quantile

if TYPE_CHECKING:
    from planner.units import FloatArray

PRIOR_MISSES = 0.5  # Jeffreys' weight on misses; the weight on hits is scaled to the tested fraction


def sequential_evidence(misses: int, samples: int, allowed_fraction: float) -> float:
    """Return how strongly a sample speaks against a miss rate of exactly ``allowed_fraction``. [likelihood ratio]

    The ratio of a beta mixture over all miss rates to the tested one. Under the tested rate it stays below 1/α for
    ever with probability 1 - α, so one may look after every request and stop as soon as it passes 1/α.

    Parameters
    ----------
    misses : samples over the limit. [samples]
    samples : all samples so far. [samples]
    allowed_fraction : tested miss rate, 0.05 for a p95 limit. [fraction]

    References
    ----------
    .. [1] H. Robbins, "Statistical Methods Related to the Law of the Iterated Logarithm,"
       Ann. Math. Statist. 41, 1970.

    Examples
    --------
    Without a miss a p95 limit is shown to hold at α = 0.05 after 81 requests (a fixed test, one look, needs 59):

    >>> min(n for n in range(1, 200) if sequential_evidence(0, n, 0.05) >= 20)
    81
    """
    prior_hits = PRIOR_MISSES * (1 - allowed_fraction) / allowed_fraction
    hits = samples - misses
    log_ratio = log_beta(PRIOR_MISSES + misses, prior_hits + hits) - log_beta(PRIOR_MISSES, prior_hits)
    log_ratio -= misses * log(allowed_fraction) + hits * log(1 - allowed_fraction)
    return float(np.exp(min(log_ratio, 700.0)))  # beyond e^700 a float ends; the verdict is the same


def difference_interval(
    before: FloatArray, after: FloatArray, confidence_fraction: float
) -> tuple[float, float, float]:
    """Return low, best and high of mean(after) - mean(before), for unequal variances. [as values]

    Parameters
    ----------
    before : independent values, such as batch means or repetitions. [any]
    after : the same of the other run. [as before]
    confidence_fraction : chance that the interval holds the difference. [fraction]

    References
    ----------
    .. [1] B. Welch, "The generalization of Student's problem," Biometrika 34, 1947.

    Examples
    --------
    >>> low, best, high = difference_interval(np.array([1.0, 2, 3]), np.array([3.0, 4, 5]), 0.95)
    >>> best, round(high - best, 3)
    (2.0, 2.267)
    """
    best = float(after.mean() - before.mean())
    half = _welch_half_width(before, after, confidence_fraction)
    return best - half, best, best + half


def smallest_detectable_difference(
    before: FloatArray, after: FloatArray, *, confidence_fraction: float, power_fraction: float
) -> float:
    """Return the true difference that these samples would show with probability ``power_fraction``. [as values]

    Parameters
    ----------
    before : independent values, such as batch means or repetitions. [any]
    after : the same of the other run. [as before]
    confidence_fraction : confidence of the interval that shows it. [fraction]
    power_fraction : chance to see it. [fraction]

    References
    ----------
    .. [1] J. Cohen, "Statistical Power Analysis for the Behavioral Sciences," 2nd ed., 1988, section 2.3.

    Examples
    --------
    Four degrees of freedom, standard error 0.816: (2.776 + 0.941) · 0.816 = 3.035

    >>> values = np.array([1.0, 2.0, 3.0])
    >>> round(smallest_detectable_difference(values, values, confidence_fraction=0.95, power_fraction=0.8), 3)
    3.035
    """
    error, degrees = _welch_error(before, after)
    if error == 0.0:
        return 0.0
    reach = student_t_quantile((1 + confidence_fraction) / 2, degrees)
    return error * (reach + student_t_quantile(power_fraction, degrees))


def _welch_half_width(before: FloatArray, after: FloatArray, confidence_fraction: float) -> float:
    error, degrees = _welch_error(before, after)
    return error * student_t_quantile((1 + confidence_fraction) / 2, degrees) if error else 0.0


def _welch_error(before: FloatArray, after: FloatArray) -> tuple[float, float]:
    """Return standard error and degrees of freedom of the difference of two means."""
    parts = [float(values.var(ddof=1)) / len(values) for values in (before, after)]
    total = sum(parts)
    if total == 0.0:
        return 0.0, float(len(before) + len(after) - 2)
    shares = [
        (part / total) ** 2 / (len(values) - 1) for part, values in zip(parts, (before, after), strict=True)
    ]
    return sqrt(total), 1 / sum(shares)
