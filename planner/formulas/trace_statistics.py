"""What a recorded trace says about its traffic: burstiness, peak, spread."""

from __future__ import annotations

import numpy as np

from planner.units import SECONDS_PER_MINUTE, FloatArray


def squared_cv(values: FloatArray) -> float:
    """Return the squared coefficient of variation: variance over squared mean. [1]

    Parameters
    ----------
    values : gaps between arrivals, for the burstiness of traffic. [any]

    Raises
    ------
    ValueError
        When there are no values or their mean is not above zero.

    References
    ----------
    .. [1] L. Kleinrock, "Queueing Systems," vol. 1, 1975: 1 for a Poisson process, above it for bursts.

    Examples
    --------
    >>> squared_cv(np.array([1.0, 3.0]))
    0.25
    """
    mean = float(np.mean(values)) if len(values) else 0.0
    if mean <= 0:
        raise ValueError("a coefficient of variation needs values with a mean above zero")
    return float(np.var(values)) / mean**2


def peak_minute_to_mean(arrival_s: FloatArray) -> float:
    """Return the busiest minute's requests over the mean minute's. [1]

    Parameters
    ----------
    arrival_s : arrival times in ascending order, shape (n,), n ≥ 2. [s]

    References
    ----------
    .. [1] By definition; minutes are counted from the first arrival, a started last minute by its length.

    Examples
    --------
    >>> peak_minute_to_mean(np.array([0.0, 1.0, 2.0, 61.0, 120.0]))
    1.2
    """
    since = arrival_s - arrival_s[0]
    per_minute = np.bincount((since / SECONDS_PER_MINUTE).astype(int))
    mean = len(arrival_s) / max(float(since[-1]) / SECONDS_PER_MINUTE, 1.0)
    return max(float(per_minute.max()) / mean, 1.0)
