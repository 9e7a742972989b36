"""Where attempts, availability and waits come from."""

import pytest

from tests.planning.explain.numbers import leaf, number, operands
from tests.planning.scenes import CASCADE

ERRORS = "reliability={errors: {rate_limited: 0.05, timeout: 0.02, invalid_json: 0.01}, timeout_s: 30}"


def test_each_class_of_error_is_tried_again_as_often_as_rule_and_scenario_allow() -> None:
    found = number("api.failures.errors[1].retries", CASCADE, ERRORS)
    assert (found.value, operands(found)) == (1, {"max_retries": 3, "granted": 1})
    assert leaf(found, "granted").place == "error_classes.timeout.max_retries"


def test_attempts_follow_from_all_classes_together() -> None:
    """8 % fail; after a timeout, one in four failures, a request is tried once more only."""
    found = number("api.failures.attempts_per_request", CASCADE, ERRORS)
    once = 1 + 0.08 + 0.08 * 0.06 + 0.08 * 0.06**2
    assert found.value == pytest.approx(once, rel=1e-3)
    extra = number("api.failures.extra_load_fraction", CASCADE, ERRORS)
    assert extra.value == pytest.approx(float(found.value or 0) - 1)


def test_alone_a_provider_answers_what_it_is_up_for_and_what_attempts_reach() -> None:
    found = number("api.failures.availability_without_failover_fraction", CASCADE, ERRORS)
    values = operands(found)
    attempts, open_share = float(values["attempts_per_request"] or 0), float(values["open_fraction"] or 0)
    assert found.value == pytest.approx(0.999 * attempts * (1 - 0.08) * (1 - open_share))
    assert leaf(found, "provider_uptime").place == "--set reliability.provider_uptime"


def test_errors_cost_what_the_bill_is_above_that_without_them() -> None:
    found = number("api.failures.extra_usd_per_month", CASCADE, ERRORS)
    with_errors, without = (float(each.value or 0) for each in found.operands)
    assert found.value == pytest.approx(with_errors - without)
    assert with_errors > without


def test_waits_come_from_a_model_that_says_what_it_was_asked() -> None:
    found = number("api.failures.added_p95_s", CASCADE, ERRORS)
    assert not found.replayed
    assert found.note == "waits and timeouts, added on a grid"
    assert operands(found)["base_s"] == 1.0
