"""Each kind of call with its price: lines in order, hours at their own price, terms of the account."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from planner.errors import DataError, UsageError
from planner.planning.bill.calls import LINES, PricedCall, price_calls
from planner.planning.workload.workload import workload_of
from planner.specs.scenario.scenario import Scenario
from tests.cases_of import case_of
from tests.planning.diff.test_drift import CHAT
from tests.strategies import AS_OF, built, scenarios


def priced(scenario: Scenario) -> tuple[PricedCall, ...]:
    case = case_of(scenario)
    return price_calls(case, workload_of(scenario, {}), AS_OF)


def only(**changed: Any) -> dict[str, float]:
    (call,) = priced(built(CHAT | changed))
    return dict(zip(LINES, call.usd_by_line, strict=True))


@given(scenarios)
@settings(max_examples=40, deadline=None)
def test_every_call_has_one_number_a_line_and_none_below_nothing(scenario: Scenario) -> None:
    for call in priced(scenario):
        assert len(call.usd_by_line) == len(LINES)
        assert min(call.usd_by_line) >= 0
        assert call.usd == pytest.approx(sum(call.usd_by_line))
        assert call.used.model == call.call.model.id


def test_hidden_tokens_are_billed_as_output_on_a_line_of_their_own() -> None:
    """2,000 tokens at 0.15, 400 and 1,000 at 0.60 USD/Mtok."""
    lines = only(prompt={"input_tokens": 2000.0, "output_tokens": 400.0, "reasoning_tokens": 1000.0})
    assert lines["input"] == pytest.approx(2000 * 0.15e-6)
    assert lines["output"] == pytest.approx(400 * 0.60e-6)
    assert lines["reasoning"] == pytest.approx(1000 * 0.60e-6)


def test_a_failed_attempt_that_is_charged_makes_every_line_dearer() -> None:
    """Half of the attempts fail, one is retried and all are paid: two calls are charged for each answer."""
    reliability = {"error_rate": 0.5, "max_retries": 1, "billed": {"any_error": 1.0}}
    plain, charged = only(), only(reliability=reliability)
    assert charged == pytest.approx({name: 2 * usd for name, usd in plain.items()})


def test_a_prompt_that_no_window_takes_is_refused() -> None:
    with pytest.raises(UsageError, match="128,000"):
        only(prompt={"input_tokens": 127_000.0, "output_tokens": 2000.0})


def test_a_lifetime_that_no_model_offers_is_refused_but_a_cache_that_is_off_asks_for_none() -> None:
    prompt = {"ttl": "30m"}
    with pytest.raises(DataError, match="keeps prompt prefixes for 30m") as refusal:
        only(caching={"prompt": prompt})
    assert refusal.value.cure == "caching.prompt.ttl: 5m"
    assert only(caching={"prompt": prompt | {"enabled": False}}) == only()
