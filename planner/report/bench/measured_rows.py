"""Measured rows in the long layout as CSV, JSON, Markdown and on the screen."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import fields
from io import StringIO

from planner.report.plain import plain, to_json
from planner.report.screen import grid, render
from planner.specs.measured.measured_row import MeasuredRow

IMPORT_SCHEMA = "planner.bench.import/1"
COLUMNS = tuple(field.name for field in fields(MeasuredRow))
SHOWN = ("load", "input", "output", "metric", "value")


def rows_csv(rows: Sequence[MeasuredRow]) -> str:
    """Return the rows in the long layout."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(row, name) for name in COLUMNS] for row in rows)
    return text.getvalue()


def rows_json(tool: str, rows: Sequence[MeasuredRow]) -> str:
    """Return the rows as JSON of schema ``planner.bench.import/1``."""
    return to_json({"schema": IMPORT_SCHEMA, "tool": tool, "rows": plain(tuple(rows))})


def _cells(row: MeasuredRow) -> tuple[str, ...]:
    load = f"{row.load_type} {row.load_value if row.load_value is not None else ''}".strip()
    lengths = tuple("unknown" if value is None else f"{value:,.0f}" for value in (row.isl, row.osl))
    return (load, *lengths, f"{row.metric} {row.statistic}", f"{row.value:,.4g} {row.unit}")


def rows_markdown(rows: Sequence[MeasuredRow]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| " + " | ".join(SHOWN) + " |", "|---|---:|---:|---|---:|"]
    return "\n".join(lines + ["| " + " | ".join(_cells(row)) + " |" for row in rows]) + "\n"


def rows_table(tool: str, rows: Sequence[MeasuredRow], *, width: int, color: bool) -> str:
    """Return the rows for a screen."""
    table = grid(*SHOWN)
    for row in rows:
        table.add_row(*_cells(row))
    names = sorted({row.model for row in rows if row.model})
    return render(f"[head]{tool}[/] {', '.join(names)}", table, width=width, color=color)
