"""Both ends of a waterfall have a price."""

import pytest

from planner.planning.waterfall import parts_of


def test_the_parts_are_means_of_both_orders_and_sum_to_the_delta() -> None:
    # two causes that multiply: 10 · (2 - 1) · (3 - 1)
    prices = {frozenset(): 10.0, frozenset({0}): 20.0, frozenset({1}): 30.0, frozenset({0, 1}): 60.0}
    parts = tuple(parts_of(2, prices.__getitem__))
    assert sum(part.usd for part in parts) == 50.0
    assert [part.usd for part in parts] == [20.0, 30.0]  # (10 + 30) / 2 and (40 + 20) / 2


def test_an_end_without_a_price_is_no_waterfall() -> None:
    with pytest.raises(ValueError, match="need a price"):
        tuple(parts_of(1, lambda done: 1.0 if done else None))
