"""What another source of prices says about the offers of the pricing book, and what follows from it."""

from __future__ import annotations

from datetime import date
from typing import Literal

from planner.records import dataclass
from planner.specs.books.price import RowId

CheckStatus = Literal["agrees", "disputed", "unknown to the feed", "not sold"]
"""``not sold``: the book has no price of the model on that date, because it is retired or not out yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """An offer of the book as a feed can look for it: provider and every name of the model."""

    row: RowId
    provider: str
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """An offer as the feed prices it on a date, by the names of our own price fields. [USD/Mtok]

    ``batch`` holds those of the batch mode, where the feed has any. ``since`` is the date of the feed's own price
    row, where it keeps one.
    """

    provider: str
    name: str
    prices: dict[str, float]
    batch: dict[str, float]
    since: date | None
    deprecated: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """All that was read from a source: the offers found by row of the book, and those that no row knows."""

    source: str
    as_of: date
    found: dict[RowId, Offer]
    new: tuple[Offer, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One price on which book and feed do not agree. [USD/Mtok]"""

    field: str
    book_usd_per_mtok: float
    feed_usd_per_mtok: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceCheck:
    """One offer of the book held against the feed.

    ``known`` is true where the book names this disagreement already among its alternates. ``deprecated`` is true
    where the feed calls a model deprecated that the book sells as current.
    """

    model: RowId
    feed_name: str | None
    status: CheckStatus
    differences: tuple[Difference, ...]
    known: bool
    deprecated: bool
    book_since: date | None
    book_checked: date | None
    book_source: str | None
    feed_since: date | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedReport:
    """The whole comparison. ``retired`` are models that the book no longer sells on that date."""

    source: str
    as_of: date
    checks: tuple[PriceCheck, ...]
    new: tuple[Offer, ...]

    def of(self, status: CheckStatus) -> tuple[PriceCheck, ...]:
        """Return the checks with one outcome."""
        return tuple(check for check in self.checks if check.status == status)

    @property
    def drifted(self) -> tuple[PriceCheck, ...]:
        """The disputes that the book does not know yet."""
        return tuple(check for check in self.of("disputed") if not check.known)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewPrice:
    """Prices of one offer as observed on a date. ``instead_of`` names the source that said otherwise until then."""

    model: RowId
    prices: dict[str, float]
    source: str
    seen_on: date
    instead_of: str
