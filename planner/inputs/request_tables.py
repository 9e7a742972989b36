"""A run's requests, one a row, as what a benchmark reports of them: mean and percentiles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from planner.inputs.table_cells import Cells
from planner.inputs.table_settings import engine_settings
from planner.specs.answers.simulation import RequestBatch
from planner.specs.answers.validation import TableRow
from planner.units import FloatArray

STATISTICS = {"mean": None, "p50": 50.0, "p95": 95.0, "p99": 99.0}


def request_rows(cells: Sequence[Cells]) -> tuple[TableRow, ...]:
    """Return TTFT, TPOT and end to end of each run in a table of requests; a run is one GPU and model."""
    runs: dict[tuple[str, str, str], list[tuple[int, Cells]]] = {}
    for line, row in enumerate(cells, start=2):
        key = (row.text("gpu"), row.text("model"), row.text("engine"))
        runs.setdefault(key, []).append((line, row))
    return tuple(made for key, rows in runs.items() for made in _run(key, rows))


def _run(key: tuple[str, str, str], rows: list[tuple[int, Cells]]) -> Iterator[TableRow]:
    gpu, model, engine = key
    whole = [
        (line, row)
        for line, row in rows
        if _is_time(row.number("arrival_s")) and row.whole("input_tokens") and row.whole("output_tokens")
    ]
    whole.sort(key=lambda each: each[1].number("arrival_s") or 0.0)
    if not whole:
        return
    batch = RequestBatch(
        arrival_s=_column((row.number("arrival_s") for _, row in whole)),
        input_tokens=_column((row.number("input_tokens") for _, row in whole)).astype(np.int64),
        output_tokens=_column((row.number("output_tokens") for _, row in whole)).astype(np.int64),
    )
    last = _column(row.number("last_token_s") for _, row in whole)
    measured = {
        "ttft": _column(row.number("ttft_ms") for _, row in whole) / 1000.0,
        "tpot": _column(row.number("tpot_ms") for _, row in whole) / 1000.0,
        "e2e": last - batch.arrival_s,
    }
    first = whole[0][1]
    for metric, values in measured.items():
        known = values[np.isfinite(values)]
        for statistic, percentile in STATISTICS.items():
            if known.size:
                value = known.mean() if percentile is None else np.percentile(known, percentile)
                yield TableRow(
                    line=whole[0][0],
                    engine=engine or "vllm",
                    engine_version=first.text("engine_version"),
                    model=model,
                    precision=first.text("precision"),
                    gpu=gpu,
                    gpus=first.whole("n_gpu") or 1,
                    tensor_parallel=first.whole("tp") or first.whole("n_gpu") or 1,
                    pipeline_parallel=first.whole("pp") or 1,
                    input_tokens=float(batch.input_tokens.mean()),
                    output_tokens=float(batch.output_tokens.mean()),
                    load_type="trace",
                    load_value=None,
                    metric=metric,
                    value=float(value),
                    statistic=statistic,
                    settings=engine_settings(first),
                    trace=batch,
                )


def _is_time(value: float | None) -> bool:
    return value is not None and 0 <= value < float("inf")


def _column(values: Iterable[float | None]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
