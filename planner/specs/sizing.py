"""How many replicas, when."""

from __future__ import annotations

from planner.records import dataclass
from planner.units import Count


@dataclass(frozen=True, kw_only=True, slots=True)
class SizedReplicas:
    """Replicas that serve the peak, those that may be lost, and both together."""

    serving: Count
    lost: Count
    replicas: Count
