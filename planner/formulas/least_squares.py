"""Least squares with coefficients that cannot be negative, robust against single bad points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.units import FloatArray

    BoolArray = NDArray[np.bool_]

HUBER_LIMIT = 1.345  # in robust standard deviations; 95 % efficient on normal errors (Huber 1981)
MAD_TO_DEVIATION = 1.4826  # median absolute deviation of a normal sample to its standard deviation
ROUNDS = 20  # of reweighting (chosen)
TOLERANCE = 1e-12  # relative: rows are scaled to errors of about 1


def non_negative_least_squares(matrix: FloatArray, target: FloatArray) -> FloatArray:
    """Solve min |matrix · x − target| with every x ≥ 0.

    Parameters
    ----------
    matrix
        One row per observation, one column per coefficient.
    target
        The observations.

    Returns
    -------
    FloatArray
        The coefficients, some of them exactly 0.

    References
    ----------
    1. C. L. Lawson, R. J. Hanson, Solving Least Squares Problems, 1974, chapter 23.

    Examples
    --------
    >>> non_negative_least_squares(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([2.0, 1.0])).round(9).tolist()
    [1.5, 0.0]
    """
    scale = np.maximum(np.linalg.norm(matrix, axis=0), np.finfo(float).tiny)
    size = max(float(np.linalg.norm(target)), np.finfo(float).tiny)
    solution: FloatArray = _active_set(matrix / scale, target / size) * size / scale
    return solution


def _active_set(matrix: FloatArray, target: FloatArray) -> FloatArray:
    """Solve for columns and a target of length 1, so that one tolerance fits all units."""
    columns = matrix.shape[1]
    free = np.zeros(columns, dtype=bool)
    solution = np.zeros(columns)
    for _ in range(3 * columns):
        gradient = matrix.T @ (target - matrix @ solution)
        gradient[free] = -np.inf
        best = int(np.argmax(gradient))
        if gradient[best] <= TOLERANCE:
            break
        free[best] = True
        solution = _solve_inside(matrix, target, solution, free)
    return solution


def robust_non_negative_fit(matrix: FloatArray, target: FloatArray) -> FloatArray:
    """Fit non-negative coefficients to the relative errors of `target`, large ones weighed down (Huber).

    Examples
    --------
    >>> size = np.arange(1.0, 9.0)
    >>> observed = np.where(size == 4, 40.0, 2 * size)  # one point is 5 times too slow
    >>> robust_non_negative_fit(size[:, None], observed).round(2).tolist()
    [2.0]
    """
    scaled, ones = matrix / target[:, None], np.ones(len(target))
    weights = np.ones(len(target))
    for _ in range(ROUNDS):
        root = np.sqrt(weights)
        solution = non_negative_least_squares(scaled * root[:, None], root)
        weights = _huber_weights(ones - scaled @ solution)
    return solution


def _huber_weights(errors: FloatArray) -> FloatArray:
    deviation = MAD_TO_DEVIATION * float(np.median(np.abs(errors)))
    limit = HUBER_LIMIT * max(deviation, TOLERANCE)
    return np.minimum(1.0, limit / np.maximum(np.abs(errors), TOLERANCE))


def coefficient_deviations(matrix: FloatArray, target: FloatArray, solution: FloatArray) -> FloatArray:
    """Estimate the standard deviation of each fitted coefficient that is not 0; the others get 0.

    Examples
    --------
    >>> size = np.array([1.0, 2.0, 3.0])
    >>> coefficient_deviations(size[:, None], 2 * size, np.array([2.0])).tolist()
    [0.0]
    """
    scaled = matrix / target[:, None]
    used = solution > 0
    errors = 1.0 - scaled @ solution
    degrees = max(1, len(target) - int(used.sum()))
    variance = float(errors @ errors) / degrees
    deviations = np.zeros(len(solution))
    inverse = np.linalg.pinv(scaled[:, used].T @ scaled[:, used])
    deviations[used] = np.sqrt(np.maximum(0.0, np.diag(inverse) * variance))
    return deviations


def _solve_inside(matrix: FloatArray, target: FloatArray, start: FloatArray, free: BoolArray) -> FloatArray:
    """Solve for the free columns, stepping back to the boundary for those that would turn negative."""
    solution = start
    while True:
        trial = np.zeros(len(start))
        trial[free] = np.linalg.lstsq(matrix[:, free], target, rcond=None)[0]
        bad = free & (trial <= 0)
        if not bad.any():
            return trial
        reach = np.full(len(start), np.inf)  # how far each coefficient that falls may go until it is 0
        reach[bad] = solution[bad] / np.maximum(solution[bad] - trial[bad], TOLERANCE)
        solution = solution + reach.min() * (trial - solution)
        free &= (reach > reach.min()) & (solution > TOLERANCE)
        solution[~free] = 0.0
