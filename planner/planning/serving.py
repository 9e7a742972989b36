"""How fast a replica serves, and how much: the datasheet's answer, which a fitted model replaces later."""

from __future__ import annotations

from dataclasses import dataclass

from planner.errors import UsageError
from planner.planning.engine_rates import (
    TPOT_P95_RATIO,
    TTFT_HIGH_RATIO,
    TTFT_LOW_RATIO,
    TTFT_P95_RATIO,
)
from planner.planning.serving_step import (
    Replica,
    StepTime,
    prompt_attention_s,
    prompt_chunks,
    replica,
    step_time,
)
from planner.specs.base import Quantity
from planner.specs.hardware import HardwareSpec
from planner.specs.model import ModelSpec
from planner.specs.serving import Capacity, CapacityBound, ServingPoint, StepBound
from planner.units import MS_PER_S

HALF = 0.5
SEARCH_STEPS = 40  # halvings: more than the digits that a concurrency has
BUSIEST_FRACTION = 0.95  # the wait for other prompts is computed up to this share of time spent on prompts


def serving_point(
    model: ModelSpec,
    hardware: HardwareSpec,
    *,
    engine: str,
    tensor_parallel: int,
    quantization: str,
    kv_dtype: str = "auto",
    input_tokens: float,
    output_tokens: float,
    concurrency: float,
) -> ServingPoint:
    """Return latency and throughput of one replica in the steady state at a concurrency.

    Raises
    ------
    UsageError
        When a name is unknown, a count is below 1, or the configuration cannot run.
    DataError
        When the hardware book lacks a rate.
    """
    served = replica(
        model,
        hardware,
        engine=engine,
        tensor_parallel=tensor_parallel,
        quantization=quantization,
        kv_dtype=kv_dtype,
    )
    return _point(served, _load(input_tokens, output_tokens, concurrency))


def capacity(
    model: ModelSpec,
    hardware: HardwareSpec,
    *,
    engine: str,
    tensor_parallel: int,
    quantization: str,
    kv_dtype: str = "auto",
    input_tokens: float,
    output_tokens: float,
    ttft_limit_s: float | None = None,
    tpot_limit_s: float | None = None,
    e2e_limit_s: float | None = None,
    max_concurrency: float,
) -> Capacity:
    """Return the most that one replica serves while the 95th percentiles hold their limits.

    ``max_concurrency`` is what the KV pool holds.

    Raises
    ------
    UsageError
        As :func:`serving_point`.
    DataError
        When the hardware book lacks a rate.
    """
    served = replica(
        model,
        hardware,
        engine=engine,
        tensor_parallel=tensor_parallel,
        quantization=quantization,
        kv_dtype=kv_dtype,
    )
    _load(input_tokens, output_tokens, max_concurrency)
    limits = _Limits(ttft_s=ttft_limit_s, tpot_s=tpot_limit_s, e2e_s=e2e_limit_s)
    return _capacity(served, limits, input_tokens, output_tokens, max_concurrency)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Load:
    input_tokens: float
    output_tokens: float
    concurrency: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Limits:
    ttft_s: float | None
    tpot_s: float | None
    e2e_s: float | None

    def broken(self, point: ServingPoint) -> tuple[CapacityBound, float, float] | None:
        """Return the first limit that a point breaks: its name, what is predicted, what is allowed [s]."""
        checks: tuple[tuple[CapacityBound, float | None, Quantity], ...] = (
            ("ttft limit", self.ttft_s, point.ttft_p95_s),
            ("tpot limit", self.tpot_s, point.tpot_p95_s),
            ("e2e limit", self.e2e_s, point.e2e_p95_s),
        )
        for name, limit, predicted in checks:
            if limit is not None and predicted.value > limit:
                return name, predicted.value, limit
        return None


def _load(input_tokens: float, output_tokens: float, concurrency: float) -> _Load:
    for name, value in (("input tokens", input_tokens), ("output tokens", output_tokens)):
        if value < 1:
            raise UsageError(f"{name} must be at least 1, found {value:g}")
    if concurrency < 1:
        raise UsageError(
            f"concurrency must be at least 1, found {concurrency:g}",
            cure="a pool below one sequence does not serve: see `planner fit`",
        )
    return _Load(input_tokens=input_tokens, output_tokens=output_tokens, concurrency=concurrency)


def _point(served: Replica, load: _Load) -> ServingPoint:
    """Chunked prefill: every request stretches the decode steps of all others by its prompt, once in its life.

    With C in progress, C - 1 other prompts pass during one request's decoding, so
    ``tpot = step + (C - 1) · prompt / output_tokens``.
    """
    others = load.concurrency - 1.0
    context = load.input_tokens + load.output_tokens * HALF
    step = step_time(served, sequences=load.concurrency, context_tokens=context)
    prompt_s, chunks = _prompt(served, load, step)
    tpot = step.total_s + others * prompt_s / load.output_tokens
    busy = min(BUSIEST_FRACTION, others * prompt_s / (load.output_tokens * tpot))
    waiting = (step.total_s + busy / (1.0 - busy) * prompt_s) * HALF  # rest of a step, and queued prompts
    ttft = waiting + chunks * step.total_s + prompt_s
    return _quantities(served, load, step, ttft_s=ttft, tpot_s=tpot)


