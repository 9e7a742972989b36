"""One scenario on both sides: what changed, what each change costs, and what else it moves."""

from __future__ import annotations

from collections.abc import Iterator

from planner.planning.diff.beside_cost import cost_within_error, metric_changes
from planner.planning.diff.drift import drift_steps, pinned_entry
from planner.planning.diff.factors import Factor, factors_of
from planner.planning.diff.pairing import same_file
from planner.planning.diff.priced_entry import Priced, point_of, unknown_of
from planner.planning.diff.way import Way
from planner.planning.hosting.configurations import Workbenches
from planner.specs.gate.difference import Cause, ScenarioDifference, Status, Unknown
from planner.specs.gate.side import Entry


def difference_of(base: Priced, head: Priced, benches: Workbenches) -> ScenarioDifference:
    """Compare one scenario that both sides have; ``benches`` are what comparisons share."""
    delta = head.usd - base.usd if head.usd is not None and base.usd is not None else None
    factors = factors_of(base.entry.case, head.entry.case)
    causes = tuple(_causes(base, head, factors, delta, benches)) if delta is not None else ()
    before, after = base.outcome, head.outcome
    metrics = tuple(metric_changes(before, after)) if before is not None and after is not None else ()
    unknowns = tuple(_unknowns(base, head))
    return ScenarioDifference(
        name=head.entry.case.scenario.name,
        status=_status(factors, delta, changed=bool(delta or metrics or causes)),
        file_before=base.entry.place,
        file_after=head.entry.place,
        renamed=not same_file(base.entry, head.entry),
        before=before,
        after=after,
        usd_per_month_before=base.usd,
        usd_per_month_after=head.usd,
        delta_usd_per_month=delta,
        causes=causes,
        metrics=metrics,
        within_error=before is not None and after is not None and cost_within_error(before, after),
        unknowns=unknowns,
    )


def unchanged(old: Entry, found: Priced, new: Entry) -> ScenarioDifference:
    """Return a scenario that is the same on both sides; it has outcomes only where a lock recorded them."""
    unknown = () if found.usd is not None else (unknown_of(found, "base"), unknown_of(found, "head"))
    return ScenarioDifference(
        name=new.case.scenario.name,
        status="unchanged" if not unknown else "unknown",
        file_before=old.place,
        file_after=new.place,
        renamed=not same_file(old, new),
        before=found.outcome,
        after=found.outcome,
        usd_per_month_before=found.usd,
        usd_per_month_after=found.usd,
        delta_usd_per_month=0.0 if not unknown else None,
        causes=(),
        metrics=(),
        within_error=False,
        unknowns=unknown,
    )


def _status(factors: tuple[Factor, ...], delta: float | None, *, changed: bool) -> Status:
    if delta is None:
        return "unknown"
    if factors:
        return "changed"
    return "drifted" if changed else "unchanged"


def _unknowns(base: Priced, head: Priced) -> Iterator[Unknown]:
    if base.usd is None:
        yield unknown_of(base, "base")
    if head.usd is None:
        yield unknown_of(head, "head")


def _causes(
    base: Priced, head: Priced, factors: tuple[Factor, ...], delta: float, benches: Workbenches
) -> Iterator[Cause]:
    """Yield the causes of a delta: drift first, then what changed in the scenario."""
    start, end, before, after = base.computed_usd, head.computed_usd, base.outcome, head.outcome
    if start is None or end is None or before is None or after is None:
        reason = base.reason if start is None else head.reason
        name = f"recorded figures that cannot be computed again ({reason})"
        yield Cause(kind="formula", name=name, usd_per_month=delta)
        return
    formula = delta - (end - start)
    if formula:
        yield Cause(kind="formula", name="planner's own formulas", usd_per_month=formula)
    steps = tuple(drift_steps(base, head))
    reached = start
    points = [point_of(step.entry, benches).usd for step in steps]
    apart = None not in points
    for step, usd in zip(steps, points, strict=True) if apart else ():
        if usd is not None and usd != reached:
            yield step.cause(usd - reached)
            reached = usd
    way = Way(
        base=base,
        head=head,
        before=before,
        after=after,
        pinned=pinned_entry(base.entry, head.entry, base.rows),
        start_usd=reached,
        end_usd=end,
        factors=factors,
        drift=() if apart else steps,
        benches=benches,
    )
    yield from way.causes()
