"""What a replica does under load: results of the serving model."""

from __future__ import annotations

from typing import Literal

from planner.records import dataclass
from planner.specs.base import Grade, Notice, Quantity
from planner.units import MeanCount

CapacityBound = Literal["TTFT limit", "TPOT limit", "e2e limit", "KV pool", "max_num_seqs"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Latency:
    """95th percentiles of a replica at one load."""

    ttft_s: Quantity
    tpot_s: Quantity
    e2e_s: Quantity


@dataclass(frozen=True, kw_only=True, slots=True)
class Capacity:
    """The most that one replica serves while every 95th percentile holds its limit."""

    requests_per_s: Quantity
    """0 when not even a lonely request holds the limits; then ``reason`` says which and by how much."""
    in_flight: MeanCount
    limited_by: CapacityBound
    reason: str
    profile: str
    grade: Grade
    notices: tuple[Notice, ...] = ()
