"""What lies outside a scenario and moved between two sides: prices, their date, fitted profiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from planner.planning.pinned_books import changed_rows, pinned_books
from planner.planning.priced_entry import Priced
from planner.specs.books import Books
from planner.specs.difference import Cause, CauseKind
from planner.specs.side import Entry

SHOWN_ROWS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """The base with one more of the things outside it as the head has them."""

    kind: CauseKind
    name: str
    entry: Entry
    before: str | None = None
    after: str | None = None

    def cause(self, usd_per_month: float) -> Cause:
        """Return the step as a cause that moves the bill by so much."""
        return Cause(
            kind=self.kind,
            name=self.name,
            usd_per_month=usd_per_month,
            before=self.before,
            after=self.after,
        )


def drift_steps(base: Priced, head: Priced) -> Iterator[Step]:
    """Yield the base under the head's profiles, then its GPU prices, its other rows, and its date."""
    now, new = base.entry, head.entry
    fitted, theirs = ((case.vllm_memory, case.profiles) for case in (now.case, new.case))
    if base.rows.get("hardware") and fitted != theirs:
        now = replace(now, case=replace(now.case, vllm_memory=theirs[0], profiles=theirs[1]))
        yield Step(kind="profile", name="fitted coefficients", entry=now)
    if now.case.books is not new.case.books:
        pinned = pinned_books(new.case.books, base.rows)
        changed = changed_rows(base.rows, pinned)
        if "rentals" in changed:
            now = _with_books(now, replace(now.case.books, rentals=pinned.rentals))
            yield Step(kind="price", name=f"GPU prices of {_some(changed['rentals'])}", entry=now)
        others = tuple(row for section, rows in changed.items() if section != "rentals" for row in rows)
        now = _with_books(now, pinned)
        if others:
            yield Step(kind="price", name=f"book rows of {_some(others)}", entry=now)
    if now.as_of != new.as_of or now.case.books is not base.entry.case.books:
        dates = (str(now.as_of), str(new.as_of)) if now.as_of != new.as_of else (None, None)
        now = replace(now, as_of=new.as_of)
        yield Step(kind="price", name="price date", entry=now, before=dates[0], after=dates[1])


def _with_books(entry: Entry, books: Books) -> Entry:
    return replace(entry, case=replace(entry.case, books=books))


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN_ROWS} more" if len(names) > SHOWN_ROWS else ""
    return ", ".join(names[:SHOWN_ROWS]) + more
