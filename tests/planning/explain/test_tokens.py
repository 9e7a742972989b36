"""Tokens of a call: the workload's own, or what they are in the tokenizer of its model."""

import pytest

from tests.planning.explain.numbers import leaf, number, operand, operands
from tests.planning.scenes import RAG

LINE = "cost.by_model[0].lines[2].usd_per_month"
OPUS = "models=[{model: claude-opus-4-8}]"


def test_a_model_that_counts_as_the_workload_does_bills_the_workload_s_own_tokens() -> None:
    found = operand(number(LINE, RAG), "usd_per_call")
    assert operand(found, "output_tokens").path == "workload.output_tokens.mean"


def test_another_tokenizer_makes_other_tokens_of_the_same_prefix_and_is_named() -> None:
    """450 words at 0.555 words a token and 900 stated tokens, over 600 + 900 by the common rule."""
    cacheable = number("cost.by_model[0].caching.cacheable_tokens", RAG, OPUS)
    prefix = operand(cacheable, "static_prefix_tokens")
    assert prefix.value == pytest.approx(450 / 0.555 + 900)
    factor = leaf(prefix, "tokens_in_claude-2026")
    assert (factor.kind, factor.place) == ("rule", "planner/rules/tokenizers.yaml claude-2026")
    assert operands(prefix)["tokens_in_claude-2026"] == pytest.approx((450 / 0.555 + 900) / 1500)
