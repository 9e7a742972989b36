"""Measured tables in, whatever their layout: one number a row, start-up logs, or one request a row."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from planner.errors import Fault, InputError
from planner.inputs.log_tables import llamacpp_rows, vllm_rows
from planner.inputs.request_tables import request_rows
from planner.inputs.table_cells import Cells
from planner.inputs.table_settings import engine_settings
from planner.specs.answers.validation import TableRow

NEEDED = ("engine", "model", "gpu", "metric", "value")
# Other names that tables give to our columns.
COLUMNS = {
    "n_gpu": ("n_gpus", "num_gpus", "num_gpu", "gpus", "gpu_count"),
    "gpu": ("hardware", "accelerator", "device", "gpu_type"),
    "engine": ("framework", "backend", "inference_engine"),
    "engine_version": ("version", "framework_version", "backend_version"),
    "precision": ("quantization", "dtype", "quant"),
    "tp": ("tensor_parallel", "tensor_parallel_size"),
    "pp": ("pipeline_parallel", "pipeline_parallel_size"),
    "isl": ("input_tokens", "input_len", "input_length", "prompt_tokens"),
    "osl": ("output_tokens", "output_len", "output_length"),
    "load_type": ("load", "scenario"),
    "load_value": ("concurrency", "request_rate", "batch_size"),
}
# What a load is called whose number stands in a column of its own.
LOAD_COLUMNS = ("concurrency", "request_rate", "batch_size")
SEPARATORS = ",;\t|"  #: of cells; the one that the heading has most of
COUNTED = re.compile(r"(?:^(\d{1,3}) ?[x×*] ?(?=[a-z]))|(?: ?[x×*] ?(\d{1,3})$)", re.IGNORECASE)
NAMED_UNIT = re.compile(r"[_ (](ms|us|µs|s|sec|seconds)\)?$")
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
UNITS = {**SECONDS, **BYTES, "ktok/s": 1e3, "msec": 1e-3, "milliseconds": 1e-3, "second": 1.0}
RATES = frozenset({"tps", "t/s", "qps", "rps", "tokens_per_second", "tokens per second"})


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
            header = stream.readline()
            stream.seek(0)
            reader = csv.DictReader(stream, delimiter=max(SEPARATORS, key=header.count))
            names = tuple((name or "").strip().casefold() for name in reader.fieldnames or ())
            ours = _our_names(names)
            rows = [(reader.line_num, _filled(_cells(row, ours), given or {})) for row in reader]
    except OSError as error:
        raise InputError((_fault(file, "", "a readable file", str(error.strerror)),)) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError((_fault(file, "", "a CSV file in UTF-8", str(error)),)) from None
    return _by_layout(file, (*names, *ours.values(), *(given or {})), rows)


def _filled(row: Mapping[str, str], given: Mapping[str, str]) -> Mapping[str, str]:
    """Return a line with the columns that were stated beside the table, where it has none of its own."""
    return {**row, **{name: value for name, value in given.items() if not row.get(name)}}


def _by_layout(
    file: Path, names: tuple[str, ...], rows: list[tuple[int, Mapping[str, str]]]
) -> tuple[TableRow, ...]:
    cells, known = [(line, Cells(row)) for line, row in rows], frozenset(names)
    if "arrival_s" in known and known & {"first_token_s", "ttft_ms"}:
        return request_rows([row for _, row in cells])
    if "kv_self_mib" in known:
        return tuple(made for line, row in cells for made in llamacpp_rows(line, row))
    if "metric" not in known and known & {"kv_gib", "weights_gib"}:
        return tuple(made for line, row in cells for made in vllm_rows(line, row))
    missing = [name for name in NEEDED if name not in known]
    if missing:
        expected = "these columns, or those of start-up logs (weights_gib, kv_gib; kv_self_mib) or of requests (arrival_s, first_token_s)"
        raise InputError((_fault(file, ", ".join(missing), expected, "none"),))
    return tuple(_row(line, row) for line, row in cells)


def _our_names(names: tuple[str, ...]) -> dict[str, str]:
    """Return our names of columns that a table calls otherwise; a column of our own name wins."""
    plain = {name: re.sub(r"[\s\-]+", "_", name) for name in names}
    found = {name: form for name, form in plain.items() if form != name}
    for ours, others in COLUMNS.items():
        if ours not in plain.values():
            theirs = next((name for other in others for name in names if plain[name] == other), None)
            found |= {theirs: ours} if theirs is not None else {}
    return found


def _cells(row: Mapping[str | None, str | list[str] | None], ours: Mapping[str, str]) -> Mapping[str, str]:
    cells = {
        (name or "").strip().casefold(): value.strip()
        for name, value in row.items()
        if isinstance(value, str)
    }
    return cells | {new: cells[old] for old, new in ours.items() if old in cells}


def _length(row: Cells, column: str, metric: str, short: str) -> float | None:
    """Return a length as its column states it, else as the metric's name does: ``pp512``, ``tg128``. [tokens]"""
    stated = row.tokens(column)
    return stated if stated is not None else _length_in(metric, short)


