"""The comparison of the pricing book with a feed, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date

from rich.console import Group, RenderableType
from rich.text import Text

from planner.report.plain import to_json
from planner.report.screen import grid
from planner.specs.books.price_feed import FeedReport, PriceCheck

SCHEMA = "planner.price-check/1"
SHOWN_NEW = 12  #: offers that the book lacks are hundreds


def feed_table(report: FeedReport) -> RenderableType:
    """Return the comparison: counts first, then each dispute with both values and dates, then what is missing."""
    parts: list[RenderableType] = [Text(_headline(report), style="head")]
    disputed = report.of("disputed")
    if disputed:
        table = grid("Disputed", "book", "since", "checked", "feed", "since")
        for check in disputed:
            table.add_row(check.model)
            for each in check.differences:
                field = each.field.replace("_usd_per_mtok", "").replace("_", " ")
                table.add_row(
                    f"  {field}{' (known)' if check.known else ''}",
                    f"{each.book_usd_per_mtok:g}",
                    _day(check.book_since),
                    _day(check.book_checked),
                    f"{each.feed_usd_per_mtok:g}",
                    _day(check.feed_since),
                )
        parts += [Text(""), table]
    parts += [Text(""), *(Text(line, style="dim") for line in _lists(report))]
    return Group(*parts)


def _headline(report: FeedReport) -> str:
    agree, disputed = len(report.of("agrees")), len(report.of("disputed"))
    known = disputed - len(report.drifted)
    return (
        f"{report.source} on {report.as_of.isoformat()}: {agree} offers agree, {disputed} are disputed "
        f"({known} known to the book), {len(report.of('unknown to the feed'))} are unknown to it"
    )


def _day(day: date | None) -> str:
    return day.isoformat() if day is not None else "–"


def _lists(report: FeedReport) -> Iterator[str]:
    yield from _named("unknown to the feed", report.of("unknown to the feed"))
    yield from _named("retired, or not sold yet", report.of("not sold"))
    yield from _named(
        "deprecated by the feed, current in the book", tuple(c for c in report.checks if c.deprecated)
    )
    if report.new:
        first = ", ".join(f"{each.provider}/{each.name}" for each in report.new[:SHOWN_NEW])
        more = (
            f", and {len(report.new) - SHOWN_NEW} more in --format json"
            if len(report.new) > SHOWN_NEW
            else ""
        )
        yield f"in the feed only ({len(report.new)}): {first}{more}"


def _named(what: str, checks: tuple[PriceCheck, ...]) -> Iterator[str]:
    if checks:
        yield f"{what} ({len(checks)}): {', '.join(check.model for check in checks)}"


def feed_json(report: FeedReport) -> str:
    """Return the comparison as JSON text."""
    return to_json(
        {
            "schema": SCHEMA,
            "feed": report.source,
            "as_of": report.as_of,
            "checks": [asdict(check) for check in report.checks],
            "new": [asdict(offer) for offer in report.new],
        }
    )
