"""From the load of a point to its single requests. Pure: the random generator is passed in."""

from __future__ import annotations

import numpy as np

from planner.records import dataclass
from planner.specs.measured.load import LoadPoint, RequestPlan, TokenLengths
from planner.units import FloatArray

RAMP_NEEDS = 3  # requests per slot from which on the first of each slot can be spared (chosen)
SEEDS_PER_POINT = 1_000_003


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceRow:
    """One request of a recorded trace."""

    offset_s: float
    input_tokens: int
    output_tokens: int


def ramp_requests(requests: int, concurrency: int | None) -> int:
    """Return how many of the first requests only fill the engine: one per slot, if enough others follow. [requests]"""
    slots = concurrency if concurrency is not None else max(1, requests // 10)
    return slots if requests >= RAMP_NEEDS * slots else 0


def plan_point(point: LoadPoint, rng: np.random.Generator) -> tuple[RequestPlan, ...]:
    """Return the requests of a point in the order in which they are sent."""
    offsets = _offsets_s(point, rng)
    inputs = _lengths(point.input_tokens, point.requests, rng)
    outputs = _lengths(point.output_tokens, point.requests, rng)
    return tuple(
        RequestPlan(
            index=index,
            phase="ramp" if index < point.ramp_requests else "steady",
            input_tokens=inputs[index],
            output_tokens=outputs[index],
            prompt_seed=point.seed * SEEDS_PER_POINT + index,
            offset_s=None if offsets is None else float(offsets[index]),
            shared_prefix_tokens=point.shared_prefix_tokens,
        )
        for index in range(point.requests)
    )


def plan_trace(point: LoadPoint, rows: tuple[TraceRow, ...]) -> tuple[RequestPlan, ...]:
    """Return the requests of a recorded trace, from its first request on."""
    start_s = rows[0].offset_s if rows else 0.0
    return tuple(
        RequestPlan(
            index=index,
            phase="ramp" if index < point.ramp_requests else "steady",
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
            prompt_seed=point.seed * SEEDS_PER_POINT + index,
            offset_s=row.offset_s - start_s,
            shared_prefix_tokens=point.shared_prefix_tokens,
        )
        for index, row in enumerate(rows)
    )


def _lengths(lengths: TokenLengths, count: int, rng: np.random.Generator) -> list[int]:
    """Return a length for each request: by weight, or each as often as the others, in random order.

    MLPerf's LoadGen issues its samples equally often too: what runs differ in is then not the mix of lengths.
    """
    if len(lengths.values) == 1:
        return [lengths.values[0]] * count
    if not lengths.weights:
        return [int(value) for value in rng.permutation(np.resize(rng.permutation(lengths.values), count))]
    weights = np.array(lengths.weights)
    return [int(value) for value in rng.choice(lengths.values, count, p=weights / weights.sum())]


def _offsets_s(point: LoadPoint, rng: np.random.Generator) -> FloatArray | None:
    rate = point.rate_requests_per_s
    if point.kind == "closed" or rate is None:
        return None
    if point.kind == "ramp":
        return _ramp_offsets_s(point.requests, point.start_rate_requests_per_s or 0.0, rate)
    if point.kind == "constant":
        return np.arange(point.requests) / rate
    spread = point.burstiness if point.kind == "gamma" else 1.0
    gaps = rng.gamma(1 / spread, spread / rate, point.requests)
    gaps[0] = 0.0
    return np.cumsum(gaps)


def _ramp_offsets_s(count: int, start: float, end: float) -> FloatArray:
    """Return the times at which a linearly rising rate has released 0, 1, 2 … requests. [s]"""
    duration_s = 2 * count / (start + end)
    slope = (end - start) / duration_s
    released = np.arange(count, dtype=float)
    if slope == 0:
        return released / start
    offsets: FloatArray = (-start + np.sqrt(start**2 + 2 * slope * released)) / slope
    return offsets
