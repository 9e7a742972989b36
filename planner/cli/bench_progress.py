"""Progress of ``planner bench`` on a terminal: what is measured, how fast, how long it will take."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from planner.bench.run import Watch
from planner.report.numbers import rate


@contextmanager
def progress(*, quiet: bool) -> Iterator[Watch]:
    """Show what is measured on stderr: a moving line on a terminal, nothing in a pipe."""
    if quiet or not sys.stderr.isatty():
        yield _nothing
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=4) as bar:
        task = bar.add_task("starting", total=None)
        last = 0.0
        started: dict[str, float] = {}

        def watch(name: str, ended: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            since = now - started.setdefault(name, now)
            if ended and ended != total and now - last < 0.25:  # drawing must not disturb the measurement
                return
            last = now
            bar.update(task, description=with_rate(name, ended, since), completed=ended, total=total or None)

        yield watch


def with_rate(name: str, ended: int, since_s: float) -> str:
    """Name what is measured, with the requests that ended in a second so far."""
    return f"{name}, {rate(ended / since_s)} requests/s" if ended and since_s > 0 else name


def _nothing(name: str, ended: int, total: int) -> None:
    """Show nothing."""
