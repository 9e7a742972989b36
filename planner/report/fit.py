"""Whether a model fits: a verdict with a memory bar for one device, a ranked list for many."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from planner.report.bars import LABEL_COLUMNS, stacked
from planner.report.latency import latency_lines
from planner.report.numbers import count, duration_band, gib, percent
from planner.report.plain import plain, to_json
from planner.report.screen import grid, render
from planner.specs.answers.fit import Fit
from planner.specs.answers.prediction import FitLatency

SCHEMA = "planner.fit/1"
SHADES = "█▓▒░▪·"
MIN_BAR, MAX_BAR = 30, 72
LATENCIES = ("ttft_s", "tpot_s", "e2e_s", "breakdown", "profile", "grade")
LOAD = ("concurrency", "input_tokens", "output_tokens")
LIST_COLUMNS = ("fits", "device", "weights", "KV pool", "tokens", "longest", "at once", "short by")
SHOWN_MISSES = 8
CSV_FIELDS = (
    "model",
    "hardware",
    "engine",
    "fits",
    "gpus",
    "quantization",
    "context_tokens",
    "concurrency",
    "weights_bytes_per_gpu",
    "kv_bytes_per_token",
    "kv_bytes_per_token_per_gpu",
    "kv_pool_tokens",
    "max_context_tokens",
    "max_concurrency",
    "shortage_bytes",
    "reason",
)


def fit_json(answers: Sequence[Fit], *, single: bool, latency: FitLatency | None = None) -> str:
    """Return the answer as a document with its latency, or the answers under ``results``."""
    if single:
        return to_json({"schema": SCHEMA} | plain(answers[0]) | {"latency": _latency_document(latency)})
    return to_json({"schema": SCHEMA, "results": [plain(answer) for answer in answers]})


def fit_csv(answers: Sequence[Fit]) -> str:
    """Return one line per device."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(CSV_FIELDS)
    for answer in answers:
        writer.writerow([getattr(answer, field) for field in CSV_FIELDS])
    return buffer.getvalue()


def fit_markdown(answers: Sequence[Fit]) -> str:
    """Return the list as a Markdown table."""
    lines = [f"| {' | '.join(LIST_COLUMNS)} |", f"|{'---|' * len(LIST_COLUMNS)}"]
    lines += [f"| {' | '.join(_cells(answer))} |" for answer in answers]
    return "\n".join(lines) + "\n"


def fit_table(
    answers: Sequence[Fit],
    *,
    single: bool,
    width: int,
    color: bool,
    quiet: bool,
    latency: FitLatency | None = None,
) -> str:
    """Return the screen: the verdict first, then why, then the bars and the figures."""
    parts = _one(answers[0], width, latency, quiet=quiet) if single else _many(answers)
    return render(*parts, width=width, color=color)


def _latency_document(latency: FitLatency | None) -> dict[str, object] | None:
    if latency is None or latency.prediction is None:
        return None
    found = {name: getattr(latency.prediction, name) for name in LATENCIES}
    return {name: getattr(latency, name) for name in LOAD} | found


def _latency(latency: FitLatency | None, width: int) -> list[RenderableType]:
    """Draw what an answer's time goes to when as much runs as was asked for."""
    if latency is None:
        return []
    p = latency.prediction
    if p is None:
        return [Text(f"latency  unknown: {latency.unknown}")]
    load = f"{count(latency.concurrency)} at once, {count(latency.input_tokens)} tokens in and {count(latency.output_tokens)} out"
    times = f"first token {duration_band(p.ttft_s)}, then {duration_band(p.tpot_s)} each"
    words = Text(f"{times}\n{load}; {p.profile}, {p.grade}")
    return [*latency_lines(p, width=width), Padding(words, (0, 0, 0, LABEL_COLUMNS)), Text()]


def _one(answer: Fit, width: int, latency: FitLatency | None, *, quiet: bool) -> list[RenderableType]:
    verdict, style = ("fits", "good") if answer.fits else ("does not fit", "bad")
    gpus = f"{answer.gpus} × " if answer.gpus > 1 else ""
    head = Text.assemble(
        (f"{answer.model} ", "head"), (verdict, style), f" {gpus}{answer.hardware} ({answer.engine})"
    )
    parts: list[RenderableType] = [head, Text(answer.reason[:1].upper() + answer.reason[1:] + ".")]
    if not answer.fits:
        parts += _cures(answer)
    parts += [Text(), *_bar(answer, width), Text(), *_latency(latency, width), _figures(answer)]
    if not quiet:
        parts += [Text(f"note: {note.message}; {note.cure}", style="warn") for note in answer.notices]
    return parts


