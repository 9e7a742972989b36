"""Why a lock is out of date is told by input, date, row and result."""

from dataclasses import replace
from datetime import date

from planner.bench.steps import STANDARD_PLAN
from planner.planning.lock.locking import lock_of
from planner.planning.lock.staleness import stale_reasons
from planner.planning.prediction.calibrate import fit_profile
from planner.specs.gate.lock import Lock
from planner.specs.gate.side import Side
from planner.specs.profiles.step import ProfileIdentity, StepProfile
from tests.cases_of import entry_of
from tests.planning.diff.test_drift import BULK, CHAT
from tests.planning.prediction.test_calibrate import run_of
from tests.strategies import built


def locked(*documents: dict[str, object]) -> Lock:
    entries = tuple(entry_of(built(each), place=f"{each['name']}.yaml") for each in documents)
    return lock_of(Side(label="a", entries=entries), planner="1")


def said(lock: Lock, now: Lock) -> list[str]:
    return [str(reason) for reason in stale_reasons(lock, now)]


def test_a_lock_of_the_same_inputs_is_up_to_date() -> None:
    assert said(locked(CHAT), locked(CHAT).model_copy(update={"planner": "2"})) == []


def test_a_changed_rule_is_told_unless_the_lock_held_none() -> None:
    now = locked(CHAT)
    assert now.rules is not None
    tighter = now.rules.model_copy(update={"headroom_fraction": 0.5})
    lock = now.model_copy(update={"rules": tighter})
    assert said(lock, now) == ["rule changed: headroom of rate limits"]
    assert said(now.model_copy(update={"rules": None}), now) == []


def test_a_lock_of_version_1_is_not_called_stale_for_what_it_had_no_place_for() -> None:
    """It held no rules, no ranges of the API's bill, and so no interval of its cost."""
    swinging = CHAT | {"uncertainty": {"volume": {"p10": 0.8, "p90": 1.3}}}
    now = locked(swinging)
    (result,) = (each.result for each in now.scenarios.values())
    assert result.api_swings
    bare = result.model_copy(update={"api_swings": {}, "usd_per_month_band": None})
    scenarios = {place: each.model_copy(update={"result": bare}) for place, each in now.scenarios.items()}
    first = now.model_copy(update={"rules": None, "scenarios": scenarios})
    assert said(first, now) == []
    assert said(first.model_copy(update={"rules": now.rules}), now) == [
        "chat.yaml: result changed: a figure beside the cost"
    ]


def test_a_measured_profile_that_is_new_or_another_is_named() -> None:
    named = ProfileIdentity(model="llama-3.1-8b", quantization="fp8", hardware="l40s")
    own = fit_profile(run_of(STANDARD_PLAN.fit), identity=named)
    lock = locked(BULK)

    def with_measured(**measured: StepProfile) -> Lock:
        return lock.model_copy(update={"profiles": lock.profiles.model_copy(update={"measured": measured})})

    assert said(lock, with_measured(one=own)) == ["profile changed: one"]
    again = own.model_copy(update={"points": 11})
    assert said(with_measured(one=own, two=own), with_measured(one=again, two=own)) == [
        "profile changed: one"
    ]


def test_new_scenarios_overrides_and_results_are_told() -> None:
    lock = locked(CHAT)
    more = CHAT | {"traffic": {"requests_per_day": 20_000.0}}
    assert said(lock, locked(more)) == [
        "chat.yaml: overridden: keys set on the command line, or defaults",
        "chat.yaml: result changed: 162.00 USD/month is now 324.00 USD/month",
    ]
    assert said(lock, locked(CHAT, CHAT | {"name": "b"})) == ["b.yaml: scenario added: b"]
    several = said(lock, locked(CHAT, *(CHAT | {"name": name} for name in "fbecd")))
    assert several == [f"{name}.yaml: scenario added: {name}" for name in "bcdef"]  # in one order, every time
    none = said(lock, locked(CHAT | {"constraints": {"data": "on_device"}}))
    assert "chat.yaml: result changed: 162.00 USD/month is now no option" in none
    beside = said(lock, locked(CHAT | {"accounts": {"openai": {"tier": "tier_1"}}}))
    assert beside[-1] == "chat.yaml: result changed: a figure beside the cost"


def test_a_row_and_a_profile_that_changed_are_named() -> None:
    lock = locked(BULK)
    row = lock.rows.api["google/gemini-2.5-flash"].model_copy(update={"note": "other"})
    rows = lock.rows.model_copy(update={"api": {row.id: row}})
    profiles = lock.profiles.model_copy(update={"serving": ()})
    now = lock.model_copy(update={"rows": rows, "profiles": profiles})
    assert said(lock, now) == [
        "row changed: api google/gemini-2.5-flash",
        "profile changed: fitted coefficients of the engine",
    ]


def test_a_scenario_that_is_gone_a_file_that_changed_and_another_date_are_told() -> None:
    entry = entry_of(built(CHAT), place="chat.yaml")
    lock = lock_of(Side(label="a", entries=(entry,)), planner="1")
    moved = replace(entry, as_of=date(2026, 11, 2), inputs={"chat.yaml": "1" * 64, "prompt.md": "2" * 64})
    assert said(lock, lock_of(Side(label="b", entries=(moved,)), planner="1")) == [
        "chat.yaml: input changed: chat.yaml",
        "chat.yaml: input changed: prompt.md",
        "chat.yaml: date changed: 2026-11-01 is now 2026-11-02",
    ]
    assert (
        said(lock, lock_of(Side(label="b", entries=()), planner="1"))[0]
        == "chat.yaml: scenario removed: chat"
    )


def test_coefficients_are_no_matter_where_nothing_is_hosted_any_more() -> None:
    bulk = locked(BULK)
    assert said(bulk, locked(CHAT)) == [
        "chat.yaml: scenario added: chat",
        "bulk.yaml: scenario removed: bulk",
    ]
