"""Recorded traffic in: a CSV of time, input tokens and output tokens, under the names that public traces use."""

from __future__ import annotations

import csv
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import NamedTuple

import numpy as np

from planner.errors import Fault, InputError
from planner.units import FloatArray

TIME_NAMES = ("timestamp", "time", "arrival_s", "time_s", "arrival_time", "t")
INPUT_NAMES = (
    "contexttokens",
    "input_tokens",
    "prompt_tokens",
    "num_prefill_tokens",
    "input_length",
    "in_tokens",
)
OUTPUT_NAMES = (
    "generatedtokens",
    "output_tokens",
    "completion_tokens",
    "num_decode_tokens",
    "output_length",
    "out_tokens",
)
MAX_TRACE_BYTES = 64 * 1024 * 1024  #: some two million requests
MAX_FAULTS = 20  #: a wrong column breaks every row; these show which


class Trace(NamedTuple):
    """Requests in order of arrival; the arrays have one entry a request."""

    arrival_s: FloatArray
    input_tokens: FloatArray
    output_tokens: FloatArray


def read_trace(path: Path) -> Trace:
    """Read a trace from a CSV file with a header.

    Times are seconds or date-times; the trace starts at its first request.

    Raises
    ------
    InputError
        With file and line of every fault, up to twenty.
    """
    if path.stat().st_size > MAX_TRACE_BYTES:
        raise InputError(
            (_fault(path, None, "", "a trace of at most 64 MiB", f"{path.stat().st_size:,} bytes"),)
        )
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError((_fault(path, None, "", "UTF-8 text", "another encoding, or binary"),)) from None
    rows = list(csv.reader(lines))
    if not rows:
        raise InputError(
            (_fault(path, 1, "", "a header with time, input tokens, output tokens", "an empty file"),)
        )
    columns = _columns(path, rows[0])
    faults: list[Fault] = []
    parsed = [_row(path, number, row, columns, faults) for number, row in enumerate(rows[1:], start=2) if row]
    if faults:
        raise InputError(tuple(faults[:MAX_FAULTS]))
    if len(parsed) < 2:
        raise InputError((_fault(path, None, "", "at least two requests", f"{len(parsed)}"),))
    table = np.array(sorted(parsed))
    if table[0, 0] == table[-1, 0]:
        raise InputError((_fault(path, None, "", "requests at different times", "all of them at one"),))
    return Trace(arrival_s=table[:, 0] - table[0, 0], input_tokens=table[:, 1], output_tokens=table[:, 2])


def _columns(path: Path, header: list[str]) -> tuple[int, int, int]:
    names = [name.strip().lower() for name in header]
    found = [
        next((names.index(name) for name in choices if name in names), None)
        for choices in (TIME_NAMES, INPUT_NAMES, OUTPUT_NAMES)
    ]
    faults = [
        _fault(path, 1, "header", f"a column named {' or '.join(choices[:3])}", ", ".join(header))
        for choices, index in zip((TIME_NAMES, INPUT_NAMES, OUTPUT_NAMES), found, strict=True)
        if index is None
    ]
    if faults:
        raise InputError(tuple(faults))
    time, inputs, outputs = (index or 0 for index in found)
    return time, inputs, outputs


def _row(
    path: Path, number: int, row: list[str], columns: tuple[int, int, int], faults: list[Fault]
) -> tuple[float, float, float]:
    try:
        time, inputs, outputs = (row[index] for index in columns)
        values = (seconds_of(time), float(inputs), float(outputs))
    except (ValueError, IndexError):
        faults.append(_fault(path, number, "", "a time and two token counts", ",".join(row)[:60]))
        return (0.0, 0.0, 0.0)
    if not all(isfinite(value) for value in values) or min(values[1:]) < 0:
        faults.append(_fault(path, number, "", "a finite time and token counts ≥ 0", ",".join(row)[:60]))
    return values


def seconds_of(text: str) -> float:
    """Return seconds from a number, or from a date-time with up to seven decimals."""
    try:
        return float(text)
    except ValueError:
        head, _, fraction = text.partition(".")
        whole = datetime.fromisoformat(head)
        return (whole - datetime(1970, 1, 1)).total_seconds() + float(f"0.{fraction or 0}")  # noqa: DTZ001 - differences only


def _fault(path: Path, line: int | None, key: str, expected: str, found: str) -> Fault:
    return Fault(file=str(path), key=key, line=line, expected=expected, found=found)
