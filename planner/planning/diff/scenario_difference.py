"""One scenario on both sides: what changed, what each change costs, and what else it moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from planner.planning.diff.beside_cost import cost_within_error, metric_changes
from planner.planning.diff.drift import Step, drift_steps, pinned_entry
from planner.planning.diff.factors import Factor, factors_of
from planner.planning.diff.pairing import same_file
from planner.planning.diff.priced_entry import Priced, point_of, unknown_of
from planner.planning.diff.way import Way
from planner.planning.hosting.configurations import Workbenches
from planner.specs.gate.difference import Cause, CauseKind, ScenarioDifference, SideName, Status, Unknown
from planner.specs.gate.side import Entry


def difference_of(base: Priced, head: Priced, benches: Workbenches) -> ScenarioDifference:
    """Compare one scenario that both sides have; ``benches`` are what comparisons share."""
    delta = head.usd - base.usd if head.usd is not None and base.usd is not None else None
    factors = factors_of(base.entry.case, head.entry.case)
    causes = tuple(_causes(base, head, factors, delta, benches)) if delta is not None else ()
    before, after = base.outcome, head.outcome
    metrics = tuple(metric_changes(before, after)) if before is not None and after is not None else ()
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
        unknowns=(*_unpriced(base, "base"), *_unpriced(head, "head")),
    )


def unchanged(old: Entry, found: Priced, new: Entry) -> ScenarioDifference:
    """Return a scenario that is the same on both sides; it has outcomes only where a lock recorded them."""
    unknown = (*_unpriced(found, "base"), *_unpriced(found, "head"))
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


def added(head: Priced, *, counts: bool) -> ScenarioDifference:
    """Return a scenario that only the head has; all of its cost is the delta.

    It does not count where the base has a file in its place that cannot be read: what it cost before is unknown then.
    """
    delta = head.usd if counts else None
    return ScenarioDifference(
        name=head.entry.case.scenario.name,
        status="added" if delta is not None else "unknown",
        file_before=None,
        file_after=head.entry.place,
        renamed=False,
        before=None,
        after=head.outcome,
        usd_per_month_before=0.0 if counts else None,
        usd_per_month_after=head.usd,
        delta_usd_per_month=delta,
        causes=_whole("new scenario", delta, head.entry.place),
        metrics=(),
        within_error=False,
        unknowns=_unpriced(head, "head"),
    )


def removed(base: Priced, *, counts: bool) -> ScenarioDifference:
    """Return a scenario that only the base has; it does not count where the head has it and cannot be read."""
    delta = -base.usd if counts and base.usd is not None else None
    return ScenarioDifference(
        name=base.entry.case.scenario.name,
        status="removed" if delta is not None else "unknown",
        file_before=base.entry.place,
        file_after=None,
        renamed=False,
        before=base.outcome,
        after=None,
        usd_per_month_before=base.usd,
        usd_per_month_after=0.0 if counts else None,
        delta_usd_per_month=delta,
        causes=_whole("removed scenario", delta, base.entry.place),
        metrics=(),
        within_error=False,
        unknowns=_unpriced(base, "base"),
    )


def _status(factors: tuple[Factor, ...], delta: float | None, *, changed: bool) -> Status:
    if delta is None:
        return "unknown"
    if factors:
        return "changed"
    return "drifted" if changed else "unchanged"


def _whole(kind: CauseKind, delta: float | None, place: str) -> tuple[Cause, ...]:
    """Return the one cause behind a scenario that comes or goes."""
    return (Cause(kind=kind, name=kind, usd_per_month=delta, file=place),) if delta is not None else ()


def _unpriced(side: Priced, name: SideName) -> tuple[Unknown, ...]:
    return () if side.usd is not None else (unknown_of(side, name),)


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
    points = [point_of(step.entry, benches).usd for step in steps]
    priced = [usd for usd in points if usd is not None]
    apart = len(priced) == len(
        points
    )  # a step without a price cannot stand alone: the way takes all together
    if apart:
        yield from _drift_causes(steps, start, priced)
    way = Way(
        base=base,
        head=head,
        before=before,
        after=after,
        pinned=pinned_entry(base.entry, head.entry, base.rows),
        start_usd=priced[-1] if apart and priced else start,
        end_usd=end,
        factors=factors,
        drift=() if apart else steps,
        benches=benches,
    )
    yield from way.causes()


def _drift_causes(steps: Sequence[Step], start_usd: float, points_usd: Sequence[float]) -> Iterator[Cause]:
    """Yield each step of the drift that moves the cost, by how much it moves what the step before it left."""
    for step, (before, after) in zip(steps, pairwise((start_usd, *points_usd)), strict=True):
        if after != before:
            yield step.cause(after - before)
