"""One set of books for both sides of a comparison: the head's, with what only the base still needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from planner.planning.lock.used_rows import Rows, books_of
from planner.specs.base import Document
from planner.specs.books.books import Books, Shelf

RowT = TypeVar("RowT", bound=Document)


class LaidOver(Mapping[str, RowT], Generic[RowT]):
    """Rows with others beneath them, looked at one by one so that lazy rows stay lazy."""

    def __init__(self, upper: Mapping[str, RowT], lower: Mapping[str, RowT]) -> None:
        self._upper = upper
        self._lower = lower

    def __getitem__(self, row_id: str) -> RowT:
        """Return the upper row, else the lower one."""
        return self._upper[row_id] if row_id in self._upper else self._lower[row_id]

    def __contains__(self, row_id: object) -> bool:
        """Tell whether either has the row."""
        return row_id in self._upper or row_id in self._lower

    def __iter__(self) -> Iterator[str]:
        yield from self._upper
        yield from (row_id for row_id in self._lower if row_id not in self._upper)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def pinned_books(head: Books, base_rows: Rows) -> Books:
    """Return the head's books, with those rows of the base that the head does not know at all.

    A GPU that the head can rent anywhere is rented at the head's prices only; limits and contracts likewise.
    """
    lower = books_of(base_rows, "base")
    rented = {row.gpu for row in head.rentals.values()} if lower.rentals else set()
    limited = {row.provider for row in head.rate_limits.values()} if lower.rate_limits else set()
    return replace(
        head,
        api=_over(head.api, lower.api),
        hardware=_over(head.hardware, lower.hardware),
        models=_over(head.models, lower.models),
        rentals=LaidOver(head.rentals, {k: row for k, row in lower.rentals.items() if row.gpu not in rented}),
        rate_limits=LaidOver(
            head.rate_limits, {k: row for k, row in lower.rate_limits.items() if row.provider not in limited}
        ),
        contracts=LaidOver(head.contracts, lower.contracts),
    )


def _over(upper: Shelf[RowT], lower: Shelf[RowT]) -> Shelf[RowT]:
    if all(row_id in upper.rows for row_id in lower.rows):
        return upper
    return replace(
        upper,
        rows=LaidOver(upper.rows, lower.rows),
        named={**lower.named, **upper.named},
        bare={**lower.bare, **upper.bare},
    )


def changed_rows(base_rows: Rows, pinned: Books) -> dict[str, tuple[str, ...]]:
    """Return the ids of the rows that the base's price rests on and that the pinned books hold differently, by section.

    Rentals are compared as a whole for each GPU: a cheaper machine that is new changes the price, too.
    """
    tables: dict[str, Mapping[str, Document]] = {
        "api": pinned.api.rows,
        "hardware": pinned.hardware.rows,
        "models": pinned.models.rows,
        "contracts": pinned.contracts,
    }
    changed = {
        section: tuple(row_id for row_id, row in base_rows.get(section, {}).items() if table[row_id] != row)
        for section, table in tables.items()
    }
    gpus = base_rows.get("hardware", {})
    rentals = {row_id: row for row_id, row in pinned.rentals.items() if row.gpu in gpus} if gpus else {}
    old = base_rows.get("rentals", {})
    changed["rentals"] = tuple(
        row_id for row_id in {**old, **rentals} if old.get(row_id) != rentals.get(row_id)
    )
    return {section: ids for section, ids in changed.items() if ids}
