"""A simulation as a screen with a small chart, as JSON, or as CSV of its requests."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from io import StringIO

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from planner.report.numbers import count, duration
from planner.report.screen import grid, render
from planner.specs.simulated import ReplicaSimulation
from planner.specs.simulation import SimulatedRequests

SCHEMA = "planner.simulate/1"
LEVELS = " ▁▂▃▄▅▆▇█"
CHART_CELLS = 60
COLUMNS = ("arrival_s", "scheduled_s", "first_token_s", "last_token_s", "ttft_s", "tpot_s", "e2e_s")
COUNTS = ("input_tokens", "output_tokens", "cached_tokens", "preemptions")
LATENCIES = ("ttft_s", "tpot_s", "e2e_s", "queue_s")


def simulate_json(simulation: ReplicaSimulation) -> str:
    """Write percentiles, throughput and settings as JSON."""
    served = simulation.requests
    document = {
        "schema": SCHEMA,
        "model": simulation.model,
        "hardware": simulation.hardware,
        "gpus": simulation.gpus,
        "profile": simulation.profile,
        "grade": simulation.grade,
        "limits": asdict(simulation.limits),
        "requests": int(served.arrival_s.size),
        "refused": served.refused,
        "preemptions": int(served.preemptions.sum()),
        "duration_s": served.duration_s,
        "output_tokens_per_s": served.output_tokens_per_s,
        **{name: asdict(getattr(simulation, name)) for name in LATENCIES},
        "notices": [asdict(notice) for notice in simulation.notices],
    }
    return json.dumps(document, indent=2) + "\n"


def simulate_csv(simulation: ReplicaSimulation) -> str:
    """Write one row per request; times of a refused one are empty."""
    served = simulation.requests
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("request", *COLUMNS, *COUNTS))
    times = [getattr(served, name) for name in COLUMNS]
    counts = [getattr(served, name) for name in COUNTS]
    for index in range(served.arrival_s.size):
        written = ["" if np.isnan(column[index]) else f"{column[index]:.6f}" for column in times]
        writer.writerow((index, *written, *(int(column[index]) for column in counts)))
    return buffer.getvalue()


def simulate_table(simulation: ReplicaSimulation, *, width: int, color: bool, quiet: bool = False) -> str:
    """Write the percentiles, and queue and batch over time."""
    served, limits = simulation.requests, simulation.limits
    head = Text(
        f"{simulation.model} on {simulation.gpus} × {simulation.hardware}: {served.arrival_s.size:,} requests "
        f"in {duration(served.duration_s)}, {count(served.output_tokens_per_s)} output tokens/s",
        style="head",
    )
    table = grid("", "mean", "p50", "p90", "p95", "p99", left=1)
    labels = ("time to first token", "time per output token", "end to end", "waiting")
    for label, name in zip(labels, LATENCIES, strict=True):
        points = asdict(getattr(simulation, name))
        table.add_row(label, *(duration(value) for value in points.values()))
    pool = "unlimited" if limits.pool_tokens is None else f"{limits.pool_tokens:,} tokens"
    facts = Text(
        f"KV pool {pool}, {limits.max_num_seqs:,} sequences, {limits.max_num_batched_tokens:,} tokens a step; "
        f"{int(served.preemptions.sum()):,} preemptions, {served.refused:,} refused; "
        f"profile {simulation.profile}, {simulation.grade}",
        style="dim",
    )
    parts: list[RenderableType] = [head, table, *_chart(served, width), facts]
    if not quiet:
        parts += [Text(f"note: {notice.message}", style="warn") for notice in simulation.notices]
    return render(*parts, width=width, color=color)


def _chart(served: SimulatedRequests, width: int) -> list[RenderableType]:
    known = ~np.isnan(served.last_token_s)
    start, end = float(served.arrival_s[known].min()), float(served.last_token_s[known].max())
    grid_s = np.linspace(start, end, max(min(CHART_CELLS, width - 24), 10))

    def until(times: np.ndarray) -> np.ndarray:
        return np.searchsorted(np.sort(times[known]), grid_s, side="right")

    scheduled = until(served.scheduled_s)
    waiting = until(served.arrival_s) - scheduled
    running = scheduled - until(served.last_token_s)
    axis = f"{'':9}0 s{duration(end - start):>{grid_s.size - 3}}"
    return [Text(_line("waiting", waiting)), Text(_line("running", running)), Text(axis, style="dim")]


def _line(label: str, values: np.ndarray) -> str:
    most = int(values.max())
    steps = np.ceil(values / max(most, 1) * (len(LEVELS) - 1)).astype(int)
    return f"{label:<9}{''.join(LEVELS[step] for step in steps)} at most {most:,}"
