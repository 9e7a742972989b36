"""The price of one request on the screen, as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
from io import StringIO

from rich.console import RenderableType

from planner.report.numbers import usd_each
from planner.report.plain import plain, to_json
from planner.report.screen import grid, render
from planner.specs.price import STANDARD
from planner.specs.request_cost import PriceUsed, RequestCost

COST_SCHEMA = "planner.cost/1"
# Sums of binary fractions carry noise in the 16th digit; prices have at most seven.
JSON_DIGITS = 12

Line = tuple[str, float, float | None]  # name, USD, USD per million tokens


def lines_of(cost: RequestCost) -> tuple[Line, ...]:
    """Return the lines of the bill that are not zero, with the total at the end."""
    price = cost.price
    lines: tuple[Line, ...] = (
        ("input", cost.input_usd, price.input_usd_per_mtok),
        ("cached input", cost.cached_usd, price.cached_read_usd_per_mtok),
        ("cache write", cost.cache_write_usd, price.cache_write_usd_per_mtok),
        ("output", cost.output_usd, price.output_usd_per_mtok),
        ("fees", cost.fees_usd, None),
        ("cache storage", cost.storage_usd, None),
    )
    kept = tuple(line for line in lines if line[1] or line[0] in ("input", "output"))
    return (*kept, ("total", cost.usd, None))


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
    writer.writerow(("model", "price_from", "line", "usd"))
    for name, usd, _ in lines_of(cost):
        writer.writerow((cost.price.model, cost.price.effective_from, name, _exact(usd)))
    return text.getvalue()


def cost_markdown(cost: RequestCost) -> str:
    """Return the lines of the bill as a Markdown table with the price row below."""
    rows = [f"| {name} | {usd_each(usd)} |" for name, usd, _ in lines_of(cost)]
    head = ["| line | USD |", "|---|---:|"]
    return "\n".join([*head, *rows, "", _row_used(cost.price)]) + "\n"


def cost_table(cost: RequestCost, *, width: int, color: bool, quiet: bool = False) -> str:
    """Return the cost for a screen: what, lines, where the price comes from, warnings."""
    table = grid("line", "USD", "list USD/Mtok")
    based = cost.long_context_tier == 0
    for name, usd, per_mtok in lines_of(cost):
        listed = f"{per_mtok:g}" if per_mtok is not None and based else ""
        table.add_row(name, usd_each(usd), listed, style="head" if name == "total" else None)
    parts: list[RenderableType] = [f"[head]{cost.price.model}[/], one request", table]
    if not based:
        parts.append(f"[warn]long-context tier {cost.long_context_tier} prices the whole request[/]")
    parts.append(f"[dim]{_row_used(cost.price)}[/]")
    if not quiet:
        parts += [f"[warn]{notice.message}[/]" for notice in cost.notices]
    return render(*parts, width=width, color=color)


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