def _prompt(served: Replica, load: _Load, step: StepTime) -> tuple[float, int]:
    """Return what one prompt adds to the decode steps that carry it [s], and how many of them there are."""
    context = load.input_tokens + load.output_tokens * HALF
    chunks = prompt_chunks(served, input_tokens=load.input_tokens, sequences=load.concurrency)
    mixed = step_time(
        served,
        sequences=load.concurrency,
        context_tokens=context,
        prompt_tokens=load.input_tokens / chunks,
    )
    linear = chunks * (mixed.total_s - step.total_s)
    return linear + prompt_attention_s(served, input_tokens=load.input_tokens), chunks


def _quantities(
    served: Replica, load: _Load, step: StepTime, *, ttft_s: float, tpot_s: float
) -> ServingPoint:
    rates = served.rates
    ttft = _between(ttft_s, TTFT_LOW_RATIO, TTFT_HIGH_RATIO)
    tpot = _between(tpot_s, rates.tpot_low_ratio, rates.tpot_high_ratio)
    e2e = _answer(ttft, tpot, load.output_tokens)
    ttft_p95, tpot_p95 = _times(ttft, TTFT_P95_RATIO), _times(tpot, TPOT_P95_RATIO)
    requests = Quantity(
        value=load.concurrency / e2e.value,
        low=load.concurrency / e2e.high,
        high=load.concurrency / e2e.low,
        grade="datasheet",
    )
    return ServingPoint(
        concurrency=load.concurrency,
        ttft_s=ttft,
        ttft_p95_s=ttft_p95,
        tpot_s=tpot,
        tpot_p95_s=tpot_p95,
        e2e_s=e2e,
        e2e_p95_s=_answer(ttft_p95, tpot_p95, load.output_tokens),
        requests_per_s=requests,
        output_tokens_per_s=_times(requests, load.output_tokens),
        bound_by=_bound(step),
    )


def _bound(step: StepTime) -> StepBound:
    """Return the largest part of a decode step."""
    arithmetic = step.linear_s if step.compute_bound else 0.0
    parts: dict[StepBound, float] = {
        "bandwidth": step.linear_s - arithmetic + step.attention_s,
        "compute": arithmetic,
        "communication": step.all_reduce_s,
        "overhead": step.overhead_s,
    }
    return max(parts, key=lambda name: parts[name])


def _capacity(
    served: Replica, limits: _Limits, input_tokens: float, output_tokens: float, max_concurrency: float
) -> Capacity:
    def at(concurrency: float) -> ServingPoint:
        return _point(served, _load(input_tokens, output_tokens, concurrency))

    ceiling = min(max_concurrency, float(served.max_sequences))
    first, last = at(1.0), at(ceiling)
    if missed := limits.broken(first):
        return _none(first, missed)
    if (missed := limits.broken(last)) is None:
        bound: CapacityBound = "KV pool" if ceiling < served.max_sequences else "max_num_seqs"
        return _some(last, bound, f"{bound} ends at {ceiling:.1f} requests in progress")
    low, high = 1.0, ceiling
    for _ in range(SEARCH_STEPS):
        middle = (low + high) * HALF
        found = limits.broken(at(middle))
        low, high, missed = (middle, high, missed) if found is None else (low, middle, found)
    return _some(at(low), missed[0], f"{missed[0]} of {_time_text(missed[2])} (p95) is reached")


def _some(point: ServingPoint, bound: CapacityBound, reason: str) -> Capacity:
    return Capacity(
        concurrency=point.concurrency,
        requests_per_s=point.requests_per_s,
        output_tokens_per_s=point.output_tokens_per_s,
        point=point,
        limited_by=bound,
        reason=reason,
    )


def _none(point: ServingPoint, missed: tuple[CapacityBound, float, float]) -> Capacity:
    name, predicted, limit = missed
    nothing = Quantity(value=0.0, low=0.0, high=point.requests_per_s.high, grade="datasheet")
    return Capacity(
        concurrency=0.0,
        requests_per_s=nothing,
        output_tokens_per_s=nothing,
        point=point,
        limited_by=name,
        reason=f"a single request takes {_time_text(predicted)} at p95, {name} is {_time_text(limit)}",
    )


def _answer(ttft: Quantity, tpot: Quantity, output_tokens: float) -> Quantity:
    """First token and the steps after it."""
    steps = output_tokens - 1.0
    return Quantity(
        value=ttft.value + steps * tpot.value,
        low=ttft.low + steps * tpot.low,
        high=ttft.high + steps * tpot.high,
        grade="datasheet",
    )


def _between(value: float, low_ratio: float, high_ratio: float) -> Quantity:
    return Quantity(value=value, low=value * low_ratio, high=value * high_ratio, grade="datasheet")


def _times(quantity: Quantity, factor: float) -> Quantity:
    return Quantity(
        value=quantity.value * factor,
        low=quantity.low * factor,
        high=quantity.high * factor,
        grade=quantity.grade,
    )


def _time_text(time_s: float) -> str:
    """Write a time in seconds, or in milliseconds below one second."""
    return f"{time_s:,.4g} s" if time_s >= 1 else f"{time_s * MS_PER_S:.4g} ms"
