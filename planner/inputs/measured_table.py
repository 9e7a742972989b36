"""Measured tables in, whatever their layout: one number a row, start-up logs, or one request a row."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from planner.errors import Fault, InputError
from planner.inputs.log_tables import llamacpp_rows, vllm_rows
from planner.inputs.request_tables import request_rows
from planner.inputs.table_cells import Cells
from planner.inputs.table_settings import engine_settings
from planner.specs.validation import TableRow

NEEDED = ("engine", "model", "gpu", "load_type", "metric", "value", "unit")
# What a unit is in SI units.
SECONDS = {"ms": 1e-3, "s": 1.0, "sec": 1.0, "seconds": 1.0, "us": 1e-6, "µs": 1e-6, "min": 60.0}
BYTES = {
    "b": 1.0,
    "bytes": 1.0,
    "kib": 2.0**10,
    "mib": 2.0**20,
    "gib": 2.0**30,
    "kb": 1e3,
    "mb": 1e6,
    "gb": 1e9,
}
UNITS = {**SECONDS, **BYTES, "ktok/s": 1e3}


def read_measured(file: Path, given: Mapping[str, str] | None = None) -> tuple[TableRow, ...]:
    """Return the rows of a measured table; ``given`` states columns where the table says nothing.

    A row whose value is no number says so in ``unreadable``; it is counted and skipped, not refused.

    Raises
    ------
    InputError
        When the file cannot be read, or has no layout that is known.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            names = tuple((name or "").strip().casefold() for name in reader.fieldnames or ())
            rows = [(reader.line_num, _filled(_cells(row), given or {})) for row in reader]
    except OSError as error:
        raise InputError((_fault(file, "", "a readable file", str(error.strerror)),)) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError((_fault(file, "", "a CSV file in UTF-8", str(error)),)) from None
    return _by_layout(file, (*names, *(given or {})), rows)


def _filled(row: Mapping[str, str], given: Mapping[str, str]) -> Mapping[str, str]:
    """Return a line with the columns that were stated beside the table, where it has none of its own."""
    return {**row, **{name: value for name, value in given.items() if not row.get(name)}}


def _by_layout(
    file: Path, names: tuple[str, ...], rows: list[tuple[int, Mapping[str, str]]]
) -> tuple[TableRow, ...]:
    cells = [(line, Cells(row)) for line, row in rows]
    if "arrival_s" in names and ("first_token_s" in names or "ttft_ms" in names):
        return request_rows([row for _, row in cells])
    if "kv_self_mib" in names:
        return tuple(made for line, row in cells for made in llamacpp_rows(line, row))
    if "metric" not in names and ("kv_gib" in names or "weights_gib" in names):
        return tuple(made for line, row in cells for made in vllm_rows(line, row))
    missing = [name for name in NEEDED if name not in names]
    if missing:
        expected = "these columns, or those of start-up logs (weights_gib, kv_gib; kv_self_mib) or of requests (arrival_s, first_token_s)"
        raise InputError((_fault(file, ", ".join(missing), expected, "none"),))
    return tuple(_row(line, row) for line, row in cells)


def _cells(row: Mapping[str | None, str | list[str] | None]) -> Mapping[str, str]:
    return {
        (name or "").strip().casefold(): value.strip()
        for name, value in row.items()
        if isinstance(value, str)
    }


def _row(line: int, row: Cells) -> TableRow:
    value, unit = row.number("value"), row.text("unit").casefold()
    tensor, pipeline, gpus = row.whole("tp"), row.whole("pp"), row.whole("n_gpu")
    gpus = gpus or (tensor or 1) * (pipeline or 1)
    made = TableRow(
        line=line,
        engine=row.text("engine").casefold(),
        engine_version=row.text("engine_version"),
        model=row.text("model"),
        precision=row.text("precision").casefold(),
        gpu=row.text("gpu"),
        gpus=gpus,
        tensor_parallel=tensor,
        pipeline_parallel=pipeline or 1,
        input_tokens=row.tokens("isl"),
        output_tokens=row.tokens("osl"),
        load_type=row.text("load_type").casefold(),
        load_value=row.number("load_value"),
        metric=row.text("metric").casefold(),
        value=(value if value is not None else math.nan) * UNITS.get(unit, 1.0),
        statistic=row.text("statistic").casefold(),
        notes=row.text("notes"),
        settings=engine_settings(row),
    )
    if value is None:
        return replace(made, unreadable=f"the value {row.text('value')!r} is no number")
    return made if unit in UNITS or "/" in unit or not unit else _other_unit(made, unit)


def _other_unit(row: TableRow, unit: str) -> TableRow:
    """Keep counts; a latency in a unit that nobody knows is not judged."""
    counted = {"tokens", "token", "tok", "blocks", "req", "requests", "gpu", "x", "%"}
    return row if unit in counted else replace(row, unreadable=f"unit {unit} is not known")


def _fault(file: Path, key: str, expected: str, found: str) -> Fault:
    return Fault(file=str(file), key=key, expected=expected, found=found, line=1 if key else None)
