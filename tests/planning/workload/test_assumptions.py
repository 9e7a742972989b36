"""Defaults that filled what a scenario leaves open can be listed, and put back."""

from __future__ import annotations

from hypothesis import given, settings

from planner.planning.workload.assumptions import assumed, completed
from planner.specs.scenario.scenario import Scenario
from tests.planning.diff.test_drift import CHAT
from tests.strategies import built, scenarios


def test_what_is_stated_is_no_assumption_and_what_is_not_is_named_by_its_path() -> None:
    found = assumed(built(CHAT))
    assert found["traffic.days_per_month"] == 30.0
    assert found["traffic.horizon_months"] == 12
    assert found["models[0].share"] == 1.0
    assert "traffic.requests_per_day" not in found
    assert "traffic.days_per_month" not in assumed(
        built(CHAT | {"traffic": {"requests_per_day": 1.0, "days_per_month": 30.0}})
    )


@given(scenarios)
@settings(max_examples=40, deadline=None)
def test_a_scenario_with_its_assumptions_written_out_is_the_same_and_assumes_nothing_more(
    scenario: Scenario,
) -> None:
    given_keys = scenario.model_dump(mode="json", exclude_unset=True)
    whole = built(completed(given_keys, assumed(scenario)))
    assert whole == scenario
    assert assumed(whole) == {}


def test_the_keys_that_were_given_are_left_as_they_are() -> None:
    keys = {"models": [{"model": "a"}], "traffic": {"requests_per_day": 1.0}}
    whole = completed(keys, {"models[0].share": 0.5, "batch.share": 0.1})
    assert whole == {
        "models": [{"model": "a", "share": 0.5}],
        "traffic": {"requests_per_day": 1.0},
        "batch": {"share": 0.1},
    }
    assert keys == {"models": [{"model": "a"}], "traffic": {"requests_per_day": 1.0}}
