"""Prices changed in a pricing book as text: comments, order and layout of everything else stay as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from planner.errors import DataError
from planner.specs.books.price_feed import NewPrice, Offer

_MODEL = re.compile(r"  - id: (?P<id>\S+)\s*$")
_PRICE = re.compile(r"      - \{effective_from: (?P<since>\d{4}-\d{2}-\d{2}),")
_ALTERNATES = re.compile(r" alternates: \[[^\]]*\],?")


def with_prices(text: str, changes: tuple[NewPrice, ...]) -> str:
    """Return the text of a pricing book with a price row added for each change.

    The new row repeats the newest one, with its modes, tiers and fees, and replaces the prices, the date and the
    source; what the old one said stands in it as an alternate. A row of the same date is replaced.

    Raises
    ------
    DataError
        When a model of the changes is not laid out in this book as a row with one price list a line.
    """
    lines = text.splitlines(keepends=True)
    for change in changes:
        start, end = _last_price(lines, change.model)
        old = "".join(lines[start:end])
        same_day = f"effective_from: {change.seen_on.isoformat()}," in old
        new = _observed(old, change)
        lines[start:end] = [new] if same_day else [old, new]
        lines = "".join(lines).splitlines(keepends=True)
    return "".join(lines)


def with_model(text: str, offer: Offer, source: str, seen_on: date) -> str:
    """Return the text of a pricing book with a row for an offer that it lacked, in the order of the ids.

    Cached prices are left out: they need the rules of the vendor's cache, which no feed has.

    Raises
    ------
    DataError
        When the book has no API rows, or one with that id already.
    """
    row_id = row_id_of(offer)
    lines = text.splitlines(keepends=True)
    start = next((i + 1 for i, line in enumerate(lines) if line.rstrip() == "api:"), None)
    if start is None:
        raise DataError("this book has no section `api:` to put a model into")
    end = next(
        (i for i in range(start, len(lines)) if lines[i].strip() and not lines[i].startswith((" ", "#"))),
        len(lines),
    )
    rows = {m["id"]: i for i in range(start, end) if (m := _MODEL.match(lines[i]))}
    if row_id in rows:
        raise DataError(f"{row_id} is in this book already")
    while not lines[end - 1].startswith(" "):  # what stands above the next section belongs to it
        end -= 1
    at = next((i for name, i in rows.items() if name > row_id), end)
    return "".join([*lines[:at], _model_row(row_id, offer, source, seen_on), *lines[at:]])


def row_id_of(offer: Offer) -> str:
    """Return the id that an offer of a feed gets in the book."""
    return f"{offer.provider}/{offer.name.lower()}"


def _model_row(row_id: str, offer: Offer, source: str, seen_on: date) -> str:
    def prices(found: Mapping[str, float]) -> str:
        plain = ("input_usd_per_mtok", "output_usd_per_mtok")
        return ", ".join(f"{field}: {found.get(field, 0.0):.12g}" for field in plain)

    batch = f" modes: {{batch: {{{prices(offer.batch)}}}}},\n        " if offer.batch else ""
    day = seen_on.isoformat()
    return (
        f'  - id: {row_id}\n    name: "{offer.name}"\n    lifecycle: {{status: current}}\n    prices:\n'
        f"      - {{effective_from: {day}, {prices(offer.prices)},\n"
        f'        {batch} basis: observed, confidence: low, checked: {day}, source: "{source}"}}\n'
    )


def _last_price(lines: list[str], model: str) -> tuple[int, int]:
    """Return where the newest price row of a model begins and ends."""
    begins = [i for i, line in enumerate(lines) if (m := _MODEL.match(line)) and m["id"] == model]
    if not begins:
        raise DataError(f"{model} has no row in this book that begins with `- id: {model}`")
    stop = next(
        (
            i
            for i in range(begins[0] + 1, len(lines))
            if _MODEL.match(lines[i]) or (lines[i].strip() and not lines[i].startswith(" "))
        ),
        len(lines),
    )
    prices = [i for i in range(begins[0], stop) if _PRICE.match(lines[i])]
    if not prices:
        raise DataError(
            f"the prices of {model} are not laid out one row in braces each", cure="edit it by hand"
        )
    end = prices[-1] + 1
    while end < stop and lines[end].startswith("       "):
        end += 1
    return prices[-1], end


def _observed(row: str, change: NewPrice) -> str:
    old = _top_level(row)
    made = row
    for field, usd in change.prices.items():
        made = _put(made, field, f"{usd:.12g}")
    made = _put(made, "effective_from", change.seen_on.isoformat())
    made = _put(made, "basis", "observed")
    made = _put(made, "confidence", "low")
    made = _put(made, "checked", change.seen_on.isoformat())
    made = re.sub(r"source: (\"[^\"]*\"|[^,}]+)(?=[,}][^{]*$)", f'source: "{change.source}"', made)
    before = (
        f' alternates: [{{source: "{change.instead_of}", input_usd_per_mtok: {old["input_usd_per_mtok"]}, '
        f"output_usd_per_mtok: {old['output_usd_per_mtok']}}}],"
    )
    return re.sub(r"( basis: )", lambda m: f"{before}{m[1]}", _ALTERNATES.sub("", made), count=1)


def _top_level(row: str) -> dict[str, str]:
    return {
        field: found[1]
        for field in ("input_usd_per_mtok", "output_usd_per_mtok")
        if (found := re.search(rf"{field}: ([^,}}]+)", row))
    }


def _put(row: str, field: str, value: str) -> str:
    """Replace the first value of a field, or put the field behind the output price where it is not there yet."""
    head, brace, rest = row.partition("modes: {")
    if re.search(rf"\b{field}: ", head):
        return re.sub(rf"\b{field}: [^,}}]+", f"{field}: {value}", head, count=1) + brace + rest
    if re.search(rf"\b{field}: ", rest) and field in ("basis", "confidence", "checked"):
        return head + brace + re.sub(rf"\b{field}: [^,}}]+", f"{field}: {value}", rest, count=1)
    return re.sub(r"(output_usd_per_mtok: [^,}]+)", rf"\g<1>, {field}: {value}", head, count=1) + brace + rest
