"""Two servers measured by turns, so that what changes on the machine meanwhile meets both alike."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np

from planner.bench.compare import StoredRun
from planner.bench.ladder import load_name
from planner.bench.load import plan_point
from planner.bench.run import BenchRun, Watch
from planner.bench.runner import Control, PointRun, RunnerSettings
from planner.bench.session import interrupts, new_manifest
from planner.engines.base import Engine
from planner.engines.registry import ENGINES
from planner.errors import EngineError
from planner.specs.measured.load import LoadPoint
from planner.specs.measured.measurement import RequestRecord, RunManifest


class _Side:
    """One of the two: its engine and what it has answered; a round is a session of its own."""

    def __init__(self, run: BenchRun, engine: Engine, manifest: RunManifest) -> None:
        self.run, self.engine, self.manifest = run, engine, manifest
        self.records: list[RequestRecord] = []

    @property
    def stored(self) -> StoredRun:
        return StoredRun(name=str(self.run.options.url), manifest=self.manifest, records=tuple(self.records))


def measure_by_turns(
    before: BenchRun, after: BenchRun, *, rounds: int, watch: Watch
) -> tuple[StoredRun, StoredRun]:
    """Measure every point of both runs in ``rounds`` short turns: A B, B A, A B, and so on.

    Both get the same requests in a round; each round draws its own.

    Raises
    ------
    EngineError
        If a server cannot be reached or dies.
    KeyboardInterrupt
        On Ctrl-C: half a comparison is none.
    """
    return asyncio.run(_measure(before, after, rounds, watch))


async def _measure(
    before: BenchRun, after: BenchRun, rounds: int, watch: Watch
) -> tuple[StoredRun, StoredRun]:
    engines = [ENGINES[run.engine](run.options) for run in (before, after)]
    control = Control()
    try:
        sides = [
            _Side(run, engine, new_manifest(run, await engine.open()))
            for run, engine in zip((before, after), engines, strict=True)
        ]
        with interrupts(control):
            for turn in range(rounds):
                for number, point in enumerate(before.points):
                    name = f"round {turn + 1}/{rounds}, {load_name(point)}"
                    watch(name, turn * len(before.points) + number, rounds * len(before.points))
                    for side in sides if turn % 2 == 0 else reversed(sides):
                        await _turn(side, number, point, turn, control)
    finally:
        for engine in engines:
            await engine.close()
    return sides[0].stored, sides[1].stored


async def _turn(side: _Side, number: int, point: LoadPoint, turn: int, control: Control) -> None:
    drawn = replace(point, seed=point.seed + turn)
    run = PointRun(
        side.engine,
        drawn,
        plan_point(drawn, np.random.default_rng(drawn.seed)),
        number=number,
        session=turn,
        take=side.records.append,
        control=control,
        settings=RunnerSettings(max_error_fraction=side.run.runner.max_error_fraction),
    )
    facts = await run.run()
    if control.draining:
        raise KeyboardInterrupt
    if facts.stopped is not None:
        raise EngineError(
            f"{side.run.options.url} stopped in round {turn + 1}: {facts.stopped}",
            cure="look at the server's log, and compare again",
        )
