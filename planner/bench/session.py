"""A whole run: open the engine, measure point after point, check the client, keep everything."""

from __future__ import annotations

import asyncio
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from planner import __version__
from planner.bench.commit import git_commit
from planner.bench.ladder import Ladder
from planner.bench.records import build_result, read_manifest
from planner.bench.run import BenchRun, RunState, Watch
from planner.bench.runner import Control
from planner.bench.selfcheck import self_check
from planner.bench.telemetry import Telemetry, on_gpus
from planner.engines.host import machine_facts
from planner.engines.registry import ENGINES
from planner.specs.measured.measurement import (
    EngineFacts,
    RunManifest,
    RunResult,
)


def measure(run: BenchRun, watch: Watch) -> RunResult:
    """Run to the end, or to the first Ctrl-C, and return the result.

    Raises
    ------
    EngineError
        If the engine cannot be reached or the records cannot be written.
    """
    return asyncio.run(_measure(run, watch))


async def _measure(run: BenchRun, watch: Watch) -> RunResult:
    engine = ENGINES[run.engine](run.options)
    state = RunState(run.folder)
    control = Control()
    try:
        facts = on_gpus(await engine.open(), run.gpus)
        manifest = new_manifest(run, facts)
        state.begin(manifest, resume=run.resume)
        with interrupts(control), Telemetry(run.gpus, run.folder) as telemetry:
            manifest = await Ladder(run, engine, state, control, watch, telemetry).measure(manifest)
            if run.check_client and not control.draining:  # at the end: who measures waits for no check
                watch("self-check", 0, 0)
                state.checked(await self_check())
    finally:
        await engine.close()
        if state.writer is not None:
            state.writer.close()
    return build_result(manifest, tuple(state.records), tuple(state.facts), convention=run.convention)


def new_manifest(run: BenchRun, facts: EngineFacts) -> RunManifest:
    """Return what is known of a run before its first request; a resumed run has its own."""
    if run.resume and run.folder is not None:
        return read_manifest(run.folder)
    return RunManifest(
        run_id=uuid.uuid4().hex,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        wall_ns=time.time_ns(),
        perf_ns=time.perf_counter_ns(),
        planner_version=__version__,
        git_commit=git_commit(Path.cwd()),
        machine=machine_facts(),
        engine=facts,
        labels=run.labels,
        points=run.points,
        slo=run.slo,
        settings=run.settings,
    )


@contextmanager
def interrupts(control: Control) -> Iterator[None]:
    """Send Ctrl-C to ``control`` where the platform can."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, control.interrupt)
    loop.add_signal_handler(signal.SIGTERM, control.interrupt)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)
