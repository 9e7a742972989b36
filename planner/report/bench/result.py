"""The result of a measurement on the screen, as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from rich.console import RenderableType

from planner.report.bench.verdict import load_text, max_rate, point_names, verdict_lines
from planner.report.numbers import UNKNOWN, duration, gib, percent, rate
from planner.report.plain import plain, to_json
from planner.report.screen import grid, render
from planner.specs.measured.load import REFERENCE_SETTING, SloTarget
from planner.specs.measured.measurement import Distribution, PointResult, RunResult

WIDE = 120  #: columns from which the less asked figures stand in the table too
LATENCIES = ("ttft_s", "ttft_scheduled_s", "tpot_s", "itl_s", "e2e_s", "e2e_scheduled_s")
BAR_COLUMNS = 48  #: beside the load and the value they fit 80
DEFINITIONS = {
    "ttft_s": "request sent to first event with text, reasoning, tool call or token ids",
    "ttft_scheduled_s": "the same from the time the load plan wanted the request sent",
    "tpot_s": "(last token - first token) / (tokens - tokens of the first event), per request; undefined for one",
    "itl_s": "gaps between events with content, pooled over requests",
    "e2e_s": "request sent to last token",
    "output_tokens_per_s": "tokens that arrived in the steady window over its length",
    "goodput_requests_per_s": "rate of ended requests times the share that was ok and met every limit",
    "percentiles": "type 7; 95 % order-statistic intervals for the effective sample; unsupported where n is too small",
}
FLAG_MEANINGS = {
    "client-bound": "the client ran near its own limit; not fit for calibration",
    "busy-machine": "something else took processor time from engine and client; not fit for calibration",
    "errors": "some requests failed",
    "no-steady-window": "too few requests per slot for a steady state; rates include ramp and drain",
    "unsteady": "the second half was clearly faster or slower than the first",
    "warm-cache": "the server answered part of the prompts from its prefix cache",
    "input-length-mismatch": "the server counts other prompt lengths than were asked for",
    "no-token-counts": "the server states no usage; tokens are counted as events",
    "behind-schedule": "requests left later than planned; read the scheduled latencies",
}
STOPS = {
    "server-died": "the server no longer answers",
    "too-many-errors": "too many requests failed",
    "interrupted": "interrupted; what was measured is kept",
    "killed": "the run was killed here; what was measured is kept",
}


def distribution_json(sample: Distribution) -> dict[str, object]:
    """Return a distribution as the schema ``planner.bench/1`` writes it."""
    intervals = {f"p{item.fraction * 100:g}": item.interval for item in sample.percentiles}
    pairs = {"mean": sample.mean_interval, **intervals}
    fractions = (0.5, 0.9, 0.95, 0.99)
    values = {f"p{fraction * 100:g}": sample.at(fraction) for fraction in fractions}
    return {
        "mean": sample.mean,
        **{name: None if item is None else item.value for name, item in values.items()},
        "n": sample.n,
        "effective_n": sample.effective_n,
        "intervals": {name: [pair.low, pair.high] for name, pair in pairs.items() if pair is not None},
        "unsupported": [name for name, pair in intervals.items() if pair is None],
    }


def point_json(point: PointResult) -> dict[str, object]:
    """Return a point as the schema ``planner.bench/1`` writes it."""
    document: dict[str, object] = plain(point)
    for name in LATENCIES:
        document[name] = distribution_json(getattr(point, name))
    return document


def bench_json(result: RunResult) -> str:
    """Return a run as JSON of schema ``planner.bench/1``."""
    return to_json(
        {
            "schema": result.manifest.schema,
            "convention": result.convention,
            "interrupted": result.interrupted,
            "stopped": result.stopped,
            "last_good_point": result.last_good_point,
            "max_rate_requests_per_s": max_rate(result),
            "points": [point_json(point) for point in result.points],
            "manifest": result.manifest,
            "definitions": DEFINITIONS,
        }
    )


def _cell(sample: Distribution, fraction: float) -> str:
    item = sample.at(fraction)
    if item is None:
        return UNKNOWN
    return duration(item.value) + ("" if item.interval is not None else "*")


Column = tuple[str, bool]  # heading, only when wide
COLUMNS: tuple[Column, ...] = (
    ("load", False),
    ("ok", False),
    ("failed", False),
    ("TTFT p50", False),
    ("TTFT p95", False),
    ("TTFT p99", True),
    ("TPOT p50", False),
    ("ITL p99", True),
    ("E2E p50", True),
    ("E2E p95", True),
    ("tok/s", False),
    ("good/s", False),
)


def _cells(point: PointResult) -> tuple[str, ...]:
    return (
        str(point.requests.ok),
        str(point.requests.failed),
        _cell(point.ttft_s, 0.5),
        _cell(point.ttft_s, 0.95),
        _cell(point.ttft_s, 0.99),
        _cell(point.tpot_s, 0.5),
        _cell(point.itl_s, 0.99),
        _cell(point.e2e_s, 0.5),
        _cell(point.e2e_s, 0.95),
        rate(point.output_tokens_per_s),
        rate(point.goodput_requests_per_s),
    )


def bench_table(result: RunResult, *, width: int, color: bool, quiet: bool = False) -> str:
    """Return a run for a screen: what, points, latency against load, and what to know about it."""
    kept = [index for index, (_, wide) in enumerate(COLUMNS) if width >= WIDE or not wide]
    table = grid(*(COLUMNS[index][0] for index in kept))
    for name, point in zip(point_names(result), result.points, strict=True):
        cells = (name, *_cells(point))
        table.add_row(*(cells[index] for index in kept))
    parts: list[RenderableType] = [_heading(result), *verdict_lines(result), table]
    if len(result.points) > 1 and REFERENCE_SETTING not in result.manifest.settings:
        parts.append(_plot(result))
    if not quiet:
        parts += _remarks(result)
    return render(*parts, width=width, color=color)


def _heading(result: RunResult) -> str:
    engine = result.manifest.engine
    version = f" {engine.version}" if engine.version else ""
    where = f" at {engine.url}" if engine.url else ""
    name = "server" if engine.name == "unknown" else engine.name
    rule = "" if result.convention == "planner" else f", metrics as {result.convention} defines them"
    return f"[head]{engine.model}[/] on {name}{version}{where}{rule}"


def _remarks(result: RunResult) -> list[str]:
    lines = [*_failures(result), *_flags(result)]
    lines += [
        f"[dim]{load_text(each.load)}: {gpu_text(each)}[/]" for each in result.points if each.gpu is not None
    ]
    if result.stopped and result.last_good_point is not None:
        lines.append(f"last good point: {load_text(result.points[result.last_good_point].load)}")
    if any("*" in cell for point in result.points for cell in _cells(point)):
        lines.append("[dim]* too few requests for an interval around this percentile[/]")
    return lines


def gpu_text(point: PointResult) -> str:
    """Say what the GPUs did during a point."""
    use = point.gpu
    if use is None or not use.samples:
        return "GPU telemetry unknown"
    parts = [
        f"GPU {use.power_w:.0f} W" if use.power_w is not None else "",
        f"{use.clock_mhz:,.0f} MHz" if use.clock_mhz is not None else "",
        f"{percent(use.busy_fraction)} busy" if use.busy_fraction is not None else "",
        gib(use.memory_bytes) if use.memory_bytes is not None else "",
        f"slowed {percent(use.throttled_fraction)} of the time" if use.throttled_fraction else "",
    ]
    if use.power_w and point.output_tokens_per_s is not None:
        parts.append(f"{point.output_tokens_per_s / use.power_w:.3g} output tokens/J")
    return ", ".join(part for part in parts if part)


def _failures(result: RunResult) -> Iterator[str]:
    for point in result.points:
        name = load_text(point.load)
        if point.requests.failed:
            classes = ", ".join(f"{error} {count}" for error, count in point.requests.by_error.items())
            yield f"[bad]{name}: failed: {classes}[/]"
        if point.stopped:
            yield f"[bad]{name}: {STOPS.get(point.stopped, point.stopped)}[/]"


def _flags(result: RunResult) -> Iterator[str]:
    """Yield what marks points, each mark once; errors are told by their classes already."""
    for flag, meaning in FLAG_MEANINGS.items():
        marked = [load_text(point.load) for point in result.points if flag in point.flags]
        if marked and flag != "errors":
            where = "all points" if len(marked) == len(result.points) else ", ".join(marked)
            yield f"[warn]{flag} ({where}): {meaning}[/]"


def _limit_s(slo: tuple[SloTarget, ...]) -> float | None:
    return next((target.limit_s for target in slo if target.metric == "ttft_s"), None)


def _plot(result: RunResult) -> str:
    """Draw the TTFT p95 of each point as a bar, with the limit of the SLO as a line through them."""
    values = [point.ttft_s.at(0.95) for point in result.points]
    limit_s = _limit_s(result.manifest.slo)
    top_s = max([item.value for item in values if item is not None] + [limit_s or 0.0], default=0.0)
    if top_s <= 0:
        return ""
    lines = ["", "[dim]TTFT p95 against load" + (f", limit {duration(limit_s)}" if limit_s else "") + "[/]"]
    label = max(len(load_text(point.load)) for point in result.points)
    for point, item in zip(result.points, values, strict=True):
        value_s = None if item is None else item.value
        row = _bar(value_s, limit_s, top_s)
        over = "bad" if value_s is not None and limit_s is not None and value_s > limit_s else "good"
        lines.append(f"{load_text(point.load):>{label}} [{over}]{row}[/] {duration(value_s)}")
    return "\n".join(lines)


def _bar(value_s: float | None, limit_s: float | None, top_s: float) -> str:
    """Return a bar as wide as all others, the limit marked in it; without a value there is only the limit."""
    bar = "█" * max(1, round(BAR_COLUMNS * value_s / top_s)) if value_s is not None else ""
    row = bar.ljust(BAR_COLUMNS)
    if limit_s is None:
        return row
    mark = min(BAR_COLUMNS - 1, round(BAR_COLUMNS * limit_s / top_s))
    return row[:mark] + "│" + row[mark + 1 :]


def bench_csv(result: RunResult) -> str:
    """Return a run as CSV, one line per point, base units."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [f"{metric}_{key}" for metric in LATENCIES for key in ("mean", "p50", "p95", "p99", "n")]
    writer.writerow(
        ("load", "ok", "failed", "output_tokens_per_s", "goodput_requests_per_s", *names, "flags")
    )
    for point in result.points:
        samples = [distribution_json(getattr(point, metric)) for metric in LATENCIES]
        values = [sample[key] for sample in samples for key in ("mean", "p50", "p95", "p99", "n")]
        rates = (point.output_tokens_per_s, point.goodput_requests_per_s)
        counts = (point.requests.ok, point.requests.failed)
        writer.writerow((load_text(point.load), *counts, *rates, *values, " ".join(point.flags)))
    return text.getvalue()


def bench_markdown(result: RunResult) -> str:
    """Return a run as a Markdown table."""
    names = [name for name, _ in COLUMNS]
    lines = ["| " + " | ".join(names) + " |", "|---|" + "---:|" * (len(names) - 1)]
    rows = zip(point_names(result), result.points, strict=True)
    lines += [f"| {' | '.join((name, *_cells(point)))} |".replace("*", "\\*") for name, point in rows]
    good = [percent(point.good_fraction) for point in result.points]
    flags = sorted({flag for point in result.points for flag in point.flags})
    lines += ["", f"Requests that met every limit: {', '.join(good)}."]
    if flags:
        lines += ["", *(f"- {flag}: {FLAG_MEANINGS[flag]}" for flag in flags)]
    return "\n".join(lines) + "\n"
