"""A hit share is a share; caching pays from the break-even on and not before."""

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from planner.formulas.prompt_cache import (
    break_even_hit_fraction,
    caching_saving_usd,
    mean_hit_fraction,
    rate_for_hit_fraction,
    sliding_hit_fraction,
    stampede_hit_fraction,
)
from tests.quantities import FRACTIONS, RATES, SECONDS


@given(RATES, SECONDS, st.floats(1, 10))
def test_hits_rise_with_traffic_and_lifetime_and_stay_a_share(rate: float, ttl: float, more: float) -> None:
    share = float(sliding_hit_fraction(rate, ttl))
    assert 0 <= share <= 1
    assert share <= float(sliding_hit_fraction(rate * more, ttl))
    assert sliding_hit_fraction(rate * more, ttl) == pytest.approx(sliding_hit_fraction(rate, ttl * more))


@given(st.floats(0, 0.999), SECONDS)
def test_the_rate_for_a_share_gives_that_share(share: float, ttl: float) -> None:
    assert sliding_hit_fraction(rate_for_hit_fraction(share, ttl), ttl) == pytest.approx(share)


def test_simulated_requests_hit_as_often_as_the_formula_says() -> None:
    gaps = np.random.default_rng(7).exponential(1 / 0.004, 200_000)
    assert np.mean(gaps <= 300) == pytest.approx(float(sliding_hit_fraction(0.004, 300)), abs=0.005)


@given(FRACTIONS, RATES, SECONDS)
def test_a_stampede_only_costs_hits(share: float, rate: float, ready: float) -> None:
    assert 0 <= float(stampede_hit_fraction(share, rate, ready)) <= share + 1e-12
    assert stampede_hit_fraction(share, rate, 0.0) == pytest.approx(share)


@given(st.lists(st.tuples(FRACTIONS, st.floats(0.1, 10)), min_size=1, max_size=24))
def test_the_mean_lies_between_the_worst_and_the_best_hour(hours: list[tuple[float, float]]) -> None:
    shares, weights = (np.array(each) for each in zip(*hours, strict=True))
    assert shares.min() - 1e-9 <= mean_hit_fraction(shares, weights) <= shares.max() + 1e-9


@given(st.floats(0.1, 100), st.floats(0, 0.99), st.floats(1, 3), FRACTIONS)
def test_caching_pays_from_the_break_even_on(price: float, read: float, write: float, hits: float) -> None:
    threshold = float(break_even_hit_fraction(price, price * read, price * write))
    assume(abs(hits - threshold) > 1e-6)
    saving = float(caching_saving_usd(1000, hits, price, price * read, price * write))
    assert (saving > 0) == (hits > threshold)


def test_writes_that_cost_less_than_input_always_pay() -> None:
    assert break_even_hit_fraction(3.0, 0.3, 2.0) == 0.0
