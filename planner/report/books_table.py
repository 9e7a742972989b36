"""The books for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from pydantic import BaseModel
from rich.table import Table

from planner.report.numbers import count
from planner.report.screen import grid
from planner.specs.books.books import Books


def models_listing(books: Books) -> Table:
    """Return the model book as a table."""
    table = grid("model", "family", "parameters", "context", "trust", "aliases", left=2)
    for row in books.models.rows.values():
        size = f"{row.parameters / 1e9:.1f} B" if row.parameters else "unknown"
        table.add_row(row.id, row.family, size, count(row.max_context), row.trust, count(len(row.aliases)))
    return table


def hardware_listing(books: Books) -> Table:
    """Return the hardware book as a table."""
    table = grid(
        "hardware",
        "kind",
        "memory\nGiB",
        "GB/s",
        "bf16\nTFLOP/s",
        "fp8",
        "link\nGB/s",
        "W",
        "confidence",
        left=2,
    )
    for row in books.hardware.rows.values():
        peak = row.tflops.get("bf16") or row.tflops.get("fp16")
        table.add_row(
            row.id,
            row.kind,
            f"{row.memory_gib:g}",
            f"{row.bandwidth_gb_per_s:,.0f}",
            f"{peak:g}" if peak else "–",
            f"{row.tflops['fp8']:g}" if "fp8" in row.tflops else "–",
            f"{row.link_gb_per_s:g}",
            f"{row.tdp_w:g}" if row.tdp_w else "–",
            row.confidence,
        )
    return table


def prices_listing(books: Books) -> Table:
    """Return the API prices in force as a table: the newest row of each model."""
    table = grid("API model", "since", "input", "cached", "output\nUSD/Mtok", "context", "status", left=1)
    for row in books.api.rows.values():
        price = row.prices[-1]
        cached = price.cached_read_usd_per_mtok
        table.add_row(
            row.id,
            price.effective_from.isoformat(),
            f"{price.input_usd_per_mtok:g}",
            f"{cached:g}" if cached is not None else "–",
            f"{price.output_usd_per_mtok:g}",
            count(row.context_window_tokens) if row.context_window_tokens else "–",
            row.lifecycle.status,
        )
    return table


def rentals_listing(books: Books) -> Table:
    """Return the rented machines as a table."""
    table = grid("machine", "GPU", "count", "demand\nUSD/h", "spot\nUSD/h", "a GPU\nUSD/h", "since", left=2)
    for row in books.rentals.values():
        price = row.prices[-1]
        hourly, spot = price.on_demand_usd_per_hour, price.spot_usd_per_hour
        table.add_row(
            row.id,
            row.gpu,
            str(row.gpu_count),
            f"{hourly:.2f}" if hourly else "–",
            f"{spot:.2f}" if spot else "–",
            f"{hourly / row.gpu_count:.2f}" if hourly else "–",
            price.effective_from.isoformat(),
        )
    return table


def limits_listing(books: Books) -> Table:
    """Return the rate-limit editions as a table."""
    table = grid("edition", "provider", "from", "to", "tiers", left=5)
    for row in books.rate_limits.values():
        end = row.valid_to.isoformat() if row.valid_to else "today"
        table.add_row(
            row.id, row.provider, row.valid_from.isoformat(), end, ", ".join(tier.id for tier in row.tiers)
        )
    return table


LISTINGS = {
    "models": models_listing,
    "hardware": hardware_listing,
    "prices": prices_listing,
    "rentals": rentals_listing,
    "limits": limits_listing,
}


def row_text(row: BaseModel) -> str:
    """Return one row as YAML, as it could stand in a book of your own."""
    return yaml.safe_dump(row.model_dump(exclude_defaults=True), sort_keys=False, width=110)


def find_rows(books: Books, name: str) -> Iterator[tuple[str, BaseModel]]:
    """Yield section and row of everything that has this name in any book."""
    for section, shelf in (("api", books.api), ("hardware", books.hardware), ("models", books.models)):
        for row_id in shelf.ids_of(name):
            yield section, shelf.rows[row_id]
    for section, rows in (("rentals", books.rentals), ("rate_limits", books.rate_limits)):
        if name in rows:
            yield section, rows[name]
