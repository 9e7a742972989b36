"""Errors and retries: how many attempts, and how many requests fail for good."""

from __future__ import annotations

from planner.units import Numeric


def failed_fraction(error_fraction: Numeric, max_retries: Numeric) -> Numeric:
    """Return the share of requests whose first attempt and all retries fail. [1]

    Parameters
    ----------
    error_fraction : share of attempts that fail, independently of each other. [fraction]
    max_retries : further attempts after the first. [attempts]

    References
    ----------
    .. [1] Independent trials: e^(n + 1).

    Examples
    --------
    >>> round(failed_fraction(0.1, 2), 6)
    0.001
    """
    return error_fraction ** (max_retries + 1)


def attempts_per_request(error_fraction: Numeric, max_retries: Numeric) -> Numeric:
    """Return the mean attempts that one request takes. [attempts/request]

    Parameters
    ----------
    error_fraction : share of attempts that fail, below 1. [fraction]
    max_retries : further attempts after the first. [attempts]

    References
    ----------
    .. [1] Geometric series: (1 - e^(n + 1)) / (1 - e).

    Examples
    --------
    >>> round(attempts_per_request(0.1, 2), 6)
    1.11
    """
    return (1 - error_fraction ** (max_retries + 1)) / (1 - error_fraction)
