"""A simulated replica: what it is made of, and what its requests saw."""

from __future__ import annotations

import math

from planner.records import dataclass
from planner.specs.answers.simulation import EngineLimits, SimulatedRequests
from planner.specs.base import Grade, Notice
from planner.units import Count, Seconds

LEAST_BACKLOG = 10  #: so many may wait at any moment
BACKLOG_FRACTION = (
    0.05  #: chosen: more of the run's requests waiting at its end than this, and the queue grows
)


@dataclass(frozen=True, kw_only=True, slots=True)
class LatencyPoints:
    """Mean and percentiles over the served requests."""

    mean: Seconds
    p50: Seconds
    p90: Seconds
    p95: Seconds
    p99: Seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class PeakShare:
    """Where a simulated replica comes from: the machines of a scenario, and how many of them share its peak."""

    peak_requests_per_s: float
    serving_replicas: Count
    machines: str | None
    """The estimate's own, cheapest machines; ``None`` where flags alone say what serves."""
    replicas: Count | None = None
    """Those that the estimate runs, one that may be lost among them."""
    refused: tuple[str, ...] = ()
    """What the estimate has against them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplicaSimulation:
    """One replica under one stream of requests."""

    model: str
    hardware: str
    gpus: Count
    quantization: str
    profile: str
    grade: Grade
    limits: EngineLimits
    requests: SimulatedRequests
    ttft_s: LatencyPoints
    tpot_s: LatencyPoints
    e2e_s: LatencyPoints
    queue_s: LatencyPoints
    notices: tuple[Notice, ...]
    share: PeakShare | None = None

    @property
    def offered_requests_per_s(self) -> float:
        """Requests that arrive a second, between the first and the last; NaN for requests that all come at once."""
        arrival_s = self.requests.arrival_s
        span_s = float(arrival_s.max() - arrival_s.min())
        return (arrival_s.size - 1) / span_s if span_s > 0 else math.nan

    @property
    def backlog(self) -> int:
        """Requests that still wait when the last one arrives."""
        last_s = self.requests.arrival_s.max()
        return int((self.requests.scheduled_s > last_s).sum())

    @property
    def keeps_up(self) -> bool:
        """Whether no more than a twentieth of the requests wait when the last one arrives."""
        return self.backlog <= max(LEAST_BACKLOG, BACKLOG_FRACTION * self.requests.arrival_s.size)
