"""Which rows of the books an answer rests on, and books made of such rows alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Generic, TypeVar

from planner.planning.limits.tiers import edition_in_force
from planner.specs.base import Document
from planner.specs.books.books import Books, Shelf, normal_name

RowT = TypeVar("RowT", bound=Document)
Rows = dict[str, dict[str, Document]]  # section -> id -> row


class WatchedRows(Mapping[str, RowT], Generic[RowT]):
    """Rows by id that remember which of them were looked at."""

    def __init__(self, rows: Mapping[str, RowT]) -> None:
        self._rows = rows
        self.seen: dict[str, RowT] = {}

    def __getitem__(self, row_id: str) -> RowT:
        """Return the row, and remember it."""
        row = self._rows[row_id]
        self.seen[row_id] = row
        return row

    def __contains__(self, row_id: object) -> bool:
        """Tell whether a row is there without remembering it."""
        return row_id in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class WatchedBooks:
    """Books that know afterwards which rows an answer has used."""

    def __init__(self, books: Books) -> None:
        self._tables = books
        self._api = WatchedRows(books.api.rows)
        self._hardware = WatchedRows(books.hardware.rows)
        self._models = WatchedRows(books.models.rows)
        self._contracts = WatchedRows(books.contracts)
        self.books = replace(
            books,
            api=replace(books.api, rows=self._api),
            hardware=replace(books.hardware, rows=self._hardware),
            models=replace(books.models, rows=self._models),
            contracts=self._contracts,
        )

    def used(self, as_of: date) -> Rows:
        """Return the rows that were looked at, with the rentals of their GPUs and the limits of their providers."""
        providers = {row.provider for row in self._api.seen.values()}
        editions = self._tables.rate_limits.values()
        in_force = (edition_in_force(editions, provider, as_of) for provider in sorted(providers))
        rentals = self._tables.rentals.items() if self._hardware.seen else ()
        return {
            "api": dict(self._api.seen),
            "hardware": dict(self._hardware.seen),
            "models": dict(self._models.seen),
            "rentals": {row_id: row for row_id, row in rentals if row.gpu in self._hardware.seen},
            "rate_limits": {edition.id: edition for edition in in_force if edition is not None},
            "contracts": dict(self._contracts.seen),
            "currencies": dict(self._tables.currencies),
        }


def books_of(rows: Mapping[str, Mapping[str, Any]], source: str) -> Books:
    """Return books that hold these rows and nothing else; ``rows`` is by section and id."""
    return Books(
        api=_shelf("API model", "prices", rows.get("api", {})),
        hardware=_shelf("hardware", "hardware", rows.get("hardware", {})),
        models=_shelf("model", "models", rows.get("models", {})),
        rentals=rows.get("rentals", {}),
        rate_limits=rows.get("rate_limits", {}),
        contracts=rows.get("contracts", {}),
        currencies=rows.get("currencies", {}),
        sources=(source,),
    )


def rows_of(books: Books) -> Rows:
    """Return every row of books by section and id: of a lock's own books, those that its answer rests on."""
    return {
        "api": dict(books.api.rows),
        "hardware": dict(books.hardware.rows),
        "models": dict(books.models.rows),
        "rentals": dict(books.rentals),
        "rate_limits": dict(books.rate_limits),
        "contracts": dict(books.contracts),
        "currencies": dict(books.currencies),
    }


def _shelf(what: str, listing: str, rows: Mapping[str, Any]) -> Shelf[Any]:
    named: dict[str, dict[str, None]] = {}
    bare: dict[str, dict[str, None]] = {}
    for row_id, row in rows.items():
        for name in (row_id, *row.aliases):
            named.setdefault(normal_name(name), {})[row_id] = None
            bare.setdefault(normal_name(name.rsplit("/", 1)[-1]), {})[row_id] = None
    return Shelf(
        what=what,
        listing=listing,
        rows=rows,
        named={name: tuple(ids) for name, ids in named.items()},
        bare={name: tuple(ids) for name, ids in bare.items()},
    )
