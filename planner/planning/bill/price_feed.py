"""The pricing book held against a feed: where they agree, where they do not, and what one of them lacks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date

from planner.errors import DataError
from planner.planning.bill.off_peak import in_windows
from planner.planning.bill.pricing import price_in_force
from planner.specs.books.books import Shelf
from planner.specs.books.price import STANDARD, Alternate, ApiModel, ApiPrice, ServicePrices
from planner.specs.books.price_feed import (
    CheckStatus,
    Difference,
    Feed,
    FeedReport,
    NewPrice,
    Offer,
    PriceCheck,
    Wanted,
)

SAME = 1e-9  # relative: both are decimal prices per million tokens
BATCH = "batch "  # how prices of the batch mode are told from the standard ones
FEED_HOUR_UTC = 12.0  # the hour at which the feed is asked


def wanted_of(api: Shelf[ApiModel]) -> tuple[Wanted, ...]:
    """Return every offer of the book with the names under which a feed may know it."""
    return tuple(
        Wanted(row=row.id, provider=row.provider, names=(row.id.split("/", 1)[1], *row.aliases))
        for row in api.rows.values()
    )


def compare(api: Shelf[ApiModel], feed: Feed, as_of: date) -> FeedReport:
    """Return the comparison of every offer of the book with the feed on a date."""
    return FeedReport(
        source=feed.source,
        as_of=as_of,
        checks=tuple(_check(row, feed.found.get(row.id), as_of) for row in api.rows.values()),
        new=feed.new,
    )


def _check(row: ApiModel, offer: Offer | None, as_of: date) -> PriceCheck:
    try:
        price = price_in_force(row, as_of)
    except DataError:
        price = None
    differences, known = (
        _disputed(price, offer, as_of) if price is not None and offer is not None else ((), False)
    )
    return PriceCheck(
        model=row.id,
        feed_name=offer.name if offer is not None else None,
        status=_status(price, offer, differences),
        differences=differences,
        known=known,
        deprecated=offer is not None and offer.deprecated and row.lifecycle.status == "current",
        book_since=price.effective_from if price is not None else None,
        book_checked=price.checked if price is not None else None,
        book_source=price.source if price is not None else None,
        feed_since=offer.since if offer is not None else None,
    )


def _status(price: ApiPrice | None, offer: Offer | None, differences: tuple[Difference, ...]) -> CheckStatus:
    if price is None:
        return "not sold"
    if offer is None:
        return "unknown to the feed"
    return "disputed" if differences else "agrees"


def _differences(price: ApiPrice, offer: Offer, as_of: date) -> Iterator[Difference]:
    """Yield the prices that both have and on which they differ, the standard mode first."""
    standard: ServicePrices = price
    if price.offpeak is not None and in_windows(price.offpeak.windows, as_of.weekday(), FEED_HOUR_UTC):
        standard = price.offpeak
    for prefix, ours, theirs in (("", standard, offer.prices), (BATCH, price.modes.batch, offer.batch)):
        for field, usd in theirs.items():
            mine = getattr(ours, field, None)
            if mine is not None and not math.isclose(mine, usd, rel_tol=SAME):
                yield Difference(field=f"{prefix}{field}", book_usd_per_mtok=mine, feed_usd_per_mtok=usd)


def _disputed(price: ApiPrice, offer: Offer, as_of: date) -> tuple[tuple[Difference, ...], bool]:
    """Return what book and feed differ on, and whether the book names that already."""
    differences = tuple(_differences(price, offer, as_of))
    return differences, bool(differences) and _named_already(price, offer)


def _named_already(price: ApiPrice, offer: Offer) -> bool:
    """Tell whether the book lists the feed's prices of a mode among the alternates of the row."""
    modes = {STANDARD: offer.prices, "batch": offer.batch}
    return any(_same(each, modes.get(each.mode, {})) for each in price.alternates)


def _same(alternate: Alternate, prices: Mapping[str, float]) -> bool:
    stated = {field: usd for field, usd in alternate if field.endswith("_usd_per_mtok") and usd is not None}
    return all(prices.get(field) == usd for field, usd in stated.items())


def changes_of(
    report: FeedReport, models: tuple[str, ...] = ()
) -> tuple[tuple[NewPrice, ...], tuple[str, ...]]:
    """Return the price rows that would take the feed's side, and what is left to people, in words.

    Without ``models`` these are the disputes that the book does not name yet.

    Raises
    ------
    DataError
        When a model that is asked for is not in dispute.
    """
    disputed = {check.model: check for check in report.of("disputed")}
    wrong = [model for model in models if model not in disputed]
    if wrong:
        raise DataError(
            f"{', '.join(wrong)}: no dispute with {report.source}",
            cure=f"disputed: {', '.join(disputed) or 'nothing'}",
        )
    checks = [disputed[model] for model in models] or list(report.drifted)
    changes = []
    left = []
    for check in checks:
        prices = {
            each.field: each.feed_usd_per_mtok
            for each in check.differences
            if not each.field.startswith(BATCH)
        }
        if prices:
            changes.append(_new_price(check, prices, report))
        if len(prices) < len(check.differences):
            left.append(f"{check.model}, prices of the batch mode")
    return tuple(changes), tuple(left)


def _new_price(check: PriceCheck, prices: dict[str, float], report: FeedReport) -> NewPrice:
    return NewPrice(
        model=check.model,
        prices=prices,
        source=report.source,
        seen_on=report.as_of,
        instead_of=check.book_source or "the book",
    )
