"""Where the use of a rate limit and what advice saves come from."""

import pytest

from tests.planning.explain.numbers import leaf, number, operand, operands
from tests.planning.scenes import CASCADE


def test_a_tier_s_use_is_the_peak_over_its_limit() -> None:
    found = number("recommendation.provider_tiers[0].used_fraction", CASCADE)
    peak, limit = (float(each.value or 0) for each in found.operands)
    assert limit == 4_000_000
    assert found.value == pytest.approx(peak / limit)
    assert leaf(found, "tokens_per_minute").place == (
        "pricing.yaml rate_limits openai/2025-09 tier_3 tokens_per_minute"
    )


def test_advice_saves_the_bill_less_the_bill_with_it() -> None:
    found = number("recommendation.advice[1].saving_usd_per_month")
    assert found.value == pytest.approx(849.6 - 806.4)
    assert [each.name for each in found.operands] == ["usd_per_month", "usd_per_month_with_it"]


def test_a_prompt_cache_s_saving_is_held_against_what_input_costs() -> None:
    """210.52 of 432 USD; the rule of thumb beside it says 50 to 90 %."""
    found = number("recommendation.advice[0].saving_fraction")
    assert found.value == pytest.approx(210.5236 / 432, rel=1e-5)
    low = number("recommendation.advice[0].rule_low_fraction")
    assert (low.value, leaf(low, "rule_low_fraction").place) == (
        0.5,
        "key_numbers.prompt_cache_saving_fraction.low",
    )


def test_advice_about_latency_saves_nothing_and_says_so() -> None:
    found = number("recommendation.advice[2].saving_usd_per_month")
    assert (found.value, found.note) == (0, "this advice changes latency, and no bill")


def test_time_is_saved_by_a_model_of_what_vendors_measured() -> None:
    found = number("recommendation.advice[2].time_saved_s.value")
    assert operand(found, "output_tokens").value == 400
    assert operands(found)["output_tokens_per_s"] == 65
    assert found.note == "the answer after its first token, at 30 to 100 tokens/s"
