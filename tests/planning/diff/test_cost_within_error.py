"""A change of the cost is within the error when what planner does not know of it could turn its sign."""

from typing import Any

import numpy as np
import pytest

from planner.planning.bill.uncertainty import banded_swings, bill_spread
from planner.planning.diff.beside_cost import cost_within_error
from planner.planning.diff.difference import difference
from planner.planning.hosting.configurations import Workbenches
from planner.planning.lock.locking import priced
from planner.specs.gate.difference import ScenarioDifference
from planner.specs.gate.outcome import Band, Outcome, SwingOutcome
from planner.specs.gate.side import Entry, Side
from tests.cases_of import entry_of
from tests.planning.bill.test_uncertainty import SCENARIOS, billed, case_of
from tests.strategies import built

TEXT: dict[str, Any] = {
    "name": "text",
    "traffic": {"requests_per_day": 20_000.0},
    "prompt": {"parts": {"user": {"words": 300.0}}, "output_tokens": 300.0},
    "models": [{"model": "openai/gpt-4o-mini"}],
    "hosting": {"api": {}},
}


def compared(before: dict[str, Any], after: dict[str, Any]) -> ScenarioDifference:
    sides = [Side(label="a", entries=(entry_of(built(each)),)) for each in (before, after)]
    (found,) = difference(*sides).scenarios
    return found


def cached(hit: float | None) -> dict[str, Any]:
    layer = {} if hit is None else {"hit_rate": hit}
    return TEXT | {"caching": {"queries": "faq", "exact": layer}}


def test_more_text_costs_more_however_uncertain_its_tokens_are() -> None:
    longer = TEXT | {"prompt": {"parts": {"user": {"words": 315.0}}, "output_tokens": 300.0}}
    found = compared(TEXT, longer)
    assert found.before is not None
    assert found.after is not None
    band = found.before.usd_per_month_band
    assert band is not None
    assert found.after.usd_per_month is not None
    assert band.low < found.after.usd_per_month < band.high  # alone, each bill is less certain than that
    assert not found.within_error


def test_a_volume_that_is_uncertain_on_both_sides_does_not_hide_a_change() -> None:
    loose = TEXT | {"uncertainty": {"volume": {"p10": 0.5, "p90": 2.0}}}
    found = compared(loose, loose | {"prompt": {"parts": {"user": {"words": 330.0}}, "output_tokens": 300.0}})
    assert not found.within_error


def test_a_hit_rate_that_is_only_assumed_may_turn_the_sign() -> None:
    found = compared(
        cached(0.4), cached(None)
    )  # the prior for such queries is 0.3 to 0.6, 0.45 in the middle
    assert found.delta_usd_per_month is not None
    assert found.delta_usd_per_month < 0
    assert found.within_error
    far = compared(cached(0.05), cached(None))
    assert not far.within_error


def outcome(usd: float | None, **changed: Any) -> Outcome:
    found, _ = priced(entry_of(built(TEXT)), Workbenches())
    return found.model_copy(
        update={
            "usd_per_month": usd,
            "api_usd_per_month": usd or 0.0,
            "api_swings": {},
            "usd_per_month_band": None,
        }
        | changed
    )


def test_without_an_interval_a_choice_or_a_change_nothing_is_within_it() -> None:
    swings = {"volume": SwingOutcome(at_low=50.0, at_high=200.0)}
    known, wide = outcome(100.0), outcome(110.0, api_swings=swings)
    assert cost_within_error(known, wide)
    assert not cost_within_error(known, known)
    assert not cost_within_error(known, outcome(110.0))
    assert not cost_within_error(known, outcome(None))
    assert not cost_within_error(known.model_copy(update={"choice": None}), wide)


def test_machines_are_compared_by_the_intervals_of_their_cost() -> None:
    band = Band(value=100.0, low=80.0, high=130.0, grade="fitted")
    near = band.model_copy(update={"value": 120.0, "low": 95.0, "high": 150.0})
    assert cost_within_error(outcome(100.0, usd_per_month_band=band), outcome(120.0, usd_per_month_band=near))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_range_of_a_lock_is_that_of_the_draws_to_first_order(path: Any) -> None:
    case = billed(case_of(path))
    swings = banded_swings(case)
    drawn = bill_spread(case, np.random.default_rng(0))
    told = {each.input: (each.usd_at_low, each.usd_at_high) for each in drawn.swings}
    assert {each.input: (each.usd_at_low, each.usd_at_high) for each in swings}.items() <= told.items()
    if not swings:
        return
    found, _ = priced(Entry(place="a.yaml", case=case.case, as_of=case.as_of), Workbenches())
    if found.usd_per_month_band is None or found.choice is None or found.choice.kind != "api":
        return
    width = drawn.p90_usd - drawn.p10_usd
    assert abs(found.usd_per_month_band.low - drawn.p10_usd) < 0.12 * width
    assert abs(found.usd_per_month_band.high - drawn.p90_usd) < 0.12 * width
