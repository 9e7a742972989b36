"""A prediction as a screen or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import RenderableType
from rich.text import Text

from planner.report.bars import bar_lines, shaded
from planner.report.latency import latency_lines, operator
from planner.report.numbers import count, duration, duration_band, gib, percent
from planner.report.screen import grid, render
from planner.specs.answers.prediction import OperatorTime, Prediction, StreamPrediction
from planner.specs.base import Quantity

SCHEMA = "planner.predict/1"


def predict_json(prediction: Prediction | StreamPrediction) -> str:
    """Write a prediction as JSON."""
    return json.dumps({"schema": SCHEMA, **asdict(prediction)}, indent=2) + "\n"


def predict_table(
    prediction: Prediction, *, detail: bool, width: int, color: bool, quiet: bool = False
) -> str:
    """Write a prediction as a screen: the answer, what takes its time and memory, and with ``detail`` the step by operator."""
    p = prediction
    head = Text(
        f"{p.model} on {p.gpus} × {p.hardware}, {p.engine}, {p.quantization}: "
        f"{count(p.concurrency)} request{'' if p.concurrency == 1 else 's'} in flight{_waiting(p)}",
        style="head",
    )
    table = grid("", "value", "80 % interval", "grade", left=1)
    for label, quantity, kind in (
        ("time to first token", p.ttft_s, "time"),
        ("time per output token", p.tpot_s, "time"),
        ("end to end", p.e2e_s, "time"),
        ("requests/s", p.requests_per_s, "rate"),
        ("output tokens/s", p.output_tokens_per_s, "rate"),
        ("saturation, requests/s", p.saturation_requests_per_s, "rate"),
    ):
        table.add_row(label, *_cells(quantity, kind))
    source = f"bound by {p.bound_by.replace('_', ' ')}; profile {p.profile}, {p.grade}"
    bars = [*latency_lines(p, width=width), *memory_lines(p, width=width)]
    parts: list[RenderableType] = [head, table, Text(source), "", *bars]
    if detail:
        mean = f"time to first token as a benchmark averages it, its burst included: {duration_band(p.ttft_published_s)}"
        parts += ["", _steps("one decoding step", p.breakdown), "", Text(mean)]
    if not quiet:
        parts += [Text(f"note: {notice.message}", style="warn") for notice in p.notices]
    return render(*parts, width=width, color=color)


def _waiting(p: Prediction) -> str:
    waiting = p.concurrency - p.running
    return f", of which {count(p.running)} run and {count(waiting)} wait" if waiting >= 1 else ""


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
    sizes = ("KV cache", p.weights_bytes, p.cache_bytes, p.usable_bytes)
    bars = [*latency_lines(p, width=width), *_drawn(sizes, " usable", width=width)]
    source = f"bound by {p.bound_by}; profile {p.profile}, {p.grade}"
    parts: list[RenderableType] = [head, table, Text(source), "", *bars]
    if detail:
        parts += ["", _steps("one token of the answer", p.breakdown)]
    if not quiet:
        parts += [Text(f"note: {notice.message}", style="warn") for notice in p.notices]
    return render(*parts, width=width, color=color)


def _steps(title: str, breakdown: tuple[OperatorTime, ...]) -> RenderableType:
    table = grid(title, "time", "share", "speed of light", left=1)
    for part in breakdown:
        light = duration(part.speed_of_light_s) if part.speed_of_light_s else "–"
        table.add_row(operator(part.name), duration(part.time_s), percent(part.share_fraction), light)
    return table


def memory_lines(prediction: Prediction, *, width: int) -> list[Text]:
    """Draw one GPU's memory: weights, KV pool, and the rest."""
    p = prediction
    if not (p.weights_bytes_per_gpu and p.pool_bytes_per_gpu and p.physical_bytes_per_gpu):
        return [
            Text("memory   unknown: the profile was measured elsewhere; planner fit tells what is needed")
        ]
    each = "" if p.gpus == 1 else " a GPU"
    return _drawn(
        ("KV pool", p.weights_bytes_per_gpu, p.pool_bytes_per_gpu, p.physical_bytes_per_gpu),
        each,
        width=width,
    )


def _drawn(sizes: tuple[str, float, float, float], each: str, *, width: int) -> list[Text]:
    cache, weights_bytes, cache_bytes, whole_bytes = sizes
    parts = shaded((("weights", weights_bytes), (cache, cache_bytes)), whole_bytes)
    named = [(shade, f"{name} {gib(size)}", size) for shade, name, size in parts]
    return bar_lines("memory", named, whole_bytes, total=gib(whole_bytes) + each, width=width)
