"""What lies outside a scenario and moved between two sides: prices, their date, fitted profiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from planner.errors import DataError
from planner.planning.bill.pricing import price_in_force
from planner.planning.diff.priced_entry import Priced
from planner.planning.lock.locked_rules import changed_rules, used_rules
from planner.planning.lock.pinned_books import changed_rows, pinned_books
from planner.planning.lock.used_rows import Rows
from planner.records import dataclass
from planner.specs.books.books import Books
from planner.specs.books.price import ApiModel, ApiPrice
from planner.specs.case import Case
from planner.specs.gate.difference import Cause, CauseKind
from planner.specs.gate.side import Entry
from planner.specs.scenario.hosting import SelfHosted

SHOWN_ROWS = 3  #: named in one cause; the others are counted


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


def pinned_entry(base: Entry, head: Entry, rows: Rows) -> Entry:
    """Return the base's scenario under the head's profiles, rules, books and date; ``rows`` are what the base needs."""
    books = base.case.books if base.case.books is head.case.books else pinned_books(head.case.books, rows)
    theirs = head.case
    fitted = replace(
        base.case,
        books=books,
        rules=theirs.rules,
        vllm_memory=theirs.vllm_memory,
        profiles=theirs.profiles,
        measured=theirs.measured,
    )
    return replace(base, case=fitted, as_of=head.as_of)


def drift_steps(base: Priced, head: Priced) -> Iterator[Step]:
    """Yield the base under the head's profiles, then its rules, its GPU prices, its other rows, and its date.

    Steps at which nothing that the base rests on moves are left out; after the last one it stands where
    :func:`pinned_entry` puts it.
    """
    now, pinned = base.entry, pinned_entry(base.entry, head.entry, base.rows)
    hosted, books = bool(base.rows.get("hardware")), pinned.case.books
    if hosted and _fits(now.case) != _fits(pinned.case):
        now = replace(now, case=replace(pinned.case, books=now.case.books, rules=now.case.rules))
        yield Step(kind="profile", name="fitted coefficients", entry=now)
    rules = _changed_rules(base, pinned)
    if rules:
        now = replace(now, case=replace(now.case, rules=pinned.case.rules))
        yield Step(kind="rules", name=f"planner's rules: {_some(rules)}", entry=now)
    changed = changed_rows(base.rows, books) if books is not now.case.books else {}
    if "rentals" in changed:
        now = _with_books(now, replace(now.case.books, rentals=books.rentals))
        yield Step(kind="price", name=f"GPU prices of {_some(changed.pop('rentals'))}", entry=now)
    rows = tuple(row for ids in changed.values() for row in ids)
    if rows or (books is not now.case.books and _new_gpus(base, books)):
        now = _with_books(now, books)
        name = f"book rows of {_some(rows)}" if rows else "machines that the book did not have"
        before, after = _price_words(base, books, rows)
        yield Step(kind="price", name=name, entry=now, before=before, after=after)
    if now.as_of != pinned.as_of:
        before, after = now.as_of.isoformat(), pinned.as_of.isoformat()
        yield Step(kind="price", name="price date", entry=pinned, before=before, after=after)


def _price_words(base: Priced, books: Books, rows: tuple[str, ...]) -> tuple[str | None, str | None]:
    """Return the token prices of a single API model that are not what they were, then and now."""
    row = base.rows.get("api", {}).get(rows[0]) if len(rows) == 1 else None
    if not isinstance(row, ApiModel):
        return None, None
    try:
        then, now = (price_in_force(each, base.entry.as_of) for each in (row, books.api.rows[row.id]))
    except DataError:
        return None, None
    old, new = (_by_token(each) for each in (then, now))
    changed = [name for name in old if old[name] != new[name]]
    if not changed:
        return None, None
    before, after = (", ".join(f"{name} {each[name]}" for name in changed) for each in (old, new))
    return f"{before} USD/Mtok", f"{after} USD/Mtok"


def _by_token(price: ApiPrice) -> dict[str, str]:
    prices = {
        "input": price.input_usd_per_mtok,
        "cached input": price.cached_read_usd_per_mtok,
        "output": price.output_usd_per_mtok,
    }
    return {name: "unknown" if usd is None else f"{usd:g}" for name, usd in prices.items()}


def _fits(case: Case) -> tuple[object, ...]:
    """Return everything fitted that a hosted scenario rests on."""
    return case.vllm_memory, case.profiles, case.measured


def _changed_rules(base: Priced, pinned: Entry) -> tuple[str, ...]:
    """Return which of the rules that a scenario rests on are not what they were."""
    case = base.entry.case
    if case.rules is pinned.case.rules:
        return ()
    models = [case.books.api.rows[row_id] for row_id in base.rows.get("api", {})]
    families = [case.books.models.rows[row_id].family for row_id in base.rows.get("models", {})]
    then, now = (
        used_rules((each,), models, families) for each in (case, replace(case, rules=pinned.case.rules))
    )
    return changed_rules(then, now)


def _new_gpus(base: Priced, books: Books) -> bool:
    """Tell whether a scenario that takes any GPU finds one in books that its own did not have."""
    hosting = base.entry.case.scenario.hosting
    own = hosting.self_hosted if hosting is not None else SelfHosted()
    known = base.rows.get("hardware")
    if not known or own is None or own.gpus:
        return False
    return any(row.gpu not in known for row in books.rentals.values())


def _with_books(entry: Entry, books: Books) -> Entry:
    return replace(entry, case=replace(entry.case, books=books))


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN_ROWS} more" if len(names) > SHOWN_ROWS else ""
    return ", ".join(names[:SHOWN_ROWS]) + more
