"""Differences between two sides, made by hand: for tests of what is said and judged of them."""

from __future__ import annotations

from datetime import date

from planner.specs.gate.difference import Cause, Difference, ScenarioDifference


def scenario_change(
    name: str,
    *causes: Cause,
    file: str | None = None,
    before: float | None,
    delta: float | None,
    within_error: bool = False,
) -> ScenarioDifference:
    """Return a changed scenario; ``before`` and ``delta`` are USD/month."""
    return ScenarioDifference(
        name=name,
        status="changed",
        file_before=file,
        file_after=file,
        renamed=False,
        before=None,
        after=None,
        usd_per_month_before=before,
        usd_per_month_after=before + delta if before is not None and delta is not None else None,
        delta_usd_per_month=delta,
        causes=causes,
        metrics=(),
        within_error=within_error,
        unknowns=(),
    )


def main_against_tree(*changes: ScenarioDifference, as_of: date | None = None) -> Difference:
    """Return the difference of the working tree from main: the sums over the changes."""
    before = sum(each.usd_per_month_before or 0.0 for each in changes)
    delta = sum(each.delta_usd_per_month or 0.0 for each in changes)
    return Difference(
        base="main",
        head="working tree",
        as_of=(as_of,) if as_of is not None else (),
        scenarios=changes,
        usd_per_month_before=before,
        usd_per_month_after=before + delta,
        delta_usd_per_month=delta,
        causes=tuple(cause for each in changes for cause in each.causes),
        unknowns=(),
    )