def _cures(answer: Fit) -> list[RenderableType]:
    if not answer.changes:
        return [
            Text(
                "No change of flags that was tried, on up to 8 of these devices, makes it fit; use a larger device."
            )
        ]
    table = grid("flags", "then", left=2)
    for change in answer.changes:
        table.add_row(change.flags, change.effect)
    return [Text("\nWhat would make it fit (each computed):", style="head"), Padding(table, (0, 0, 0, 2))]


def _bar(answer: Fit, width: int) -> list[RenderableType]:
    """Draw the fullest GPU. What does not fit runs over its end and is cut there."""
    cells = max(MIN_BAR, min(MAX_BAR, width - 12))
    legend = grid("memory of one GPU" if answer.gpus > 1 else "memory", "", "share")
    drawn = []
    for shade, part in zip(SHADES, answer.parts, strict=False):
        drawn.append((shade, part.bytes))
        legend.add_row(f"{shade} {part.name}", gib(part.bytes), percent(part.bytes / answer.physical_bytes))
    legend.add_row("  physical", gib(answer.physical_bytes), "100.0 %")
    return [Text(f"[{stacked(drawn, answer.physical_bytes, cells)}]"), legend]


def _figures(answer: Fit) -> RenderableType:
    table = grid("", "", left=1)
    table.show_header = False
    share = (
        answer.multi_head_bound_bytes_per_token / answer.kv_bytes_per_token
        if answer.kv_bytes_per_token
        else 0
    )
    rows = (
        ("weights per GPU", f"{gib(answer.weights_bytes_per_gpu)} ({answer.quantization})"),
        ("KV cache per token", f"{count(answer.kv_bytes_per_token)} B"),
        ("  on each GPU", f"{count(answer.kv_bytes_per_token_per_gpu)} B"),
        ("  multi-head rule of thumb", f"{count(answer.multi_head_bound_bytes_per_token)} B ({share:.1f}x)"),
        ("KV pool", f"{count(answer.kv_pool_tokens)} tokens"),
        ("longest context", f"{count(answer.max_context_tokens)} tokens"),
        (f"at once with {count(answer.context_tokens)} tokens", f"{count(answer.max_concurrency)} sequences"),
        ("grade", answer.grade),
    )
    for row in rows:
        table.add_row(*row)
    return table


def _many(answers: Sequence[Fit]) -> list[RenderableType]:
    """List the devices; weights that are the same on all of them are said once."""
    first = answers[0]
    fitting = sum(answer.fits for answer in answers)
    asked = f"{first.concurrency:,} × {first.context_tokens:,} tokens"
    same = len({(answer.weights_bytes_per_gpu, answer.quantization) for answer in answers}) == 1
    weights = LIST_COLUMNS.index("weights")
    shown = [place for place in range(len(LIST_COLUMNS)) if not (same and place == weights)]
    table = grid(*(LIST_COLUMNS[place] for place in shown), left=2)
    table.columns[1].no_wrap = same  # then there is room for the longest name
    for answer in answers[: fitting + SHOWN_MISSES]:
        cells = _cells(answer)
        table.add_row(*(cells[place] for place in shown), style=None if answer.fits else "dim")
    left_out = len(answers) - fitting - SHOWN_MISSES
    head = Text(
        f"{first.model} with {asked} fits {fitting} of {len(answers)} devices ({first.engine})", style="head"
    )
    parts: list[RenderableType] = [head]
    if same:
        parts.append(
            Text(f"weights of {gib(first.weights_bytes_per_gpu, 1)} on each GPU, {first.quantization}")
        )
    parts += [Text(), table]
    if left_out > 0:
        more = f"and {left_out} that are further off, all in --format json; --gpu NAME says what would make one fit"
        parts.append(Text(more, style="dim"))
    return parts


def _cells(answer: Fit) -> tuple[str, ...]:
    gpus = f"{answer.gpus} × " if answer.gpus > 1 else ""
    first = ("yes" if answer.fits else "no", f"{gpus}{answer.hardware}", gib(answer.weights_bytes_per_gpu, 1))
    if not answer.fits:
        return (*first, "–", "–", "–", "–", gib(answer.shortage_bytes, 1) if answer.shortage_bytes else "–")
    return (
        *first,
        gib(answer.kv_pool_bytes_per_gpu, 1),
        count(answer.kv_pool_tokens),
        count(answer.max_context_tokens),
        count(answer.max_concurrency),
        "",
    )
