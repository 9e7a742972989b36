"""What a run of ``planner bench`` is told, and what it has so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace
from pathlib import Path

from planner.bench.load import TraceRow
from planner.bench.records import RunWriter, read_facts, read_records
from planner.bench.runner import RunnerSettings
from planner.bench.selfcheck import SelfCheck
from planner.bench.step_loop import LoopGoal
from planner.engines.base import EngineOptions
from planner.records import dataclass
from planner.specs.measured.host import GpuFacts
from planner.specs.measured.load import LoadPoint, SloTarget
from planner.specs.measured.measurement import (
    PointFacts,
    RequestRecord,
    RunLabels,
    RunManifest,
    Setting,
    Verdict,
)

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
        self._before = 0

    def begin(self, manifest: RunManifest, *, resume: bool) -> None:
        """Write the manifest; with ``resume`` read what is there."""
        if self.writer is None:
            return
        if resume:
            self.records += read_records(self.writer.folder)
            self.facts += read_facts(self.writer.folder)
            self._before = len(self.facts)
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

    def checked(self, check: SelfCheck) -> None:
        """Keep what the client can do on this machine beside each point of this session; the last facts count."""
        for facts in tuple(self.facts[self._before :]):
            ceiling, error = check.ceiling_tokens_per_s, check.ttft_error_s
            health = replace(facts.health, ceiling_tokens_per_s=ceiling, ttft_error_s=error)
            self.end_point(replace(facts, health=health))
