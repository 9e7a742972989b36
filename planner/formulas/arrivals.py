"""Arrivals in the steps of an engine: how many come together, and how many beside one."""

from __future__ import annotations

import numpy as np

from planner.units import Numeric


def arrivals_together(*, per_step: Numeric, burstiness: Numeric) -> Numeric:
    """Mean number of arrivals in those steps that have any [1].

    Poisson arrivals leave ``e^−a`` of the steps without one. Burstier ones come in clumps, of up to
    ``(1 + burstiness)/2`` where a step is long enough to hold one.

    Parameters
    ----------
    per_step : float or ndarray
        Mean arrivals a step, over all steps; 0 stands for hardly any.
    burstiness : float or ndarray
        Squared coefficient of variation of the gaps between arrivals.

    Returns
    -------
    float or ndarray
        The mean, at least 1.

    References
    ----------
    .. [1] Poisson: ``a/(1 − e^−a)``. The clumps follow gamma gaps: with a squared variation of 2.5 and 0.2 arrivals a
       step, 86 % of the steps are empty, as the formula has it; Poisson arrivals leave 82 %.

    Examples
    --------
    >>> round(float(arrivals_together(per_step=1.0, burstiness=1.0)), 2)
    1.58
    """
    mean = np.maximum(per_step, 1e-9)
    return np.maximum(mean / -np.expm1(-mean / _clump(mean, burstiness)), 1.0)


def arrivals_beside(*, per_step: Numeric, burstiness: Numeric) -> Numeric:
    """Mean number of other arrivals in the step in which one arrives [1].

    Parameters
    ----------
    per_step, burstiness : float or ndarray
        As for :func:`arrivals_together`.

    Returns
    -------
    float or ndarray
        ``per_step`` for Poisson arrivals, who know nothing of each other.

    References
    ----------
    .. [1] One of a clump of geometric size ``c`` on average has ``2(c − 1)`` others in it: ``E[C²]/E[C] − 1``.

    Examples
    --------
    >>> float(arrivals_beside(per_step=0.5, burstiness=1.0)), round(float(arrivals_beside(per_step=0.5, burstiness=2.0)), 2)
    (0.5, 1.13)
    """
    beside: Numeric = per_step + 2.0 * (_clump(per_step, burstiness) - 1.0)
    return beside


def _clump(per_step: Numeric, burstiness: Numeric) -> Numeric:
    clump: Numeric = 1.0 + (burstiness - 1.0) / 2.0 * np.sqrt(-np.expm1(-np.asarray(per_step)))
    return clump
