"""A simulation as a screen with a small chart, as JSON, or as CSV of its requests."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from io import StringIO
from math import isnan

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from planner.report.numbers import count, duration, rate
from planner.report.screen import grid, render
from planner.specs.answers.simulated import ReplicaSimulation
from planner.specs.answers.simulation import SimulatedRequests
from planner.specs.scenario.scenario import Slo

SCHEMA = "planner.simulate/1"
LEVELS = " ▁▂▃▄▅▆▇█"
CHART_CELLS = 60
COLUMNS = ("arrival_s", "scheduled_s", "first_token_s", "last_token_s", "ttft_s", "tpot_s", "e2e_s")
COUNTS = ("input_tokens", "output_tokens", "cached_tokens", "preemptions")
FALLS_BEHIND = "note: the times grow with the requests drawn; --replicas N shares the traffic, planner estimate says how many it takes"
LATENCIES = ("ttft_s", "tpot_s", "e2e_s", "queue_s")


def simulate_json(simulation: ReplicaSimulation) -> str:
    """Write percentiles, throughput and settings as JSON."""
    served = simulation.requests
    offered = simulation.offered_requests_per_s
    document = {
        "schema": SCHEMA,
        "keeps_up": simulation.keeps_up,
        "offered_requests_per_s": None if isnan(offered) else offered,
        "backlog": simulation.backlog,
        "model": simulation.model,
        "hardware": simulation.hardware,
        "gpus": simulation.gpus,
        "quantization": simulation.quantization,
        "profile": simulation.profile,
        "grade": simulation.grade,
        "limits": asdict(simulation.limits),
        "share": None if simulation.share is None else asdict(simulation.share),
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


def simulate_table(
    simulation: ReplicaSimulation, *, width: int, color: bool, quiet: bool = False, slo: Slo | None = None
) -> str:
    """Write whether the replica keeps up and holds the limits, the percentiles, and queue and batch over time."""
    served, limits = simulation.requests, simulation.limits
    head = Text(
        f"{simulation.model} {simulation.quantization} on {simulation.gpus} × {simulation.hardware} {_verdict(simulation)}",
        style="head",
    )
    run = Text(
        f"{served.arrival_s.size:,} requests in {duration(served.duration_s)}, "
        f"{count(served.output_tokens_per_s)} output tokens/s"
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
    held = [_held(simulation, slo)] if slo is not None else []
    parts: list[RenderableType] = [
        head,
        *held,
        *_shared(simulation),
        run,
        "",
        table,
        "",
        *_chart(served, width),
        "",
        facts,
    ]
    if not quiet and not simulation.keeps_up:
        parts.append(Text(FALLS_BEHIND, style="warn"))
    if not quiet:
        parts += [Text(f"note: {notice.message}", style="warn") for notice in simulation.notices]
    return render(*parts, width=width, color=color)


def _verdict(simulation: ReplicaSimulation) -> str:
    offered = simulation.offered_requests_per_s
    if isnan(offered):
        return "serves requests that all come at once"
    if simulation.keeps_up:
        return f"keeps up with {rate(offered)} requests/s"
    served = simulation.requests
    answered = (served.arrival_s.size - served.refused) / served.duration_s
    return (
        f"falls behind: {rate(offered)} requests/s come, {rate(answered)} are served; "
        f"{simulation.backlog:,} wait when the last one comes"
    )


def _held(simulation: ReplicaSimulation, slo: Slo) -> Text:
    """Set the 95th percentiles beside the scenario's limits."""
    late = {
        "TTFT": ("TTFT", simulation.ttft_s.p95),
        "TPOT": ("TPOT", simulation.tpot_s.p95),
        "e2e": ("answer", simulation.e2e_s.p95),
    }
    stated = [(*late[name], limit) for name, limit in slo.limits_s.items()]
    if not stated:
        return Text("the scenario states no limit of latency", style="dim")
    missed = [name for name, late, limit in stated if late > limit]
    words = ", ".join(f"{name} {duration(late)} of {duration(limit)}" for name, late, limit in stated)
    verdict = f"misses the limit of {' and '.join(missed)}" if missed else "holds the limits"
    return Text(f"{verdict}: p95 {words}", style="warn" if missed else "")


def _shared(simulation: ReplicaSimulation) -> list[Text]:
    """Say which machines of the scenario these are, and what of its peak they take."""
    share = simulation.share
    if share is None:
        return []
    all_, one = share.replicas or share.serving_replicas, share.serving_replicas == 1
    of_all = f" of {all_:,}" if all_ != share.serving_replicas else ""
    takes = f"{share.serving_replicas:,}{of_all} replica{'s' if all_ > 1 else ''} take{'s' if one else ''} the peak of"
    peak = f"{takes} {rate(share.peak_requests_per_s)} requests/s"
    if share.machines is None:
        return [Text(peak)]
    lines = [Text(f"the estimate's cheapest machines: {share.machines}; {peak}")]
    return [*lines, *(Text(f"the estimate refuses them: {reason}", style="warn") for reason in share.refused)]


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
