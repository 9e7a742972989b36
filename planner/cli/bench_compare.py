"""``planner bench compare``: read two runs, or measure two servers by turns; compare, show."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

from planner.bench.compare import StoredRun, compare_rounds, compare_runs, is_regression
from planner.bench.interleave import measure_by_turns
from planner.bench.load import ramp_requests
from planner.bench.records import read_manifest, read_records
from planner.bench.run import BenchRun
from planner.cli.bench_options import Arrival, Given
from planner.cli.bench_progress import progress
from planner.cli.bench_run import SEED_BITS, bench_run
from planner.cli.options import Format, emit, screen_of
from planner.errors import UsageError
from planner.report.bench.compare import (
    compare_csv,
    compare_json,
    compare_markdown,
    compare_table,
    regression_name,
)
from planner.specs.measured.compare import PointChange
from planner.specs.measured.load import LoadPoint

WEB = ("http://", "https://")
LEAST_REQUESTS = 4  # of a round, after its ramp
# what a run needs to know that comparing does not ask for
DEFAULTS: Given = {
    "engine": "openai",
    "synthetic": None,
    "endpoint": "auto",
    "arrival": Arrival.poisson,
    "burstiness": 1.0,
    "start_rate": 0.1,
    "trace": None,
    "ramp": None,
    "shared_prefix": 0,
    "slo": None,
    "find_max_rate": False,
    "output": None,
    "resume": False,
    "rate_limit": "count",
    "timeout_first_token": 300.0,
    "timeout_idle": 60.0,
    "max_error_fraction": 0.5,
    "calibrate": False,
    "self_check": False,
    "engine_args": "",
    "provider": "self_hosted",
    "feature": None,
    "user": None,
    "metric_convention": "planner",
}


def read_run(folder: Path) -> StoredRun:
    """Read a run from its folder."""
    return StoredRun(name=str(folder), manifest=read_manifest(folder), records=read_records(folder))


def changes_between(
    before: str, after: str, allowed: tuple[str, ...], given: Given
) -> tuple[PointChange, ...]:
    """Compare two folders, or two URLs that are measured now.

    Raises
    ------
    UsageError
        If one is a folder and the other a URL, or the runs are unlike.
    """
    live = [name.startswith(WEB) for name in (before, after)]
    if not any(live):
        return compare_runs(read_run(Path(before)), read_run(Path(after)), allowed=allowed)
    if not all(live):
        raise UsageError(f"{before} and {after} cannot be compared", cure="give two folders, or two URLs")
    seed = given["seed"] if given["seed"] is not None else secrets.randbits(SEED_BITS)
    runs = [
        _by_turns(bench_run(DEFAULTS | given | {"url": url, "seed": seed}), given["rounds"])
        for url in (before, after)
    ]
    with progress(quiet=given["quiet"]) as watch:
        measured = measure_by_turns(runs[0], runs[1], rounds=given["rounds"], watch=watch)
    return compare_rounds(*measured, allowed=allowed)


def _by_turns(run: BenchRun, rounds: int) -> BenchRun:
    return replace(run, points=tuple(_short(point, rounds) for point in run.points))


def _short(point: LoadPoint, rounds: int) -> LoadPoint:
    """Return the point with one round's share of its requests."""
    slots = point.concurrency if point.kind == "closed" else None
    share = max(-(-point.requests // rounds), (slots or 0) + LEAST_REQUESTS)
    return replace(point, requests=share, ramp_requests=ramp_requests(share, slots))


def show_changes(
    changes: tuple[PointChange, ...], *, max_regression_fraction: float, form: Format, no_color: bool
) -> bool:
    """Show a comparison and return whether a metric regressed."""
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
