"""A prediction as a screen or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import RenderableType
from rich.text import Text

from planner.report.numbers import count, duration, gib, percent
from planner.report.screen import grid, render
from planner.specs.answers.prediction import OperatorTime, Prediction, StreamPrediction
from planner.specs.base import Quantity

SCHEMA = "planner.predict/1"
BAR_CELLS = 50


def predict_json(prediction: Prediction | StreamPrediction) -> str:
    """Write a prediction as JSON."""
    return json.dumps({"schema": SCHEMA, **asdict(prediction)}, indent=2) + "\n"


def predict_table(
    prediction: Prediction, *, detail: bool, width: int, color: bool, quiet: bool = False
) -> str:
    """Write a prediction as a screen: the answer, the memory, and with ``detail`` the step."""
    p = prediction
    head = Text(
        f"{p.model} on {p.gpus} × {p.hardware}, {p.engine}, {p.quantization}: "
        f"{count(p.concurrency)} requests in flight",
        style="head",
    )
    table = grid("", "value", "80 % interval", "grade", left=1)
    for label, quantity, kind in (
        ("time to first token", p.ttft_s, "time"),
        ("  mean of a benchmark's run", p.ttft_published_s, "time"),
        ("time per output token", p.tpot_s, "time"),
        ("end to end", p.e2e_s, "time"),
        ("requests/s", p.requests_per_s, "rate"),
        ("output tokens/s", p.output_tokens_per_s, "rate"),
        ("saturation, requests/s", p.saturation_requests_per_s, "rate"),
    ):
        table.add_row(label, *_cells(quantity, kind))
    source = f"bound by {p.bound_by.replace('_', ' ')}; profile {p.profile}, {p.grade}"
    parts: list[RenderableType] = [head, table, Text(source)]
    if detail:
        parts += ["", _steps("one decoding step", p.breakdown), "", *memory_lines(prediction)]
    if not quiet:
        parts += [Text(f"note: {notice.message}", style="warn") for notice in p.notices]
    return render(*parts, width=width, color=color)


def _cells(quantity: Quantity, kind: str) -> tuple[str, str, str]:
    write = duration if kind == "time" else count
    return write(quantity.value), f"{write(quantity.low)} to {write(quantity.high)}", quantity.grade


def stream_table(
    prediction: StreamPrediction, *, detail: bool, width: int, color: bool, quiet: bool = False
) -> str:
    """Write one request on llama.cpp as a screen."""
    p = prediction
    head = Text(
        f"{p.model} on {p.gpus} × {p.hardware}, {p.engine}, {p.quantization}: one request", style="head"
    )
    table = grid("", "value", "80 % interval", "grade", left=1)
    for label, quantity, kind in (
        ("tokens of the answer/s", p.output_tokens_per_s, "rate"),
        ("tokens of the prompt/s", p.prefill_tokens_per_s, "rate"),
        ("time to first token", p.ttft_s, "time"),
        ("time per output token", p.tpot_s, "time"),
        ("end to end", p.e2e_s, "time"),
    ):
        table.add_row(label, *_cells(quantity, kind))
    parts: list[RenderableType] = [head, table, Text(f"bound by {p.bound_by}")]
    if detail:
        sizes = (p.weights_bytes, p.cache_bytes, p.usable_bytes)
        parts += ["", _steps("one token of the answer", p.breakdown), "", *_drawn(*sizes)]
    if not quiet:
        parts += [Text(f"note: {notice.message}", style="warn") for notice in p.notices]
    return render(*parts, width=width, color=color)


def _steps(title: str, breakdown: tuple[OperatorTime, ...]) -> RenderableType:
    table = grid(title, "time", "share", "speed of light", left=1)
    for part in breakdown:
        light = duration(part.speed_of_light_s) if part.speed_of_light_s else "–"
        table.add_row(part.name.replace("_", " "), duration(part.time_s), percent(part.share_fraction), light)
    return table


def bar(weights_bytes: float, cache_bytes: float, whole_bytes: float) -> str:
    """Draw fifty cells: ``█`` weights, ``▒`` KV cache, ``·`` everything else."""
    weights = min(BAR_CELLS, round(BAR_CELLS * weights_bytes / whole_bytes))
    cache = min(BAR_CELLS - weights, round(BAR_CELLS * cache_bytes / whole_bytes))
    return "█" * weights + "▒" * cache + "·" * (BAR_CELLS - weights - cache)


def memory_lines(prediction: Prediction) -> list[Text]:
    """Draw one GPU's memory: weights, KV pool, and the rest."""
    p = prediction
    if not (p.weights_bytes_per_gpu and p.pool_bytes_per_gpu and p.physical_bytes_per_gpu):
        return [Text("memory  unknown: the profile was measured elsewhere; planner fit tells what is needed")]
    return _drawn(p.weights_bytes_per_gpu, p.pool_bytes_per_gpu, p.physical_bytes_per_gpu)


def _drawn(weights_bytes: float, cache_bytes: float, whole_bytes: float) -> list[Text]:
    sizes = f"█ weights {gib(weights_bytes)}, ▒ KV {gib(cache_bytes)}, of {gib(whole_bytes)}"
    return [Text(f"memory  {bar(weights_bytes, cache_bytes, whole_bytes)}"), Text(f"        {sizes}")]
