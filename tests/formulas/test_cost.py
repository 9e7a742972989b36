"""The laws of a request's price: additive, linear, and cheaper only where the price list says so."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from planner.formulas.cost import (
    cacheable_tokens,
    long_context_tier,
    plain_input_tokens,
    request_cost_usd,
)
from tests.quantities import FACTORS, TOKENS, USD_PER_TOKEN


@given(parts=st.tuples(TOKENS, TOKENS, TOKENS))
def test_plain_read_and_written_tokens_make_up_the_prompt(parts: tuple[int, int, int]) -> None:
    plain, read, written = parts
    assert plain_input_tokens(sum(parts), read, written) == plain


@pytest.mark.parametrize(("whole", "read", "written"), [(-1, 0, 0), (10, -1, 0), (10, 0, -1)])
def test_a_negative_count_is_refused(whole: int, read: int, written: int) -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        plain_input_tokens(whole, read, written)


@pytest.mark.parametrize("read", [8, np.array([0.0, 8.0])])
def test_more_cached_than_there_is_is_refused(read: float) -> None:
    with pytest.raises(ValueError, match="exceed the input"):
        plain_input_tokens(10, read, 3)


@given(TOKENS, TOKENS, USD_PER_TOKEN, USD_PER_TOKEN, FACTORS)
def test_a_request_is_linear_in_its_prices(
    inputs: int, outputs: int, input_price: float, output_price: float, factor: float
) -> None:
    def usd(scale: float) -> float:
        cost = request_cost_usd(
            input_tokens=inputs,
            output_tokens=outputs,
            input_usd_per_token=scale * input_price,
            output_usd_per_token=scale * output_price,
        )
        return float(cost)

    assert usd(factor) == pytest.approx(factor * usd(1.0))


@given(TOKENS, TOKENS, USD_PER_TOKEN)
def test_reading_at_the_input_price_changes_nothing(plain: int, read: int, price: float) -> None:
    def usd(cached: int) -> float:
        cost = request_cost_usd(
            input_tokens=plain + read,
            output_tokens=10,
            input_usd_per_token=price,
            output_usd_per_token=price,
            cached_read_tokens=cached,
            cached_read_usd_per_token=price,
        )
        return float(cost)

    assert usd(read) == pytest.approx(usd(0))


def test_tokens_of_the_cache_without_a_price_of_their_own_cost_what_input_costs() -> None:
    """1,000 tokens at 3 USD/Mtok and 100 at 15, however many of the 1,000 pass through the cache."""
    cost = request_cost_usd(
        input_tokens=1000,
        output_tokens=100,
        input_usd_per_token=3e-6,
        output_usd_per_token=15e-6,
        cached_read_tokens=600,
        cache_write_tokens=300,
    )
    assert cost == pytest.approx(0.003 + 0.0015)


@given(TOKENS, st.lists(st.integers(1, 2_000_000), max_size=4, unique=True))
def test_the_tier_is_the_number_of_thresholds_below(tokens: int, thresholds: list[int]) -> None:
    assert long_context_tier(tokens, sorted(thresholds)) == sum(tokens > each for each in thresholds)


@given(TOKENS, st.integers(1, 5000), st.sampled_from([1, 64, 128]))
def test_a_cache_takes_whole_steps_and_loses_less_than_one(prefix: int, minimum: int, step: int) -> None:
    taken = float(cacheable_tokens(prefix, minimum, step))
    assert taken % step == 0
    assert taken == 0 if prefix < minimum else prefix - step < taken <= prefix
