"""How many replicas, when."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class SizedReplicas:
    """Replicas that serve the peak, those that may be lost, and both together."""

    serving: int
    lost: int
    replicas: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplicaSchedule:
    """Replicas hour by hour: what the traffic needs, what an autoscaler runs, and one fixed number for all."""

    needed: tuple[int, ...]
    autoscaled: tuple[int, ...]
    static: int
    static_replica_hours: float
    autoscaled_replica_hours: float


@dataclass(frozen=True, kw_only=True, slots=True)
class GrowthStep:
    """The month from which so many replicas are needed; month 0 is today."""

    month: int
    replicas: int
