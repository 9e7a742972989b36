"""The points of a run, one after the other: a ladder, a search for the highest rate, or a calibration."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import numpy as np

from planner.bench.load import TraceRow, plan_point, plan_trace
from planner.bench.load_loop import LoadLoop, with_point
from planner.bench.run import BenchRun, Judge, RunState, Watch
from planner.bench.runner import Control, PointRun
from planner.bench.search import ProbeJudge, SearchState
from planner.bench.step_loop import LoopGoal
from planner.bench.telemetry import Telemetry
from planner.engines.base import Engine
from planner.engines.cpu_use import CpuUse, cpu_use, process_tree_s
from planner.engines.registry import STARTED_HERE
from planner.engines.steadiness import disturbance_of
from planner.specs.measured.load import LoadPoint, RequestPlan
from planner.specs.measured.measurement import (
    PointFacts,
    RequestRecord,
    RunManifest,
)

MOST_PROBES = 16


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

    async def measure(self, manifest: RunManifest) -> RunManifest:
        """Measure as the run was told: a search, a calibration, or the points that are planned."""
        if self._run.search:
            return await self.search(manifest)
        if self._run.calibration is not None:
            return await self.calibrate(manifest, self._run.calibration)
        return await self.climb(manifest)

    async def calibrate(self, manifest: RunManifest, goal: LoopGoal) -> RunManifest:
        """Measure loads until the fit is proven on those held out, or the budget ends."""
        end_s = time.monotonic() + goal.budget_s
        loop = LoadLoop(
            goal.error_fraction,
            manifest,
            longest_tokens=manifest.engine.max_model_len_tokens,
            seed=self._run.options.seed,
        )
        while time.monotonic() < end_s:
            point = loop.next_point(self._state.records, manifest, self._state.facts)
            if point is None:
                break
            number = len(manifest.points)
            manifest = with_point(manifest, point, loop)
            self._state.update(manifest)
            name = f"[{number + 1}] {loop.role}, {load_name(point)}"
            facts = await self._measure(number, point, name, None)
            if facts.stopped is not None:
                break
        return manifest

    async def climb(self, manifest: RunManifest) -> RunManifest:
        """Measure what has not been measured yet."""
        done = {facts.point for facts in self._state.facts if facts.stopped is None}
        for number, point in enumerate(manifest.points):
            if number in done or self._control.draining:
                continue
            name = f"point {number + 1}/{len(manifest.points)}, {load_name(point)}"
            facts = await self._measure(number, point, name, None)
            if facts.stopped is not None:
                break
        return manifest

    async def search(self, manifest: RunManifest) -> RunManifest:
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
            facts = await self._measure(number, points[-1], name, judge)
            if facts.stopped in {"interrupted", "server-died"}:
                break
            state = state.after(rate, facts.verdict or "open")
        return manifest

    async def _measure(self, number: int, point: LoadPoint, name: str, judge: Judge | None) -> PointFacts:
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
        with cpu_use(process_tree_s) as use:
            facts = await point_run.run()
        facts = self._telemetry.added_to(beside(facts, use, ours=self._run.engine in STARTED_HERE))
        self._state.end_point(facts)
        return facts


def beside(facts: PointFacts, use: CpuUse, *, ours: bool) -> PointFacts:
    """Return what is known of a point with what else used the machine; a server that is not ``ours`` may be part of it."""
    found = disturbance_of(
        wall_s=use.wall_s,
        own_s=use.own_s,
        busy_s=use.busy_s,
        steal_s=use.steal_s,
        cpus=os.cpu_count() or 1,
    )
    health = replace(
        facts.health,
        foreign_fraction=found.foreign_fraction if ours else None,
        steal_fraction=found.steal_fraction,
    )
    return replace(facts, health=health)


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
