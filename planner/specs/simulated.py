"""A simulated replica: what it is made of, and what its requests saw."""

from __future__ import annotations

from planner.records import dataclass
from planner.specs.base import Grade, Notice
from planner.specs.simulation import EngineLimits, SimulatedRequests
from planner.units import Count


@dataclass(frozen=True, kw_only=True, slots=True)
class LatencyPoints:
    """Mean and percentiles over the served requests [s]."""

    mean: float
    p50: float
    p90: float
    p95: float
    p99: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplicaSimulation:
    """One replica under one stream of requests."""

    model: str
    hardware: str
    gpus: Count
    profile: str
    grade: Grade
    limits: EngineLimits
    requests: SimulatedRequests
    ttft_s: LatencyPoints
    tpot_s: LatencyPoints
    e2e_s: LatencyPoints
    queue_s: LatencyPoints
    notices: tuple[Notice, ...]
