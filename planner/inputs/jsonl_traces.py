"""Recorded traffic as JSON lines, or as CSV with the hashes of prompt blocks (Mooncake's layout)."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from planner.errors import Fault, InputError
from planner.inputs.traces import INPUT_NAMES, MAX_FAULTS, OUTPUT_NAMES, TIME_NAMES, seconds_of
from planner.specs.answers.simulation import RequestBatch
from planner.units import MS_PER_S

HASHES = "hash_ids"
MOONCAKE_BLOCK_TOKENS = 512  #: tokens behind one hash of a Mooncake trace (its README)

_EntryT = TypeVar("_EntryT")


class _Row(NamedTuple):
    time_s: float
    input_tokens: int
    output_tokens: int
    hashes: tuple[int, ...]


def read_jsonl_trace(path: Path, *, every: int = 1) -> RequestBatch:
    """Read a trace of one JSON object a line, keeping every ``every``-th request.

    Times are seconds; beside ``hash_ids`` they are milliseconds, as Mooncake writes them.

    Raises
    ------
    InputError
        With file and line of every fault, up to twenty.
    """
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    return _read(path, ((number, line) for number, line in lines if line.strip()), _json_row, every)


def has_hashes(path: Path) -> bool:
    """Return whether a CSV file has a column of prompt blocks' hashes."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        header = next(csv.reader(file), [])
    return HASHES in (name.strip().lower() for name in header)


def read_hashed_csv(path: Path, *, every: int = 1) -> RequestBatch:
    """Read a CSV trace whose ``hash_ids`` are numbers with spaces between, keeping every ``every``-th request.

    Times are seconds or date-times, as in a CSV without hashes.

    Raises
    ------
    InputError
        With file and line of every fault, up to twenty.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        return _read(path, ((reader.line_num, entry) for entry in reader), _csv_row, every)


def _read(
    path: Path, entries: Iterable[tuple[int, _EntryT]], row_of: Callable[[_EntryT], _Row], every: int
) -> RequestBatch:
    faults: list[Fault] = []
    rows: list[_Row] = []
    for number, entry in entries:
        try:
            rows.append(row_of(entry))
        except (ValueError, TypeError, AttributeError, KeyError):
            expected = "an object with a time, input tokens ≥ 1 and output tokens ≥ 1"
            faults.append(
                Fault(file=str(path), line=number, key="", expected=expected, found=str(entry)[:60])
            )
    if faults:
        raise InputError(tuple(faults[:MAX_FAULTS]))
    if not rows:
        raise InputError((Fault(file=str(path), key="", expected="at least one request", found="none"),))
    return _batch(sorted(rows, key=lambda row: row.time_s)[::every])


def _json_row(line: str) -> _Row:
    entry = json.loads(line)
    hashes = tuple(int(each) for each in entry.get(HASHES, ()))
    return _row(entry, float(_named(entry, TIME_NAMES)) / (MS_PER_S if hashes else 1.0), hashes)


def _csv_row(entry: dict[str, str]) -> _Row:
    named = {name.strip().lower(): value for name, value in entry.items()}
    hashes = tuple(int(each) for each in named[HASHES].split())
    return _row(named, seconds_of(str(_named(named, TIME_NAMES))), hashes)


def _row(entry: Mapping[str, Any], time_s: float, hashes: tuple[int, ...]) -> _Row:
    row = _Row(time_s, int(_named(entry, INPUT_NAMES)), int(_named(entry, OUTPUT_NAMES)), hashes)
    if not (np.isfinite(row.time_s) and row.input_tokens >= 1 and row.output_tokens >= 1):
        raise ValueError
    return row


def _named(entry: Mapping[str, Any], names: tuple[str, ...]) -> str | float:
    found: list[str | float] = [value for key, value in entry.items() if key.lower() in names]
    if not found:
        raise ValueError
    return found[0]


def _batch(rows: list[_Row]) -> RequestBatch:
    times = np.array([row.time_s for row in rows])
    # only whole blocks are shared: the last hash of a prompt may stand for a part of one
    kept = [row.hashes[: row.input_tokens // MOONCAKE_BLOCK_TOKENS] for row in rows]
    hashes = [each for prefix in kept for each in prefix]
    return RequestBatch(
        arrival_s=times - times[0],
        input_tokens=np.array([row.input_tokens for row in rows], dtype=np.int64),
        output_tokens=np.array([row.output_tokens for row in rows], dtype=np.int64),
        prefix_hashes=np.array(hashes, dtype=np.int64),
        prefix_starts=np.cumsum([0, *(len(prefix) for prefix in kept)]) if hashes else None,
        prefix_block_tokens=MOONCAKE_BLOCK_TOKENS,
    )
