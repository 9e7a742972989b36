"""What a replica does under load, and whether a model fits: results of the serving model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from planner.specs.base import Quantity

StepBound = Literal["compute", "bandwidth", "communication", "overhead"]
CapacityBound = Literal["ttft limit", "tpot limit", "e2e limit", "KV pool", "max_num_seqs"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ServingPoint:
    """One replica that always has ``concurrency`` requests in progress."""

    concurrency: float
    ttft_s: Quantity
    ttft_p95_s: Quantity
    tpot_s: Quantity
    tpot_p95_s: Quantity
    e2e_s: Quantity
    e2e_p95_s: Quantity
    requests_per_s: Quantity
    output_tokens_per_s: Quantity
    bound_by: StepBound
    """What takes the largest share of a decode step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Capacity:
    """The most that one replica serves within the limits."""

    concurrency: float
    """Requests in progress; 0 when not even one holds the limits, then ``reason`` says which and by how much."""
    requests_per_s: Quantity
    output_tokens_per_s: Quantity
    point: ServingPoint
    """The replica at that concurrency, at 1 when no concurrency holds."""
    limited_by: CapacityBound
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryFit:
    """Whether weights and at least one sequence of the context fit on every device of a replica."""

    fits: bool
    weights_bytes_per_gpu: float
    pool_tokens: float
    """Tokens of cache beside the weights; 0 when the weights alone do not fit."""
    max_concurrency: float
    """Sequences of the asked context that the pool holds at once."""
    reason: str
