"""A difference as JSON."""

from __future__ import annotations

from planner.report.plain import to_json
from planner.specs.gate.difference import Difference

SCHEMA = "planner.diff/1"


def difference_json(found: Difference) -> str:
    """Return a difference as the JSON text that ``--format json`` writes."""
    return to_json(
        {
            "schema": SCHEMA,
            "base": found.base,
            "head": found.head,
            "as_of": found.as_of,
            "usd_per_month_before": found.usd_per_month_before,
            "usd_per_month_after": found.usd_per_month_after,
            "delta_usd_per_month": found.delta_usd_per_month,
            "delta_fraction": found.delta_fraction,
            "causes": found.causes,
            "scenarios": found.scenarios,
            "unknowns": found.unknowns,
        }
    )
