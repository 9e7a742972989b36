"""Outcomes of a lock and the figures beside the cost, held to figures made by hand."""

from dataclasses import replace
from typing import Any

import pytest

from planner.planning.diff.beside_cost import metric_changes, within_error
from planner.planning.diff.difference import difference
from planner.planning.diff.priced_entry import priced_entry
from planner.planning.diff.scenario_difference import difference_of
from planner.planning.diff.way import Way
from planner.planning.estimate import estimate_scenario
from planner.planning.hosting.configurations import Workbenches
from planner.planning.lock.locking import lock_of, side_of
from planner.planning.lock.outcome import outcome_of
from planner.specs.base import Quantity
from planner.specs.gate.outcome import Band, Outcome
from planner.specs.gate.side import Entry, Side
from tests.cases_of import case_of, entry_of
from tests.planning.diff.test_drift import BULK, CHAT
from tests.strategies import AS_OF, built

FAST = Band(value=0.2, low=0.1, high=0.3, grade="fitted")


def outcome(**changed: Any) -> Outcome:
    entry = entry_of(built(BULK))
    return outcome_of(entry.case, estimate_scenario(entry.case, AS_OF)).model_copy(update=changed)


def test_each_figure_has_its_own_good_direction() -> None:
    before = outcome(ttft_p95_s=FAST, memory_headroom_fraction=0.5, break_even_requests_per_day=None)
    slow = FAST.model_copy(update={"value": 0.4, "low": 0.35, "high": 0.5})
    after = before.model_copy(
        update={"ttft_p95_s": slow, "memory_headroom_fraction": 0.6, "break_even_requests_per_day": 9.0}
    )
    found = {each.name: each for each in metric_changes(before, after)}
    assert {name: each.verdict for name, each in found.items()} == {
        "ttft_p95_s": "worse",
        "memory_headroom_fraction": "better",
        "break_even_requests_per_day": "neither",
    }
    assert not found["ttft_p95_s"].within_error
    wider = before.model_copy(update={"ttft_p95_s": FAST.model_copy(update={"low": 0.05})})
    (same,) = metric_changes(before, wider)
    assert same.verdict == "same"
    nothing = before.model_copy(update={"choice": None, "usd_per_month": None})
    (each,) = metric_changes(nothing, nothing.model_copy(update={"memory_headroom_fraction": 0.1}))
    assert each.subject == "no option"


def test_a_change_is_within_the_error_when_each_value_lies_in_the_others_interval() -> None:
    assert within_error(FAST, FAST.model_copy(update={"value": 0.25}))
    assert not within_error(FAST, FAST.model_copy(update={"value": 0.25, "low": 0.22}))
    assert not within_error(FAST, 0.2)


def test_the_cost_of_machines_has_the_interval_of_their_capacity() -> None:
    entry = entry_of(built(BULK))
    estimate = estimate_scenario(entry.case, AS_OF)
    chosen = estimate.recommendation.hosting
    assert chosen is not None
    assert chosen.machines is not None
    served = Quantity(value=10.0, low=5.0, high=20.0, grade="fitted")

    def band_with(**changed: Any) -> Band | None:
        option = replace(chosen, **changed)
        recommendation = replace(estimate.recommendation, options=(option,))
        return outcome_of(entry.case, replace(estimate, recommendation=recommendation)).usd_per_month_band

    band = band_with(machines=4, usd_per_month=400.0, requests_per_s_per_replica=served)
    assert band == Band(value=400.0, low=200.0, high=800.0, grade="fitted")
    assert band_with(machines=None) is None


@pytest.mark.parametrize("lost", ["ttft_s", "requests_per_s_per_replica"])
def test_headroom_is_unknown_where_a_figure_is_missing(lost: str) -> None:
    entry = entry_of(built(BULK))
    estimate = estimate_scenario(entry.case, AS_OF)
    chosen = estimate.recommendation.hosting
    assert chosen is not None
    without: dict[str, Any] = {lost: None}
    recommendation = replace(estimate.recommendation, options=(replace(chosen, **without),))
    found = outcome_of(entry.case, replace(estimate, recommendation=recommendation))
    assert found.memory_headroom_fraction is None
    odd = replace(estimate.recommendation, options=(replace(chosen, quantization="q9_x"),))
    assert outcome_of(entry.case, replace(estimate, recommendation=odd)).memory_headroom_fraction is None


def locked(*entries: Entry) -> Side:
    case = case_of(built(CHAT))
    return side_of(
        lock_of(Side(label="a", entries=entries), planner=""),
        label="lock",
        rules=case.rules,
        vllm_memory=case.vllm_memory,
        profiles=case.profiles,
    )


def test_unchanged_scenarios_of_a_lock_are_not_priced_again() -> None:
    entries = tuple(entry_of(built(CHAT | {"name": f"chat-{n}"}), place=f"{n}.yaml") for n in range(2))
    found = difference(locked(*entries), Side(label="b", entries=entries))
    assert found.is_empty
    assert [each.after is not None for each in found.scenarios] == [True, True]


def test_a_lock_without_an_option_stays_unknown_when_it_is_priced_again() -> None:
    entry = entry_of(built(CHAT | {"constraints": {"data": "on_device"}}))
    (old,) = locked(entry).entries
    benches = Workbenches()
    found = difference_of(
        priced_entry(replace(old, planner="other"), benches), priced_entry(entry, benches), benches
    )
    assert [each.side for each in found.unknowns] == ["base", "head"]


def test_a_delta_without_a_cause_is_still_shown() -> None:
    entry = entry_of(built(CHAT))
    priced = priced_entry(entry, Workbenches())
    assert priced.outcome is not None
    way = Way(
        base=priced,
        head=priced,
        before=priced.outcome,
        after=priced.outcome,
        pinned=entry,
        start_usd=1.0,
        end_usd=2.0,
        factors=(),
        benches=Workbenches(),
    )
    (cause,) = way.causes()
    assert (cause.kind, cause.usd_per_month) == ("settings", 1.0)
    new = difference(Side(label="a", entries=()), Side(label="b", entries=(entry,)))
    assert new.scenarios[0].delta_fraction is None
