"""Where the prompt in each model's own tokens comes from."""

import pytest

from tests.planning.explain.numbers import leaf, number, operands
from tests.planning.scenes import RAG

OPUS = "models=[{model: claude-opus-4-8}]"


def test_text_is_counted_by_the_family_s_words_per_token() -> None:
    """450 words at 0.555 words a token."""
    found = number("tokens[0].parts[0].tokens", RAG, OPUS)
    assert found.value == pytest.approx(450 / 0.555)
    place = leaf(found, "words_per_token").place
    assert place == "planner/rules/tokenizers.yaml claude-2026 words_per_token"


def test_tokens_that_are_stated_are_nobody_s_estimate() -> None:
    found = number("tokens[0].parts[2].low", RAG, OPUS)
    assert (found.value, found.rule) == (3600, "tokens")


@pytest.mark.parametrize(("end", "factor"), [("low", 0.78), ("high", 1.35)])
def test_an_estimate_of_text_has_the_family_s_band(end: str, factor: float) -> None:
    found = number(f"tokens[0].parts[3].{end}", RAG, OPUS)
    assert found.value == pytest.approx(240 / 2.5 * factor)
    assert found.rule == f"tokens × {end}_factor"


def test_the_prompt_grows_by_what_its_text_takes_in_the_family() -> None:
    """810.8 + 900 + 3600 + 96 tokens over 5,160 by the common rule."""
    factor = number("tokens[0].factor", RAG, OPUS)
    assert factor.value == pytest.approx((450 / 0.555 + 900 + 3600 + 96) / 5160)
    prompt = number("tokens[0].input_tokens", RAG, OPUS)
    assert operands(prompt) == {"input_tokens": 5160, "factor": factor.value}


def test_a_family_s_text_is_measured_against_the_common_rule() -> None:
    found = number("tokens[0].per_text_factor", RAG, OPUS)
    assert found.value == pytest.approx(0.75 / 0.555)
