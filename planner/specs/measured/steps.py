"""Steps of an engine, measured one by one: how long each took, and whether to believe it."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from planner.records import dataclass
from planner.specs.measured.measurement import EngineFacts, MachineFacts, Setting
from planner.specs.measured.step_point import StepPoint
from planner.units import Count, Ratio

STEPS_SCHEMA = "planner.steps/1"
ReferenceKind = Literal["decode", "prefill"]
"""The two reference steps: one sequence decodes, which waits for memory; a short prompt computes."""
HOST_SCHEMA = "planner.host-speed/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Disturbance:
    """What else the machine did while a point was measured, as fractions of all its CPU time."""

    foreign_fraction: float | None = None
    steal_fraction: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HostSpeed:
    """How long the two reference steps took at one moment: one that waits for memory, one that computes [s]."""

    decode_s: float
    prefill_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeedAround:
    """The host's speed before and after a load."""

    schema: str = HOST_SCHEMA
    before: HostSpeed
    after: HostSpeed


@dataclass(frozen=True, kw_only=True, slots=True)
class StepSamples:
    """The times of one point [s], in the order they were taken, and the reasons not to trust them (none: steady).

    Points that are ``held_out`` prove a fit and are never in it. ``before`` and ``after`` are the host's speed around the
    point, ``None`` where no reference was measured. Steps ``from_streams`` were found between the tokens of a server's
    requests: each of their times is the mean of some steps one after the other, at the middle of their contexts.
    """

    point: StepPoint
    times_s: tuple[float, ...]
    disturbance: Disturbance = field(default_factory=Disturbance)
    unsteady: tuple[str, ...] = ()
    attempts: Count = 1
    held_out: bool = False
    before: HostSpeed | None = None
    after: HostSpeed | None = None
    from_streams: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class StepRun:
    """All points of one engine in one configuration on one machine."""

    schema: str = STEPS_SCHEMA
    started_at: str
    planner_version: str
    machine: MachineFacts
    engine: EngineFacts
    model_bytes: int
    model_parameters: Count
    settings: dict[str, Setting]
    samples: tuple[StepSamples, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeedSeries:
    """How one reference moved over a run.

    ``swing`` is its p90 over its p10, which are ``low_s`` and ``high_s``. ``roughness`` compares neighbours with the whole:
    near 0 for a slow drift, near 2 where every value is drawn anew; only a drift can be taken out, and ``corrected`` says
    that there is one that cannot be chance. ``fence_fraction`` is the change between two neighbours above which one lies
    apart from all the others.
    """

    middle_s: float
    low_s: float
    high_s: float
    swing: Ratio
    roughness: Ratio
    corrected: bool
    fence_fraction: float


@dataclass(frozen=True, kw_only=True, slots=True)
class HostDrift:
    """How the host's speed moved while a run was measured.

    ``together`` is the correlation of the two references; ``None`` where one of them stood still.
    """

    references: Count
    decode: SpeedSeries
    prefill: SpeedSeries
    together: Ratio | None

    def series(self, kind: ReferenceKind) -> SpeedSeries:
        """Return how one of the two references moved."""
        return self.decode if kind == "decode" else self.prefill

    @property
    def corrected(self) -> bool:
        """Tell whether any times were corrected."""
        return self.decode.corrected or self.prefill.corrected
