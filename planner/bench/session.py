"""A whole run: open the engine, check the client, measure point after point, keep everything."""

from __future__ import annotations

import asyncio
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from planner import __version__
from planner.bench.commit import git_commit
from planner.bench.load import TraceRow, plan_point, plan_trace
from planner.bench.load_loop import LoadLoop, with_point
from planner.bench.records import RunWriter, build_result, read_facts, read_manifest, read_records
from planner.bench.runner import Control, PointRun, RunnerSettings
from planner.bench.search import ProbeJudge, SearchState
from planner.bench.selfcheck import SelfCheck, self_check
from planner.bench.step_loop import LoopGoal
from planner.bench.telemetry import Telemetry, on_gpus
from planner.engines.base import Engine, EngineOptions
from planner.engines.host import machine_facts
from planner.engines.registry import ENGINES
from planner.specs.host import GpuFacts
from planner.specs.load import LoadPoint, RequestPlan, SloTarget
from planner.specs.measurement import (
    ClientHealth,
    EngineFacts,
    PointFacts,
    RequestRecord,
    RunLabels,
    RunManifest,
    RunResult,
    Setting,
    Verdict,
)

MOST_PROBES = 16
Judge = Callable[[RequestRecord], Verdict | None]
Watch = Callable[[str, int, int], None]  # what is measured, requests ended, requests in all


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchRun:
    """Everything a run is told."""

    engine: str
    options: EngineOptions
    points: tuple[LoadPoint, ...]
    trace: tuple[TraceRow, ...] = ()
    slo: tuple[SloTarget, ...] = ()
    labels: RunLabels = field(default_factory=RunLabels)
    settings: dict[str, Setting] = field(default_factory=dict)
    runner: RunnerSettings = field(default_factory=RunnerSettings)
    gpus: tuple[GpuFacts, ...] = ()
    folder: Path | None = None
    resume: bool = False
    check_client: bool = True
    search: bool = False
    calibration: LoopGoal | None = None
    convention: str = "planner"


class RunState:
    """The records of a run as they come in, on disk where a folder is given."""

    def __init__(self, folder: Path | None) -> None:
        self.writer = RunWriter(folder) if folder is not None else None
        self.records: list[RequestRecord] = []
        self.facts: list[PointFacts] = []

    def begin(self, manifest: RunManifest, *, resume: bool) -> None:
        """Write the manifest; with ``resume`` read what is there."""
        if self.writer is None:
            return
        if resume:
            self.records += read_records(self.writer.folder)
            self.facts += read_facts(self.writer.folder)
        self.writer.begin(manifest, resume=resume)

    def update(self, manifest: RunManifest) -> None:
        """Keep a manifest that has grown."""
        if self.writer is not None:
            self.writer.update(manifest)

    def take(self, record: RequestRecord) -> None:
        """Keep one record."""
        self.records.append(record)
        if self.writer is not None:
            self.writer.add(record)

    def end_point(self, facts: PointFacts) -> None:
        """Keep what is known of a point that ended."""
        self.facts.append(facts)
        if self.writer is not None:
            self.writer.end_point(facts)


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
            watch("self-check", 0, 0)
            check = await self_check() if run.check_client else None
            if control.draining:  # Ctrl-C before the first request: there is nothing to report
                raise KeyboardInterrupt
            ladder = Ladder(run, engine, state, control, watch, telemetry)
            manifest = await ladder.measure(manifest, check)
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


