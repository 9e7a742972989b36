"""Arrival times and lengths, drawn from a generator that the caller seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.errors import UsageError
from planner.specs.answers.simulation import IntArray

if TYPE_CHECKING:
    from planner.units import FloatArray


def gamma_arrivals(
    generator: np.random.Generator, *, requests_per_s: float, requests: int, burstiness: float = 1.0
) -> FloatArray:
    """Return arrival times with gamma-distributed gaps [s].

    ``burstiness`` is the squared coefficient of variation of the gaps: 1 is a Poisson process, 0 a steady beat.

    Raises
    ------
    UsageError
        For a rate of zero or less, or a negative burstiness.
    """
    if not requests_per_s > 0:
        raise UsageError(f"the arrival rate must be above 0, found {requests_per_s:g} requests/s")
    if burstiness < 0:
        raise UsageError(f"burstiness must not be negative, found {burstiness:g}")
    if burstiness == 0:
        return np.arange(1, requests + 1) / requests_per_s
    gaps = generator.gamma(1 / burstiness, burstiness / requests_per_s, requests)
    return np.cumsum(gaps)


def lognormal_tokens(
    generator: np.random.Generator, *, mean: float, p50: float, requests: int, most: float
) -> IntArray:
    """Return lengths from the log-normal with this mean and median, from 1 to ``most`` [tokens]."""
    sigma = np.sqrt(2 * np.log(mean / p50)) if mean > p50 > 0 else 0.0
    drawn = np.exp(np.log(mean) - sigma**2 / 2 + sigma * generator.standard_normal(requests))
    tokens: IntArray = np.clip(np.rint(drawn), 1, max(most, 1)).astype(np.int64)
    return tokens
