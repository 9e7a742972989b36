"""The comparison of two runs on the screen, as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
from io import StringIO

from planner.report.bench.verdict import load_text
from planner.report.numbers import duration, percent, rate
from planner.report.plain import plain, to_json
from planner.report.screen import grid, render
from planner.specs.measured.compare import MetricChange, PointChange

COMPARE_SCHEMA = "planner.bench.compare/1"
NAMES = {"ttft_s": "TTFT", "tpot_s": "TPOT", "e2e_s": "E2E", "output_tokens_per_s": "tok/s"}
HEAD = ("load", "mean", "before", "after", "change", "95 % interval", "detectable", "")


def compare_json(changes: tuple[PointChange, ...], regressions: tuple[str, ...]) -> str:
    """Return a comparison as JSON of schema ``planner.bench.compare/1``."""
    return to_json({"schema": COMPARE_SCHEMA, "points": plain(changes), "regressions": list(regressions)})


def _sign(change: MetricChange) -> float:
    return -1.0 if change.metric == "output_tokens_per_s" else 1.0


def _cells(point: PointChange, change: MetricChange, regressions: tuple[str, ...]) -> tuple[str, ...]:
    sign = _sign(change)
    write = rate if change.metric == "output_tokens_per_s" else duration
    low, high = sorted((sign * change.worse_low_fraction, sign * change.worse_high_fraction))
    verdict = "same"
    if change.worse_low_fraction > 0:
        verdict = "REGRESSION" if regression_name(point, change) in regressions else "worse"
    elif change.worse_high_fraction < 0:
        verdict = "better"
    return (
        load_text(point.load),
        NAMES[change.metric],
        write(change.before),
        write(change.after),
        f"{sign * change.worse_fraction * 100:+.1f} %",
        f"{low * 100:+.1f} to {high * 100:+.1f} %",
        percent(change.smallest_detectable_fraction),
        verdict,
    )


def regression_name(point: PointChange, change: MetricChange) -> str:
    """Name a metric of a point."""
    return f"{load_text(point.load)} {NAMES[change.metric]}"


def _rows(changes: tuple[PointChange, ...], regressions: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [_cells(point, change, regressions) for point in changes for change in point.metrics]


def compare_table(
    changes: tuple[PointChange, ...], regressions: tuple[str, ...], *, width: int, color: bool
) -> str:
    """Return a comparison for a screen."""
    table = grid(*HEAD, left=2)
    styles = {"REGRESSION": "bad", "worse": "warn", "better": "good", "same": None}
    for row in _rows(changes, regressions):
        table.add_row(*row, style=styles[row[-1]])
    note = "[dim]detectable: smallest true change that such runs show in 4 of 5 comparisons[/]"
    return render(table, note, width=width, color=color)


def compare_csv(changes: tuple[PointChange, ...]) -> str:
    """Return a comparison as CSV, base units and fractions."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = ("before", "after", "worse_fraction", "worse_low_fraction", "worse_high_fraction")
    writer.writerow(("load", "metric", *names, "smallest_detectable_fraction"))
    for point in changes:
        for change in point.metrics:
            values = [getattr(change, name) for name in (*names, "smallest_detectable_fraction")]
            writer.writerow((load_text(point.load), change.metric, *values))
    return text.getvalue()


def compare_markdown(changes: tuple[PointChange, ...], regressions: tuple[str, ...]) -> str:
    """Return a comparison as a Markdown table."""
    lines = ["| " + " | ".join(HEAD) + " |", "|---|---|" + "---:|" * (len(HEAD) - 2)]
    lines += ["| " + " | ".join(row) + " |" for row in _rows(changes, regressions)]
    return "\n".join(lines) + "\n"