class Ladder:
    """The points of a run, measured one after the other until one stops."""

    def __init__(
        self,
        run: BenchRun,
        engine: Engine,
        state: RunState,
        control: Control,
        watch: Watch,
        telemetry: Telemetry,
    ) -> None:
        self._run = run
        self._engine = engine
        self._state = state
        self._control = control
        self._watch = watch
        self._telemetry = telemetry
        self._session = 1 + max((record.session for record in state.records), default=-1)

    async def measure(self, manifest: RunManifest, check: SelfCheck | None) -> RunManifest:
        """Measure as the run was told: a search, a calibration, or the points that are planned."""
        if self._run.search:
            return await self.search(manifest, check)
        if self._run.calibration is not None:
            return await self.calibrate(manifest, check, self._run.calibration)
        return await self.climb(manifest, check)

    async def calibrate(self, manifest: RunManifest, check: SelfCheck | None, goal: LoopGoal) -> RunManifest:
        """Measure loads until the fit is proven on those held out, or the budget ends."""
        end_s = time.monotonic() + goal.budget_s
        loop = LoadLoop(
            goal.error_fraction,
            longest_tokens=manifest.engine.max_model_len_tokens,
            seed=self._run.options.seed,
        )
        while time.monotonic() < end_s:
            point = loop.next_point(self._state.records, manifest)
            if point is None:
                break
            number = len(manifest.points)
            manifest = with_point(manifest, point, loop)
            self._state.update(manifest)
            name = f"load {number + 1}, {load_name(point)}"
            facts = await self._measure(number, point, name, _health(check), None)
            if facts.stopped is not None:
                break
        return manifest

    async def climb(self, manifest: RunManifest, check: SelfCheck | None) -> RunManifest:
        """Measure what has not been measured yet."""
        done = {facts.point for facts in self._state.facts if facts.stopped is None}
        for number, point in enumerate(manifest.points):
            if number in done or self._control.draining:
                continue
            name = f"point {number + 1}/{len(manifest.points)}, {load_name(point)}"
            facts = await self._measure(number, point, name, _health(check), None)
            if facts.stopped is not None:
                break
        return manifest

    async def search(self, manifest: RunManifest, check: SelfCheck | None) -> RunManifest:
        """Probe rate after rate until the highest one that holds the limits is known."""
        first = manifest.points[0]
        start = first.rate_requests_per_s or 1.0
        state = SearchState()
        points: tuple[LoadPoint, ...] = ()
        while len(points) < MOST_PROBES and (rate := state.next_rate(start)) is not None:
            number = len(points)
            points = (*points, replace(first, rate_requests_per_s=rate, seed=first.seed + number))
            manifest = replace(manifest, points=points)
            self._state.update(manifest)
            name = f"probe {number + 1}, {load_name(points[-1])}"
            judge = ProbeJudge(manifest.slo).add
            facts = await self._measure(number, points[-1], name, _health(check), judge)
            if facts.stopped in {"interrupted", "server-died"}:
                break
            state = state.after(rate, facts.verdict or "open")
        return manifest

    async def _measure(
        self, number: int, point: LoadPoint, name: str, health: ClientHealth, judge: Judge | None
    ) -> PointFacts:
        plans = plan_requests(point, self._run.trace)
        ended = 0

        def take(record: RequestRecord) -> None:
            nonlocal ended
            ended += 1
            self._state.take(record)
            self._watch(name, ended, len(plans))

        self._watch(name, 0, len(plans))
        point_run = PointRun(
            self._engine,
            point,
            plans,
            number=number,
            session=self._session,
            take=take,
            control=self._control,
            settings=self._run.runner,
            judge=judge,
        )
        facts = self._telemetry.added_to(await point_run.run(health))
        self._state.end_point(facts)
        return facts


def _health(check: SelfCheck | None) -> ClientHealth:
    if check is None:
        return ClientHealth()
    return ClientHealth(ceiling_tokens_per_s=check.ceiling_tokens_per_s, ttft_error_s=check.ttft_error_s)


def plan_requests(point: LoadPoint, trace: tuple[TraceRow, ...]) -> tuple[RequestPlan, ...]:
    """Return the requests of a point, drawn from its own seed."""
    if point.kind == "trace":
        return plan_trace(point, trace)
    return plan_point(point, np.random.default_rng(point.seed))


def load_name(point: LoadPoint) -> str:
    """Name a load in a few words."""
    if point.kind == "closed":
        return f"concurrency {point.concurrency}"
    if point.rate_requests_per_s is None:
        return point.kind
    return f"{point.kind} {point.rate_requests_per_s:g}/s"
