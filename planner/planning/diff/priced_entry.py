"""A scenario of one side with its figures, and what it would cost on the way to the other side."""

from __future__ import annotations

from planner.errors import DataError, UsageError
from planner.planning.diff.waterfall import on_grid
from planner.planning.estimate import cheapest_of
from planner.planning.hosting.configurations import Workbenches
from planner.planning.lock.locking import priced
from planner.planning.lock.outcome import rounded
from planner.planning.lock.used_rows import Rows, rows_of
from planner.records import dataclass
from planner.specs.answers.estimate import HostingOption
from planner.specs.gate.difference import SideName, Unknown
from planner.specs.gate.outcome import Choice, Outcome
from planner.specs.gate.side import Entry

NO_OPTION = "no option holds: data rule, memory and latency targets refuse every one"


@dataclass(frozen=True, kw_only=True, slots=True)
class Priced:
    """A scenario of one side with its figures, or the reason why it has none.

    ``outcome`` are the figures that count: those that a lock recorded, else those computed now. ``computed_usd`` is what
    today's planner computes from the same inputs and rows, on the grid.
    """

    entry: Entry
    outcome: Outcome | None
    computed_usd: float | None
    rows: Rows
    reason: str | None = None
    cure: str | None = None

    @property
    def usd(self) -> float | None:
        """The cost that counts, on the grid."""
        return _grid(self.outcome) if self.outcome is not None else self.computed_usd


def _grid(outcome: Outcome | None) -> float | None:
    return None if outcome is None or outcome.usd_per_month is None else on_grid(outcome.usd_per_month)


def priced_entry(entry: Entry, benches: Workbenches) -> Priced:
    """Price a scenario; what cannot be priced says why. Of a lock only the cost is computed again."""
    if entry.recorded is not None:
        return _recorded(entry, entry.recorded, benches)
    try:
        outcome, rows = priced(entry, benches)
    except (DataError, UsageError) as error:
        return Priced(
            entry=entry, outcome=None, computed_usd=None, rows={}, reason=error.message, cure=error.cure
        )
    reason = NO_OPTION if outcome.usd_per_month is None else None
    return Priced(entry=entry, outcome=outcome, computed_usd=_grid(outcome), rows=rows, reason=reason)


def _recorded(entry: Entry, outcome: Outcome, benches: Workbenches) -> Priced:
    point = point_of(entry, benches)
    return Priced(
        entry=entry,
        outcome=outcome,
        computed_usd=point.usd,
        rows=rows_of(entry.case.books),
        reason=point.reason,
    )


def unpriced(entry: Entry, benches: Workbenches) -> Priced:
    """Return the cost of a scenario that is the same on both sides: what a lock recorded, or the cost alone."""
    if entry.recorded is not None:
        usd = _grid(entry.recorded)
        reason = NO_OPTION if usd is None else None
        return Priced(entry=entry, outcome=entry.recorded, computed_usd=usd, rows={}, reason=reason)
    point = point_of(entry, benches)
    return Priced(entry=entry, outcome=None, computed_usd=point.usd, rows={}, reason=point.reason)


def unknown_of(side: Priced, name: SideName) -> Unknown:
    """Return why one side of a scenario has no price."""
    reason = side.reason or NO_OPTION
    return Unknown(scenario=side.entry.case.scenario.name, side=name, reason=reason, cure=side.cure)


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A scenario on the way from one side to the other. ``usd`` is ``None`` where it cannot be priced."""

    usd: float | None
    option: HostingOption | Choice | None = None
    reason: str | None = None


def point_of(entry: Entry, benches: Workbenches) -> Point:
    """Return what a scenario costs on the way, rounded as outcomes are and put on the grid."""
    try:
        option = cheapest_of(entry.case, entry.as_of, benches.of(entry.case))
    except (DataError, UsageError) as error:
        return Point(usd=None, reason=error.message)
    if option is None or option.usd_per_month is None:
        return Point(usd=None, reason=NO_OPTION)
    return Point(usd=on_grid(rounded(option.usd_per_month)), option=option)
