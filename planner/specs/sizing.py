"""How many replicas, when."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class SizedReplicas:
    """Replicas that serve the peak, those that may be lost, and both together."""

    serving: int
    lost: int
    replicas: int
