"""What a measurement asks of an engine: the load of one point, and the single requests it is made of."""

from __future__ import annotations

from typing import Literal

from planner.records import dataclass
from planner.units import Count, Ratio

LoadKind = Literal["closed", "constant", "poisson", "gamma", "ramp", "trace"]
"""How requests are released: a fixed number in flight (closed), or at scheduled times (all others)."""

Phase = Literal["ramp", "steady"]
"""``ramp`` requests fill the engine: they are counted and kept, but stay out of the latency statistics."""

# settings of a calibration's manifest: which of its load points prove the fit, and which tell the host's speed
HELD_OUT_SETTING = "held_out_points"
REFERENCE_SETTING = "reference_points"

SloMetric = Literal["ttft_s", "tpot_s", "itl_s", "e2e_s"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenLengths:
    """Lengths that requests draw from: ``values`` with ``weights``; one value means a fixed length."""

    values: tuple[int, ...]
    weights: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SloTarget:
    """One promise: the percentile ``fraction`` of ``metric`` stays at or under ``limit_s``."""

    metric: SloMetric
    fraction: float
    limit_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadPoint:
    """The load of one measured point.

    ``concurrency`` is the number in flight of a closed loop, and the cap (``None``: no cap) of an open one.
    ``rate_requests_per_s`` belongs to the open kinds; a ramp rises to it from ``start_rate_requests_per_s``.
    ``ramp_requests`` of the ``requests`` come first and only fill the engine.
    """

    kind: LoadKind
    requests: Count
    input_tokens: TokenLengths
    output_tokens: TokenLengths
    concurrency: Count | None = None
    rate_requests_per_s: float | None = None
    start_rate_requests_per_s: float | None = None
    burstiness: Ratio = 1.0
    ramp_requests: Count = 0
    shared_prefix_tokens: int = 0
    seed: Count = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestPlan:
    """One request before it is sent. ``offset_s`` counts from the start of the point; ``None`` in a closed loop."""

    index: Count
    phase: Phase
    input_tokens: int
    output_tokens: int
    prompt_seed: Count
    offset_s: float | None = None
    shared_prefix_tokens: int = 0
