"""A validation as a screen, JSON, CSV or Markdown."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from io import StringIO

from rich.console import RenderableType

from planner.report.numbers import count, percent
from planner.report.screen import grid, render
from planner.specs.answers.validation import ErrorGroup, Validation

SCHEMA = "planner.validate/1"
COLUMNS = ("group", "metric", "n", "median", "P90", "bias", "within 20 %", "in 80 % interval")
LEGEND = "errors are predicted over measured less one; then shares of rows: off by 20 % at most, in the 80 % interval"
SHORT = ("metric, engine, device, load", "n", "median", "P90", "bias", "≤ 20 %", "in 80 %")


def validate_json(validation: Validation) -> str:
    """Write a validation as JSON."""
    document = {
        "schema": SCHEMA,
        "rows": validation.rows,
        "predicted": validation.predicted,
        "skipped": [asdict(each) for each in validation.skipped],
        "groups": [asdict(each) for each in validation.groups],
    }
    return json.dumps(document, indent=2) + "\n"


def validate_csv(validation: Validation) -> str:
    """Write one line for each judged row: where it stands, what was measured, what was predicted."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    names = ("line", "engine", "hardware", "model", "metric", "measured", "predicted", "low", "high")
    writer.writerow(names)
    for each in validation.judged:
        row, found = each.row, each.predicted
        writer.writerow(
            [row.line, row.engine, each.hardware, each.model, row.metric]
            + [f"{value:.6g}" for value in (row.value, found.value, found.low, found.high)]
        )
    return buffer.getvalue()


def validate_markdown(validation: Validation) -> str:
    """Write the groups as a Markdown table."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|---|" + "---:|" * (len(COLUMNS) - 2)]
    lines += [f"| {' | '.join(_cells(group))} |" for group in validation.groups]
    return "\n".join([*lines, "", _summary(validation), ""])


def validate_table(validation: Validation, *, width: int, color: bool) -> str:
    """Write the groups, and the reasons for what was skipped, as a screen."""
    table = grid(*SHORT, left=1)
    for group in validation.groups:
        name, metric, *numbers = _cells(group)
        table.add_row(f"{metric} {name}", *numbers)
    skipped = grid("skipped", "rows", left=1)
    for each in validation.skipped:
        skipped.add_row(each.reason, count(each.n))
    parts: list[RenderableType] = [_summary(validation)]
    if validation.groups:
        parts += [LEGEND, table]
    if validation.skipped:
        parts.append(skipped)
    return render(*parts, width=width, color=color)


def _summary(validation: Validation) -> str:
    share = validation.predicted / validation.rows if validation.rows else 0.0
    return f"{count(validation.predicted)} of {count(validation.rows)} rows predicted ({percent(share)})"


def _cells(group: ErrorGroup) -> tuple[str, ...]:
    errors = (group.median_ape, group.p90_ape, group.bias, group.within_20, group.coverage_80)
    name = ", ".join(group.by.values()) or "all"
    return (name, group.metric, count(group.n), *(percent(value) for value in errors))
