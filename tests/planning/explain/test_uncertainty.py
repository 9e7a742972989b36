"""Where the range of the bill comes from: bands, chance, draws."""

import pytest

from planner.specs.answers.explanation import Explained
from tests.planning.explain.numbers import leaf, made, number, operand, operands
from tests.planning.scenes import RAG

AGENT = "scenarios/coding-agent.yaml"


def of_swing(path: str, name: str, field: str) -> Explained:
    """Return a number of the swing of one input."""
    spread = made(path)[1].uncertainty
    assert spread is not None
    place = next(index for index, each in enumerate(spread.swings) if each.input == name)
    return number(f"uncertainty.swings[{place}].{field}", path)


def test_a_stated_band_moves_its_input_and_chance_a_little_more() -> None:
    """A year's volume may be 0.6 of what is stated; of 128,000 requests a month chance moves some parts in a thousand."""
    low = of_swing(RAG, "volume", "low")
    factor = operand(low, "widened_factor")
    assert leaf(factor, "volume_p10").place == "uncertainty.volume.p10"
    assert factor.value == pytest.approx(0.6, rel=1e-3)
    assert low.value == pytest.approx(float(factor.value or 0) * 4000 * 8 * 4)


def test_what_has_no_band_varies_by_chance_alone() -> None:
    """450,000 requests a month, their variance 2.5 times their mean: 1.28155 · √(2.5 / 450,000) up."""
    high = operand(of_swing(AGENT, "volume", "high"), "widened_factor")
    assert leaf(high, "volume_p90").source == "the scenario states no uncertainty.volume"
    assert operands(high)["cv"] == pytest.approx(2.5**0.5)
    assert high.value == pytest.approx(1 + 1.2815516 * (2.5 / 450_000) ** 0.5, rel=1e-5)


def test_text_that_is_estimated_leaves_the_prompt_open_by_its_tokenizer_s_band() -> None:
    found = operand(of_swing(AGENT, "input tokens", "high"), "widened_factor")
    band = operand(found, "input_tokens_p90")
    assert band.rule == "tokens of the text at this end of the tokenizer's band ÷ tokens"


def test_a_band_of_a_hit_rate_is_taken_as_it_stands() -> None:
    found = of_swing(RAG, "exact-cache hit rate", "low")
    assert found.value == 0.05
    (only,) = found.operands
    assert only.origin is not None
    assert only.origin.place == "uncertainty.exact_hit_rate.p10"


def test_the_bill_at_an_end_is_priced_and_not_evaluated_again() -> None:
    found = of_swing(RAG, "volume", "usd_at_low")
    assert not found.replayed
    assert found.note == "the bill with this input at that end and all others as stated"


def test_every_month_of_the_horizon_is_as_far_off_as_the_first() -> None:
    """Twelve equal months without credits: twelve times the p10 of one."""
    horizon, month = number("uncertainty.horizon_p10_usd", AGENT), number("uncertainty.p10_usd", AGENT)
    assert horizon.value == pytest.approx(12 * float(month.value or 0))
