"""Errors and retries: how many attempts, how many requests fail for good, and how long that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.units import FloatArray, Numeric

if TYPE_CHECKING:
    from collections.abc import Sequence

GRID = 1024  # steps of the grid on which times are added: a thousandth of the longest possible time
EDGE = 1e-9  # keeps a wait that ends on a grid line inside its step


def attempt_reached_fraction(
    error_fraction_by_class: Sequence[float], retries_by_class: Sequence[int]
) -> FloatArray:
    """Return the share of requests that make a first, second, ... attempt. [1]

    The attempt after the k-th is made when the k-th failed in a class that is retried k times or more.

    Parameters
    ----------
    error_fraction_by_class : share of attempts that fail in each class, independently of each other. [fraction]
    retries_by_class : further attempts that each class is granted; 0 is never retried. [attempts]

    References
    ----------
    .. [1] Product of the transition probabilities from one attempt to the next; their sum is the mean number of
       attempts, with one class 1 + e + e² + ...

    Examples
    --------
    10 % errors worth two retries and 1 % that are never retried:

    >>> [round(float(each), 6) for each in attempt_reached_fraction([0.1, 0.01], [2, 0])]
    [1.0, 0.1, 0.01]
    """
    errors, retries = np.asarray(error_fraction_by_class, dtype=float), np.asarray(retries_by_class)
    most = int(retries.max(initial=0))
    again = [float(errors[retries >= attempt].sum()) for attempt in range(1, most + 1)]
    reached: FloatArray = np.cumprod(np.array([1.0, *again]))
    return reached


def longest_wait_s(retry: Numeric, base_s: Numeric, max_s: Numeric) -> Numeric:
    """Return the longest wait before a retry under exponential backoff. [s]

    Parameters
    ----------
    retry : which retry, counted from 1. [1]
    base_s : longest wait before the first one. [s]
    max_s : longest wait before any. [s]

    References
    ----------
    .. [1] Module 07 cheat sheet, "Key Numbers": backoff base 1 second, max 60 seconds.

    Examples
    --------
    >>> [float(longest_wait_s(retry, 1.0, 60.0)) for retry in (1, 2, 3, 7, 8)]
    [1.0, 2.0, 4.0, 60.0, 60.0]
    """
    wait: Numeric = np.minimum(base_s * np.exp2(np.subtract(retry, 1.0)), max_s)
    return wait


def runs_until_failures(error_fraction: Numeric, failures: Numeric) -> Numeric:
    """Return after how many attempts a run of consecutive failures comes by chance. [attempts]

    Parameters
    ----------
    error_fraction : share of attempts that fail, independently of each other, above 0 and below 1. [fraction]
    failures : length of the run. [attempts]

    References
    ----------
    .. [1] W. Feller, "An Introduction to Probability Theory and Its Applications", vol. 1, XIII.7:
       (1 - e^n) / (e^n (1 - e)).

    Examples
    --------
    Two heads in a row take six throws of a coin:

    >>> round(float(runs_until_failures(0.5, 2)), 6)
    6.0
    """
    run = np.power(error_fraction, failures)
    attempts: Numeric = (1.0 - run) / (run * np.subtract(1.0, error_fraction))
    return attempts


def retry_time_quantile_s(
    quantile_fraction: float,
    reached_fraction: FloatArray,
    wait_s: Sequence[float],
    *,
    jitter: bool,
    late_fraction: Sequence[float],
    late_s: float,
) -> float:
    """Return a percentile of the time that waits and timeouts add to a request. [s]

    Parameters
    ----------
    quantile_fraction : percentile as a fraction, 0.95 for p95. [1]
    reached_fraction : share of requests that make a first, second, ... attempt. [1]
    wait_s : longest wait before the first, second, ... retry. [s]
    jitter : whether a wait is uniform between 0 and its longest, else always the longest.
    late_fraction : share of the failures before each retry that were timeouts. [1]
    late_s : how long a timeout takes. [s]

    References
    ----------
    .. [1] Sum of independent times: convolution of their densities, here on a grid of ``GRID`` steps.

    Examples
    --------
    Every second request waits once, uniform within a second; half of those wait less than half a second:

    >>> once = np.array([1.0, 0.5])
    >>> round(retry_time_quantile_s(0.75, once, [1.0], jitter=True, late_fraction=[0.0], late_s=0.0), 2)
    0.5
    """
    if reached_fraction[1:].max(initial=0.0) <= 1 - quantile_fraction:
        return 0.0
    step = (sum(wait_s) + late_s * len(wait_s)) / GRID
    edges = np.arange(GRID + 1) * step
    shift = round(late_s / step)
    ends = -np.diff(reached_fraction, append=0.0)  # requests that stop after each attempt
    density = np.zeros(GRID)
    density[0] = 1.0
    total = ends[0] * density
    for wait, late, stops in zip(wait_s, late_fraction, ends[1:], strict=True):
        below = np.minimum(edges / wait, 1.0) if jitter else (edges > wait * (1 - EDGE)).astype(float)
        in_time = np.diff(below)
        each = (1 - late) * in_time
        each[shift:] += late * in_time[: GRID - shift]
        density = np.convolve(density, each)[:GRID]
        total = total + stops * density
    return float(edges[np.searchsorted(np.cumsum(total), quantile_fraction)])
