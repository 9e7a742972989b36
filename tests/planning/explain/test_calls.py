"""Where the number of calls comes from: caches before the models, cascades, retries, failover."""

import pytest

from tests.planning.explain.numbers import leaf, number, operand, operands
from tests.planning.scenes import CASCADE, FAQ

FAILING = "reliability={error_rate: 0.2, failover_model: google/gemini-2.5-flash}"


def test_response_caches_let_through_what_both_of_them_miss() -> None:
    """The exact cache answers 30 %, the semantic one 3/14 of the rest: 0.7 · 11/14 = 0.55."""
    found = number("cost.by_model[0].requests_per_month", FAQ)
    let_through = operand(found, "reaching_fraction")
    assert let_through.value == pytest.approx(0.55)
    assert let_through.rule == "(1 − exact_hit_rate) × (1 − semantic_hit_rate)"


def test_a_cascade_sends_on_what_its_first_model_does_not_accept() -> None:
    """A quarter goes on; of those, four attempts that fail one time in five lose 0.2⁴."""
    found = number("cost.by_model[1].share", CASCADE, FAILING)
    assert operands(found) == pytest.approx({"routed_to_it": 0.25, "answered_fraction": 1 - 0.2**4})
    assert operand(found, "routed_to_it").rule == "share × (1 − accept)"


def test_a_model_that_only_failover_calls_gets_what_the_others_used_up() -> None:
    found = number("cost.by_model[2].share", CASCADE, FAILING)
    assert found.value == pytest.approx(1.25 * 0.2**4 * (1 - 0.2**4))
    assert operand(found, "routed_to_it").rule == "0: only failover calls it"


def test_questions_are_embedded_where_they_meet_the_semantic_cache() -> None:
    """60 tokens at 0.02 USD/Mtok, for the 70 % that the exact cache leaves of 600,000 requests."""
    found = number("cost.lines[5].usd_per_month", FAQ)
    assert found.value == pytest.approx(60 * 0.02e-6 * 0.7 * 600_000)
    assert leaf(found, "seen_fraction").place.startswith("caching.semantic")
