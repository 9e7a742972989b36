"""``planner bench compare``: read two runs, compare, show."""

from __future__ import annotations

from pathlib import Path

from planner.bench.compare import StoredRun, compare_runs, is_regression
from planner.bench.records import read_manifest, read_records
from planner.cli.options import Format, emit, screen_of
from planner.report.bench_compare import (
    compare_csv,
    compare_json,
    compare_markdown,
    compare_table,
    regression_name,
)


def read_run(folder: Path) -> StoredRun:
    """Read a run from its folder."""
    return StoredRun(name=str(folder), manifest=read_manifest(folder), records=read_records(folder))


def compare_folders(
    before: Path,
    after: Path,
    *,
    allowed: tuple[str, ...],
    max_regression_fraction: float,
    form: Format,
    no_color: bool,
) -> bool:
    """Show the comparison of two runs and return whether a metric regressed."""
    changes = compare_runs(read_run(before), read_run(after), allowed=allowed)
    regressions = tuple(
        regression_name(point, change)
        for point in changes
        for change in point.metrics
        if is_regression(change, max_regression_fraction)
    )
    width, color = screen_of("-", no_color=no_color)
    texts = {
        Format.json: lambda: compare_json(changes, regressions),
        Format.csv: lambda: compare_csv(changes),
        Format.md: lambda: compare_markdown(changes, regressions),
        Format.table: lambda: compare_table(changes, regressions, width=width, color=color),
    }
    emit(texts[form](), "-")
    return bool(regressions)
