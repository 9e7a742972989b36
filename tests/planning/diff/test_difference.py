"""Laws of the diff: it sums, it is empty on equals, and it is antisymmetric."""

from dataclasses import replace

from hypothesis import given, settings

from planner.planning.diff.difference import difference
from planner.specs.scenario.scenario import Scenario
from tests.cases_of import side_of
from tests.planning.diff.test_drift import BULK, CHAT
from tests.strategies import built, hosted, scenarios

RUNS = settings(max_examples=25, deadline=None)


@given(old=scenarios, new=scenarios)
@RUNS
def test_the_waterfall_sums_to_the_delta_to_the_last_bit(old: Scenario, new: Scenario) -> None:
    found = difference(side_of(old), side_of(new))
    for each in found.scenarios:
        parts = [cause.usd_per_month for cause in each.causes]
        before, after = each.usd_per_month_before, each.usd_per_month_after
        assert each.delta_usd_per_month is not None
        assert before is not None
        assert after is not None
        assert sum(parts) == each.delta_usd_per_month == after - before
        assert sum(reversed(parts)) == each.delta_usd_per_month
    assert sum(cause.usd_per_month for cause in found.causes) == found.delta_usd_per_month


@given(one=scenarios)
@RUNS
def test_nothing_differs_from_itself(one: Scenario) -> None:
    side = side_of(one)
    other_planner = replace(side, entries=tuple(replace(each, planner="2") for each in side.entries))
    for head in (side, other_planner):  # the shortcut for what is the same, and the whole comparison
        found = difference(side, head)
        assert found.is_empty
        assert (found.delta_usd_per_month, found.causes, found.scenarios[0].metrics) == (0.0, (), ())


@given(old=scenarios, new=scenarios)
@RUNS
def test_the_way_back_costs_the_opposite_cause_by_cause(old: Scenario, new: Scenario) -> None:
    there, back = difference(side_of(old), side_of(new)), difference(side_of(new), side_of(old))
    assert there.delta_usd_per_month == -back.delta_usd_per_month
    forth = {(cause.kind, cause.name): cause.usd_per_month for cause in there.causes}
    assert forth == {(cause.kind, cause.name): -cause.usd_per_month for cause in back.causes}


@given(old=hosted, new=hosted)
@settings(max_examples=15, deadline=None)
def test_the_laws_hold_on_the_steps_of_whole_machines(old: Scenario, new: Scenario) -> None:
    there, back = difference(side_of(old), side_of(new)), difference(side_of(new), side_of(old))
    assert sum(cause.usd_per_month for cause in there.causes) == there.delta_usd_per_month
    assert there.delta_usd_per_month == -back.delta_usd_per_month
    forth = {(cause.kind, cause.name): cause.usd_per_month for cause in there.causes}
    assert forth == {(cause.kind, cause.name): -cause.usd_per_month for cause in back.causes}


def test_scenarios_of_one_side_are_added_or_removed_with_all_they_cost() -> None:
    chat, bulk = side_of(built(CHAT)), side_of(built(BULK))
    nothing = side_of()
    (usd,) = (each.usd_per_month_after for each in difference(nothing, chat).scenarios)
    assert usd is not None
    for base, head, status, delta in ((nothing, chat, "added", usd), (chat, nothing, "removed", -usd)):
        (each,) = difference(base, head).scenarios
        assert (each.status, each.delta_usd_per_month) == (status, delta)
        assert sum(cause.usd_per_month for cause in each.causes) == delta
    both = replace(bulk, entries=(replace(bulk.entries[0], place="bulk.yaml"), *chat.entries))
    assert [each.status for each in difference(both, chat).scenarios] == ["removed", "unchanged"]
