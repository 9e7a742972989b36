"""The retirement calendar as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

from rich.console import Group, RenderableType
from rich.text import Text

from planner.report.numbers import signed_usd, usd
from planner.report.plain import to_json
from planner.report.screen import grid
from planner.specs.answers.retirement import Retirement

SCHEMA = "planner.retirements/1"


def retirements_table(found: Sequence[Retirement], as_of: date, scenarios: int) -> RenderableType:
    """Return the calendar: the first line says what breaks next, then one row for each model that ends."""
    table = grid("Retired on", "scenario, model → successor", "USD/month", "with it", "change", left=2)
    for each in sorted(found, key=lambda each: (each.on or date.max, each.scenario)):
        table.add_row(
            each.on.isoformat() if each.on is not None else "no date",
            f"{each.scenario}\n{each.model}\n→ {each.successor or 'none named'}",
            _amount(each.usd_before),
            _amount(each.usd_after),
            _change(each.change_usd),
        )
    reasons = dict.fromkeys(f"{each.model}: {each.reason}" for each in found if each.reason)
    notes = [Text(reason, style="dim") for reason in reasons]
    head = Text(_headline(found, as_of, scenarios), style="head")
    return Group(head, Text(""), table, *notes) if found else head


def _headline(found: Sequence[Retirement], as_of: date, scenarios: int) -> str:
    over = sorted({each.scenario for each in found if each.on is not None and each.on <= as_of})
    coming = [each for each in found if each.on is not None and each.on > as_of]
    broken = f"{', '.join(over)}: a model is retired already on {as_of.isoformat()}. " if over else ""
    if not coming:
        nothing = f"{scenarios} {'scenario loses' if scenarios == 1 else 'scenarios lose'} no further model"
        return f"{broken}{nothing} on a known date"
    first = min(coming, key=lambda each: each.on or date.max)
    days = (first.on - as_of).days if first.on is not None else 0
    return f"{broken}Next: {first.scenario} loses {first.model} in {days} days"


def _amount(value_usd: float | None) -> str:
    return usd(value_usd) if value_usd is not None else "–"


def _change(value_usd: float | None) -> str:
    return signed_usd(value_usd) if value_usd is not None else "–"


def retirements_json(found: Sequence[Retirement], as_of: date) -> str:
    """Return the calendar as JSON text."""
    rows = [{**asdict(each), "change_usd": each.change_usd} for each in found]
    return to_json({"schema": SCHEMA, "as_of": as_of, "retirements": rows})
