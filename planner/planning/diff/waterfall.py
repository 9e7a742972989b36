"""A delta split among its causes: each cause's part when the causes are substituted one after another.

The parts of several causes depend on the order of substitution, because causes multiply: twice the requests with twice the
tokens cost four times as much. So they are substituted in one fixed order and again in the reverse order, and a cause's
part is the mean of both. For two causes this is Shapley's value; for any number it is exact in total and antisymmetric
(from B to A every part has the opposite sign), and it takes 2·n prices instead of 2ⁿ. See docs/decisions/0080.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from planner.records import dataclass

GRID_PER_USD = 2.0**20
"""Priced points are whole multiples of 1/2²⁰ USD, about a millionth. Sums and halves of such numbers are exact in
floating point up to 4 billion USD, in any order, so that the parts sum to the delta to the last bit."""

Price = Callable[[frozenset[int]], float | None]
"""Cost with these causes substituted [USD/month]; ``None`` where it cannot be priced."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """The part of one cause, or of several that can only be substituted together."""

    causes: tuple[int, ...]
    usd: float


def on_grid(usd: float) -> float:
    """Return an amount rounded to the grid on which sums are exact. [USD]

    Examples
    --------
    >>> abs(on_grid(0.1) - 0.1) < 5e-7
    True
    >>> on_grid(0.1) + on_grid(0.2) - on_grid(0.2) == on_grid(0.1)
    True
    """
    return round(usd * GRID_PER_USD) / GRID_PER_USD


def parts_of(causes: int, price: Price) -> tuple[Part, ...]:
    """Return what each of ``causes`` causes contributes to ``price(all) - price(none)``; the parts sum to it exactly.

    Where a point between cannot be priced (the old model takes no batches), the causes on both sides of it become one.

    Parameters
    ----------
    causes : how many there are, in the order of substitution.
    price : the cost with a set of them substituted, on the grid; ``none`` and ``all`` must have one.

    Raises
    ------
    ValueError
        When one of the ends has no price.
    """
    forward = [price(frozenset(range(done))) for done in range(causes + 1)]
    reverse = [price(frozenset(range(done, causes))) for done in range(causes + 1)]
    between = (each for each in range(1, causes) if forward[each] is not None and reverse[each] is not None)
    borders = [0, *between, causes]
    return tuple(
        Part(
            causes=tuple(range(start, end)),
            usd=(
                _known(forward[end]) - _known(forward[start]) + _known(reverse[start]) - _known(reverse[end])
            )
            / 2,
        )
        for start, end in pairwise(borders)
        if end > start
    )


def _known(usd: float | None) -> float:
    if usd is None:
        raise ValueError("both ends of a waterfall need a price")
    return usd