def _row(line: int, row: Cells) -> TableRow:
    metric, load = row.text("metric").casefold(), row.text("load_type").casefold()
    value, unit = row.number("value"), row.text("unit").casefold() or _unit_in(metric)
    tensor, pipeline = row.whole("tp"), row.whole("pp") or 1
    gpu, counted = _counted(row.text("gpu"))
    made = TableRow(
        line=line,
        engine=row.text("engine").casefold(),
        engine_version=row.text("engine_version"),
        model=row.text("model"),
        precision=row.text("precision").casefold(),
        gpu=gpu,
        gpus=row.whole("n_gpu") or counted or (tensor or 1) * pipeline,
        tensor_parallel=tensor,
        pipeline_parallel=pipeline,
        input_tokens=_length(row, "isl", metric, "pp"),
        output_tokens=_length(row, "osl", metric, "tg"),
        load_type=load or next((name for name in LOAD_COLUMNS if row.text(name)), ""),
        load_value=row.number("load_value"),
        metric=metric,
        value=(value if value is not None else math.nan) * UNITS.get(unit, 1.0),
        unit=unit,
        statistic=row.text("statistic").casefold(),
        notes=row.text("notes"),
        settings=engine_settings(row),
    )
    if value is None:
        return replace(made, unreadable=f"the value {row.text('value')!r} is no number")
    known = unit in UNITS or unit in RATES or "/" in unit or not unit
    return made if known else _other_unit(made, unit)


def _unit_in(metric: str) -> str:
    """Return the unit that a metric's name ends with: ``mean_ttft_ms``, ``TPOT (ms)``."""
    found = NAMED_UNIT.search(metric)
    return found[1] if found else ""


def _length_in(metric: str, kind: str) -> float | None:
    """Return the tokens of llama-bench's names: ``pp512`` is a prompt of 512, ``tg128`` an answer of 128."""
    found = re.fullmatch(rf"{kind}\s?(\d+)", metric)
    return float(found[1]) if found else None


def _counted(gpu: str) -> tuple[str, int | None]:
    """Return a device without the count before or behind it: ``8xH100``, ``H100 x 4``."""
    found = COUNTED.search(gpu)
    if found is None:
        return gpu, None
    return (gpu[: found.start()] + gpu[found.end() :]).strip(), int(found[1] or found[2]) or None


def _other_unit(row: TableRow, unit: str) -> TableRow:
    """Keep counts; a latency in a unit that nobody knows is not judged."""
    counted = {"tokens", "token", "tok", "blocks", "req", "requests", "gpu", "x", "%"}
    return row if unit in counted else replace(row, unreadable=f"unit {unit} is not known")


def _fault(file: Path, key: str, expected: str, found: str) -> Fault:
    return Fault(file=str(file), key=key, expected=expected, found=found, line=1 if key else None)
