"""The split of a delta: exact, symmetric, and whole where a point between has no price."""

import pytest
from hypothesis import given, strategies as st

from planner.planning.diff.waterfall import Part, on_grid, parts_of


def product(done: frozenset[int]) -> float:
    """Twice the requests with three times the tokens: 1 × 2 × 3, from 1 to 6."""
    return (2.0 if 0 in done else 1.0) * (3.0 if 1 in done else 1.0)


def test_two_causes_get_the_value_of_shapley() -> None:
    # requests first: 1 → 2 → 6; tokens first: 1 → 3 → 6; requests (1 + 3) / 2, tokens (4 + 2) / 2
    assert parts_of(2, product) == (Part(causes=(0,), usd=2.0), Part(causes=(1,), usd=3.0))


def test_a_cause_without_effect_gets_nothing() -> None:
    assert parts_of(3, product)[2] == Part(causes=(2,), usd=0.0)


def test_causes_around_a_point_without_a_price_are_one() -> None:
    def price(done: frozenset[int]) -> float | None:
        return None if done == {0} else product(done)

    assert parts_of(3, price) == (Part(causes=(0, 1), usd=5.0), Part(causes=(2,), usd=0.0))


def test_ends_without_a_price_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="both ends"):
        parts_of(1, lambda done: None if done else 1.0)


@given(st.lists(st.floats(-1e9, 1e9), max_size=8))
def test_amounts_on_the_grid_add_up_in_any_order(amounts: list[float]) -> None:
    grid = [on_grid(amount) for amount in amounts]
    assert sum(grid) == sum(reversed(grid)) == sum(sorted(grid))
    assert all(abs(a - b) <= 2**-21 for a, b in zip(amounts, grid, strict=True))
