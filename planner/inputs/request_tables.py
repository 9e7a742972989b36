"""A run's requests, one a row, as what a benchmark reports of them: mean and percentiles."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from planner.inputs.table_cells import Cells
from planner.inputs.table_settings import engine_settings
from planner.specs.answers.simulation import RequestBatch
from planner.specs.answers.validation import TableRow
from planner.units import MS_PER_S, FloatArray

PERCENTILES = {"p50": 50.0, "p95": 95.0, "p99": 99.0}


def request_rows(cells: Sequence[Cells]) -> tuple[TableRow, ...]:
    """Return TTFT, TPOT and end to end of each run in a table of requests; a run is one GPU and model."""
    runs: dict[tuple[str, str, str], list[tuple[int, Cells]]] = {}
    for line, row in enumerate(cells, start=2):
        key = (row.text("gpu"), row.text("model"), row.text("engine"))
        runs.setdefault(key, []).append((line, row))
    return tuple(made for key, rows in runs.items() for made in _run(key, rows))


def _run(key: tuple[str, str, str], rows: list[tuple[int, Cells]]) -> Iterator[TableRow]:
    whole = sorted((each for each in rows if _is_whole(each[1])), key=lambda each: _arrival_s(each[1]))
    if not whole:
        return
    batch = RequestBatch(
        arrival_s=_column(whole, "arrival_s"),
        input_tokens=_column(whole, "input_tokens").astype(np.int64),
        output_tokens=_column(whole, "output_tokens").astype(np.int64),
    )
    measured = {
        "ttft": _column(whole, "ttft_ms") / MS_PER_S,
        "tpot": _column(whole, "tpot_ms") / MS_PER_S,
        "e2e": _column(whole, "last_token_s") - batch.arrival_s,
    }
    frame = _frame(key, *whole[0], batch)
    for metric, values in measured.items():
        known = values[np.isfinite(values)]
        if known.size:
            yield replace(frame, metric=metric, value=float(known.mean()), statistic="mean")
            for statistic, percentile in PERCENTILES.items():
                value = float(np.percentile(known, percentile))
                yield replace(frame, metric=metric, value=value, statistic=statistic)


def _frame(key: tuple[str, str, str], line: int, first: Cells, batch: RequestBatch) -> TableRow:
    """Return what all numbers of a run share; its engine, version and settings stand in its first row."""
    gpu, model, engine = key
    return TableRow(
        line=line,
        engine=engine or "vllm",
        engine_version=first.text("engine_version"),
        model=model,
        precision=first.text("precision"),
        gpu=gpu,
        gpus=first.devices("n_gpu"),
        tensor_parallel=first.whole("tp") or first.devices("n_gpu"),
        pipeline_parallel=first.devices("pp"),
        input_tokens=float(batch.input_tokens.mean()),
        output_tokens=float(batch.output_tokens.mean()),
        load_type="trace",
        load_value=None,
        metric="",
        value=0.0,
        settings=engine_settings(first),
        trace=batch,
    )


def _is_whole(row: Cells) -> bool:
    """Tell whether a request can be replayed: it has a time from zero and both lengths."""
    return 0 <= _arrival_s(row) < math.inf and bool(row.whole("input_tokens") and row.whole("output_tokens"))


def _arrival_s(row: Cells) -> float:
    arrival_s = row.number("arrival_s")
    return math.inf if arrival_s is None else arrival_s


def _column(rows: Iterable[tuple[int, Cells]], name: str) -> FloatArray:
    """Return a column, not a number where a cell states none: an answer of one token has no TPOT."""
    numbers = (row.number(name) for _, row in rows)
    return np.array([math.nan if number is None else number for number in numbers], dtype=np.float64)
