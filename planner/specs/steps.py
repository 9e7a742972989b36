"""Steps of an engine, measured one by one: how long each took, and whether to believe it."""

from __future__ import annotations

from dataclasses import dataclass, field

from planner.specs.measurement import EngineFacts, MachineFacts, Setting
from planner.specs.step_point import StepPoint
from planner.units import Count

STEPS_SCHEMA = "planner.steps/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Disturbance:
    """What else the machine did while a point was measured, as fractions of all its CPU time."""

    foreign_fraction: float | None = None
    steal_fraction: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StepSamples:
    """The times of one point [s], in the order they were taken, and the reasons not to trust them (none: steady).

    Points that are ``held_out`` prove a fit and are never in it.
    """

    point: StepPoint
    times_s: tuple[float, ...]
    disturbance: Disturbance = field(default_factory=Disturbance)
    unsteady: tuple[str, ...] = ()
    attempts: Count = 1
    held_out: bool = False


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
