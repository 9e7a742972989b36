"""Where token sizes come from: parts, log-normals given by two figures, listed values."""

import pytest

from tests.planning.explain.numbers import leaf, number, operand, operands
from tests.planning.scenes import CHAT, RAG

LISTED = "prompt.input_tokens={values: [500, 3000], weights: [3, 1]}"
MEDIAN = "prompt.input_tokens={p50: 1000, p99: 9000}"


def test_a_prompt_is_the_sum_of_its_parts() -> None:
    """450 words at 0.75 words a token, 900 and 3,600 tokens, 240 characters at 4 a token: 600 + 900 + 3600 + 60."""
    found = number("workload.input_tokens.mean", RAG)
    assert found.value == 5160
    assert operands(found) == {
        "system_tokens": 600,
        "examples_tokens": 900,
        "passages_tokens": 3600,
        "question_tokens": 60,
    }
    assert operand(found, "question_tokens").rule == "tokens_from_characters(amount, characters_per_token)"


def test_percentiles_of_parts_are_added_up_and_called_a_bound() -> None:
    """Only the passages vary; their p95 is stated: 600 + 900 + 6000 + 60."""
    found = number("workload.input_tokens.p95", RAG)
    assert found.value == pytest.approx(7560)
    assert found.note is not None
    assert "upper bound" in found.note


def test_a_part_keeps_the_unit_in_which_it_was_given() -> None:
    found = number("workload.parts[3].amount", RAG)
    assert (found.value, leaf(found, "characters").place) == (240, "prompt.parts.question.characters")


@pytest.mark.parametrize(("field", "tokens"), [("mean", 1125), ("p50", 500), ("p95", 3000), ("sigma", 0)])
def test_statistics_of_listed_sizes_are_those_of_the_list(field: str, tokens: float) -> None:
    """Three of 500 and one of 3,000: a mean of (3 · 500 + 3000) / 4."""
    found = number(f"workload.input_tokens.{field}", CHAT, LISTED)
    assert (found.value, found.rule) == (tokens, f"{field} of the listed values")


def test_a_median_and_a_percentile_fix_the_log_normal() -> None:
    """ln(9000 / 1000) over the normal 99 % point 2.32635 is the sigma; the mean lies exp(sigma² / 2) above p50."""
    sigma = number("workload.input_tokens.sigma", CHAT, MEDIAN)
    assert sigma.value == pytest.approx(2.1972246 / 2.3263479)
    assert leaf(sigma, "z_p99").place == "planner/formulas/traffic.py Z_P99"
    mean = number("workload.input_tokens.mean", CHAT, MEDIAN)
    assert mean.value == pytest.approx(1000 * 2.7182818 ** (0.944495276**2 / 2))
