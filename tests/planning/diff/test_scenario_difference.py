"""A scenario of both sides: what moved its cost, and nothing that did not."""

from __future__ import annotations

from datetime import date

from planner.planning.diff.difference import difference
from planner.specs.gate.side import Side
from tests.cases_of import entry_of
from tests.planning.diff.test_drift import CHAT
from tests.strategies import AS_OF, built


def test_a_later_date_at_the_same_price_is_no_cause() -> None:
    """gpt-4o-mini has cost the same since 2024; only the volume doubles the bill of 162 USD."""
    busy = CHAT | {"traffic": {"requests_per_day": 20_000.0}}
    base = Side(label="base", entries=(entry_of(built(CHAT), as_of=date(2025, 1, 1)),))
    head = Side(label="head", entries=(entry_of(built(busy), as_of=AS_OF),))
    (found,) = difference(base, head).scenarios
    assert [(cause.kind, round(cause.usd_per_month, 6)) for cause in found.causes] == [("volume", 162.0)]
    assert found.status == "changed"
