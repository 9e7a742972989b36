"""Prompts of many lengths under a price that depends on the length: what falls below a length, and how much of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from planner.units import FloatArray, Numeric

if TYPE_CHECKING:
    from numpy.typing import NDArray


def mean_capped_tokens(
    unit_lengths: FloatArray, mean_tokens: Numeric, cap_tokens: Numeric, longest_tokens: float
) -> Numeric:
    """Return the mean of min(length, cap), where prompts longer than ``longest_tokens`` count as 0. [tokens]

    Parameters
    ----------
    unit_lengths : equally likely lengths over their mean, rising. [1]
    mean_tokens : mean length of a prompt. [tokens]
    cap_tokens : part of each prompt that is counted at most, such as what a cache holds of it. [tokens]
    longest_tokens : longest prompt that is counted; infinity counts all. [tokens]

    References
    ----------
    .. [1] Limited expected value, E[min(X, c)]: S. Klugman, H. Panjer, G. Willmot, "Loss Models," 3.1.

    Examples
    --------
    Prompts of 100, 200 and 300 tokens: a cache that holds 150 serves (100 + 150 + 150) / 3 of them; the ones up to
    200 tokens bring (100 + 200) / 3:

    >>> lengths = np.array([0.5, 1.0, 1.5])
    >>> round(float(mean_capped_tokens(lengths, 200.0, 150.0, np.inf)), 6)
    133.333333
    >>> float(mean_capped_tokens(lengths, 200.0, np.inf, 200.0))
    100.0
    """
    running = np.concatenate([[0.0], np.cumsum(unit_lengths)])
    mean = np.maximum(mean_tokens, np.finfo(float).tiny)
    cap = (
        np.minimum(cap_tokens, mean * unit_lengths[-1]) / mean
    )  # a mean of next to nothing overflows nothing
    counted = _up_to_count(unit_lengths, mean, longest_tokens)
    whole = np.minimum(np.searchsorted(unit_lengths, cap, side="left"), counted)
    tokens: Numeric = mean * (running[whole] + (counted - whole) * cap) / len(unit_lengths)
    return tokens


def _up_to_count(unit_lengths: FloatArray, mean_tokens: Numeric, longest_tokens: float) -> NDArray[np.intp]:
    """Return how many of the lengths are no longer than a length."""
    if longest_tokens == math.inf:  # searching for it in a hundred thousand draws takes milliseconds
        return np.full_like(mean_tokens, len(unit_lengths), dtype=np.intp)
    longest = np.minimum(longest_tokens, 2.0 * mean_tokens * unit_lengths[-1]) / mean_tokens
    return np.asarray(np.searchsorted(unit_lengths, longest, side="right"))


def up_to_fraction(unit_lengths: FloatArray, mean_tokens: Numeric, longest_tokens: float) -> Numeric:
    """Return the share of prompts that are no longer than a length. [1]

    Parameters
    ----------
    unit_lengths : equally likely lengths over their mean, rising. [1]
    mean_tokens : mean length of a prompt. [tokens]
    longest_tokens : the length. [tokens]

    References
    ----------
    .. [1] Empirical distribution function.

    Examples
    --------
    >>> float(up_to_fraction(np.array([0.5, 1.0, 1.0, 1.5]), 200.0, 200.0))
    0.75
    """
    mean = np.maximum(mean_tokens, np.finfo(float).tiny)
    fraction: Numeric = _up_to_count(unit_lengths, mean, longest_tokens) / len(unit_lengths)
    return fraction
