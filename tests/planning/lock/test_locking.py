"""A lock holds what it takes to price its scenarios again."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings

from planner.errors import DataError
from planner.inputs.books import load_books
from planner.inputs.locks import lock_text, parse_lock
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.rules import load_rules
from planner.inputs.serving_profiles import load_serving_profiles
from planner.inputs.sides import side_of_files
from planner.planning.hosting.configurations import Workbenches
from planner.planning.lock.locking import lock_of, priced, scenario_in, side_of
from planner.planning.lock.used_rows import books_of
from planner.planning.workload.assumptions import assumed, completed
from planner.specs.gate.lock import Lock
from planner.specs.gate.side import Side
from planner.specs.scenario.scenario import Scenario
from tests.cases_of import books, entry_of, side_of as side_of_scenarios
from tests.planning.diff.test_drift import CHAT
from tests.strategies import built, scenarios


def lock_again(lock: Lock) -> Lock:
    side = side_of(
        lock,
        label="lock",
        rules=load_rules(),
        vllm_memory=load_vllm_memory(),
        profiles=load_serving_profiles(),
    )
    return lock_of(side, planner=lock.planner, seed=lock.seed)


@given(scenario=scenarios)
@settings(max_examples=25, deadline=None)
def test_a_lock_reads_back_as_it_was_and_prices_again_from_its_own_rows(scenario: Scenario) -> None:
    lock = lock_of(side_of_scenarios(scenario), planner="1")
    text = lock_text(lock)
    back = parse_lock(text.encode(), "lock")
    assert back == lock
    assert lock_text(lock_again(back)) == text
    assert scenario_in(back.scenarios["0.yaml"]) == scenario


def test_a_scenario_that_cannot_be_priced_is_named() -> None:
    """Claude 3.5 Sonnet could no longer be bought on 2026-11-01."""
    retired = entry_of(built(CHAT | {"models": [{"model": "anthropic/claude-3-5-sonnet"}]}), place="old.yaml")
    with pytest.raises(DataError, match=r"^old\.yaml: ") as refusal:
        lock_of(Side(label="a", entries=(retired,)), planner="1")
    assert refusal.value.cure is not None


@pytest.fixture(scope="module")
def shipped() -> Lock:
    side = side_of_files((Path("scenarios"),), root=Path(), label="files", today=date(2026, 11, 23))
    return lock_of(side, planner="1")


def test_every_example_prices_again_from_its_lock_alone(shipped: Lock) -> None:
    assert lock_text(lock_again(shipped)) == lock_text(shipped)


def test_a_lock_holds_only_rows_that_were_used(shipped: Lock) -> None:
    assert "openai/gpt-4o-mini" in shipped.rows.api
    assert len(shipped.rows.api) < 15 < len(load_books().api.rows)
    assert set(shipped.rows.hardware) == {
        "a100-80-sxm",
        "apple-m4-max-40c",
        "b200-sxm",
        "h100-sxm",
        "l40s",
        "raspberry-pi-5",
    }
    assert {row.gpu for row in shipped.rows.rentals.values()} == {
        "a100-80-sxm",
        "b200-sxm",
        "h100-sxm",
        "l40s",
    }


def test_defaults_of_then_hold_when_todays_are_others() -> None:
    scenario = built(
        {
            "name": "a",
            "traffic": {"requests_per_day": 1.0},
            "prompt": {"input_tokens": 1.0, "output_tokens": 1.0},
            "models": [{"model": "openai/gpt-4o-mini"}],
        }
    )
    lock = lock_of(side_of_scenarios(scenario), planner="1")
    locked = lock.scenarios["0.yaml"]
    assert locked.assumptions["models[0].share"] == "1"
    then = locked.model_copy(update={"assumptions": {**locked.assumptions, "reliability.max_retries": 7}})
    assert scenario_in(then).reliability.max_retries == 7
    whole = completed(scenario.model_dump(mode="json", exclude_unset=True), assumed(scenario))
    assert Scenario.model_validate(whole, strict=False) == scenario


def test_every_example_reads_back_under_other_defaults(shipped: Lock) -> None:
    for locked in shipped.scenarios.values():
        other = locked.assumptions | {"gates.max_price_age_days": 91}
        then = scenario_in(locked.model_copy(update={"assumptions": other}))
        assert then.gates.max_price_age_days == 91


def test_two_rows_of_one_id_are_kept_apart() -> None:
    scenario = built(
        {
            "name": "a",
            "traffic": {"requests_per_day": 1000.0},
            "prompt": {"input_tokens": 1000.0, "output_tokens": 100.0},
            "models": [{"model": "openai/gpt-4o-mini"}],
        }
    )
    entry = entry_of(scenario)
    outcome, rows = priced(entry, Workbenches())
    row = books().api.rows["openai/gpt-4o-mini"]
    dearer = tuple(price.model_copy(update={"input_usd_per_mtok": 99.0}) for price in row.prices)
    own = books_of({**rows, "api": {row.id: row.model_copy(update={"prices": dearer})}}, "own")
    other = replace(entry, place="other.yaml", case=replace(entry.case, books=own))
    lock = lock_of(Side(label="two", entries=(entry, other)), planner="1")
    assert len(lock.rows.api) == 2
    assert all(key.startswith("openai/gpt-4o-mini~") for key in lock.rows.api)
    assert lock_text(lock_again(lock)) == lock_text(lock)
    assert (lock.scenarios["other.yaml"].result.usd_per_month or 0) > (outcome.usd_per_month or 0)
