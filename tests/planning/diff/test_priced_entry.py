"""A side's scenario with its figures: computed, recorded in a lock, or the reason why there are none."""

from __future__ import annotations

from dataclasses import replace

from planner.planning.diff.priced_entry import NO_OPTION, point_of, priced_entry, unknown_of, unpriced
from planner.planning.hosting.configurations import Workbenches
from planner.specs.gate.side import Entry
from tests.cases_of import entry_of
from tests.planning.diff.test_drift import CHAT
from tests.strategies import built

USD = 162.0  # 300,000 requests a month of 2,000 and 400 tokens at 0.15 and 0.60 USD/Mtok
BENCHES = Workbenches()


def entry(**changed: object) -> Entry:
    return entry_of(built(CHAT | changed))


def test_what_is_computed_counts_and_is_kept_with_its_rows() -> None:
    found = priced_entry(entry(), BENCHES)
    assert found.usd == found.computed_usd
    assert round(found.usd or 0.0, 6) == USD
    assert list(found.rows["api"]) == ["openai/gpt-4o-mini"]


def test_what_a_lock_recorded_counts_beside_what_is_computed_today() -> None:
    outcome = priced_entry(entry(), BENCHES).outcome
    assert outcome is not None
    recorded = outcome.model_copy(update={"usd_per_month": 100.0})
    locked = replace(entry(), recorded=recorded)
    for found in (priced_entry(locked, BENCHES), unpriced(locked, BENCHES)):
        assert (found.usd, found.outcome) == (100.0, recorded)
    assert round(priced_entry(locked, BENCHES).computed_usd or 0.0, 6) == USD
    lost = replace(entry(), recorded=outcome.model_copy(update={"usd_per_month": None}))
    assert (unpriced(lost, BENCHES).usd, unpriced(lost, BENCHES).reason) == (None, NO_OPTION)


def test_a_model_that_is_no_longer_sold_is_unknown_with_its_reason_and_cure() -> None:
    retired = entry(models=[{"model": "anthropic/claude-3-5-sonnet"}])
    found = unknown_of(priced_entry(retired, BENCHES), "head")
    assert (found.scenario, found.side) == ("chat", "head")
    assert found.reason.startswith("anthropic/claude-3-5-sonnet cannot be bought on 2026-11-01")
    assert found.cure is not None
    assert point_of(retired, BENCHES).reason == found.reason


def test_a_scenario_that_nothing_may_serve_has_no_price_and_says_so() -> None:
    refused = entry(constraints={"data": "on_device"})
    assert point_of(refused, BENCHES).reason == NO_OPTION
    assert unknown_of(priced_entry(refused, BENCHES), "base").reason == NO_OPTION
    assert unpriced(refused, BENCHES).usd is None
