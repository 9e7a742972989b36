"""Measured tables in the long layout in: one number a row, columns by name, units made SI."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from planner.errors import Fault, InputError
from planner.specs.validation import TableRow

NEEDED = ("engine", "model", "gpu", "load_type", "metric", "value", "unit")
SECONDS = {"ms": 1e-3, "s": 1.0, "us": 1e-6}


def read_measured(file: Path) -> tuple[TableRow, ...]:
    """Return the rows of a measured table.

    Raises
    ------
    InputError
        When the file is not such a table, or a number in it is none.
    """
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError((_fault(file, 1, ", ".join(missing), "these columns", "none"),))
            return tuple(_row(file, reader.line_num, row) for row in reader)
    except OSError as error:
        raise InputError((_fault(file, None, "", "a readable file", str(error.strerror)),)) from None


def _row(file: Path, line: int, row: Mapping[str, str]) -> TableRow:
    def text(name: str) -> str:
        return (row.get(name) or "").strip()

    def number(name: str) -> float | None:
        found = text(name)
        if not found:
            return None
        try:
            return float(found)
        except ValueError:
            raise InputError((_fault(file, line, name, "a number", repr(found)),)) from None

    value = number("value")
    if value is None:
        raise InputError((_fault(file, line, "value", "a number", "nothing"),))
    gpus = int(number("n_gpu") or number("tp") or 1)
    return TableRow(
        line=line,
        engine=text("engine").lower(),
        engine_version=text("engine_version"),
        model=text("model"),
        precision=text("precision").lower(),
        gpu=text("gpu"),
        gpus=gpus,
        tensor_parallel=int(number("tp") or gpus),
        pipeline_parallel=int(number("pp") or 1),
        input_tokens=number("isl"),
        output_tokens=number("osl"),
        load_type=text("load_type").lower(),
        load_value=number("load_value"),
        metric=text("metric").lower(),
        value=value * SECONDS.get(text("unit").lower(), 1.0),
        notes=text("notes"),
    )


def _fault(file: Path, line: int | None, key: str, expected: str, found: str) -> Fault:
    return Fault(file=str(file), key=key, expected=expected, found=found, line=line)
