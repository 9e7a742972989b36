"""The price of one request on the screen, as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import math
from io import StringIO
from typing import NamedTuple

from rich.console import RenderableType

from planner.report.numbers import count
from planner.report.plain import plain, to_json
from planner.report.screen import grid, render
from planner.specs.answers.request_cost import PriceUsed, RequestCost
from planner.specs.books.price import STANDARD
from planner.units import MTOK

COST_SCHEMA = "planner.cost/1"
# Sums of binary fractions carry noise in the 16th digit; prices have at most seven.
JSON_DIGITS = 12
SIGNIFICANT = 3  #: digits of the smallest line; all lines get its decimals, so that the column adds up
LEAST_DECIMALS = 4  #: a hundredth of a cent: most requests cost less than one


class Line(NamedTuple):
    """One line of the bill."""

    name: str
    usd: float
    tokens: float | None = None
    usd_per_mtok: float | None = None


def lines_of(cost: RequestCost) -> tuple[Line, ...]:
    """Return the lines of the bill that are not zero, with the total at the end."""
    price = cost.price
    lines = (
        Line("input", cost.input_usd, cost.plain_input_tokens, price.input_usd_per_mtok),
        Line("cached input", cost.cached_usd, cost.cached_read_tokens, price.cached_read_usd_per_mtok),
        Line("cache write", cost.cache_write_usd, cost.cache_write_tokens, price.cache_write_usd_per_mtok),
        Line("output", cost.output_usd, cost.output_tokens, price.output_usd_per_mtok),
        Line("fees", cost.fees_usd),
        Line("cache storage", cost.storage_usd),
    )
    kept = tuple(line for line in lines if line.usd or line.name in ("input", "output"))
    return (*kept, Line("total", cost.usd))


def cost_json(cost: RequestCost) -> str:
    """Return the cost as JSON of schema ``planner.cost/1``."""
    document = plain(cost)
    warnings = document.pop("notices")
    rounded = {key: _exact(value) for key, value in document.items()}
    return to_json({"schema": COST_SCHEMA, **rounded, "warnings": warnings})


def _exact(value: object) -> object:
    return float(f"{value:.{JSON_DIGITS}g}") if isinstance(value, float) else value


def cost_csv(cost: RequestCost) -> str:
    """Return the lines of the bill as CSV."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("model", "price_from", "line", "tokens", "usd"))
    for line in lines_of(cost):
        writer.writerow(
            (cost.price.model, cost.price.effective_from, line.name, line.tokens, _exact(line.usd))
        )
    return text.getvalue()


def cost_markdown(cost: RequestCost) -> str:
    """Return the lines of the bill as a Markdown table with the price row below."""
    lines = lines_of(cost)
    digits = _digits(lines)
    rows = [f"| {line.name} | {_count(line.tokens)} | {line.usd:,.{digits}f} |" for line in lines]
    head = ["| line | tokens | USD |", "|---|---:|---:|"]
    return "\n".join([*head, *rows, "", _row_used(cost.price)]) + "\n"


def cost_table(cost: RequestCost, *, width: int, color: bool, quiet: bool = False) -> str:
    """Return the cost for a screen: what, lines, where the price comes from, warnings."""
    table = grid("line", "tokens", "USD/Mtok", "USD")
    lines, tier = lines_of(cost), cost.long_context_tier
    digits = _digits(lines)
    for line in lines:
        style = "head" if line.name == "total" else None
        per_mtok = _per_mtok(line, listed=tier == 0)
        table.add_row(line.name, _count(line.tokens), per_mtok, f"{line.usd:,.{digits}f}", style=style)
    parts: list[RenderableType] = [f"[head]{cost.price.model}[/], one request", table]
    if tier:
        listed = f"{cost.price.input_usd_per_mtok:g} and {cost.price.output_usd_per_mtok:g} USD/Mtok"
        parts.append(f"[warn]long-context tier {tier} prices the whole request; below it {listed}[/]")
    parts.append(f"[dim]{_row_used(cost.price)}[/]")
    if not quiet:
        parts += [f"[warn]{notice.message}[/]" for notice in cost.notices]
    return render(*parts, width=width, color=color)


def _per_mtok(line: Line, *, listed: bool) -> str:
    """Write the list price, or in a long-context tier the price that the line was billed at."""
    if line.usd_per_mtok is None:
        return ""
    if listed or not line.tokens:
        return f"{line.usd_per_mtok:g}"
    return f"{line.usd / line.tokens * MTOK:g}"


def _count(tokens: float | None) -> str:
    return "" if tokens is None else count(tokens)


def _digits(lines: tuple[Line, ...]) -> int:
    """Return the decimals with which the smallest line still shows three digits, so that a column adds up."""
    smallest = min((abs(line.usd) for line in lines if line.usd), default=1.0)
    return max(LEAST_DECIMALS, SIGNIFICANT - 1 - math.floor(math.log10(smallest)))


def _row_used(price: PriceUsed) -> str:
    ways = [
        f"mode {price.mode}" if price.mode != STANDARD else "",
        f"region {price.region}" if price.region else "",
        "off-peak" if price.off_peak else "",
        f"contract {price.contract}" if price.contract else "",
    ]
    way = "".join(f", {each}" for each in ways if each)
    return (
        f"price of {price.effective_from} ({price.basis}{way}), checked {price.checked}, "
        f"confidence {price.confidence}: {price.source}"
    )
