"""Predict one configuration under one load: TTFT, TPOT, throughput, what binds, and how sure that is."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import cast

from planner.errors import UsageError
from planner.formulas.step_time import tokens_per_step
from planner.planning.memory.architecture import Architecture
from planner.planning.memory.schemes import supports, weight_scheme
from planner.planning.memory.shortage import unusual_device
from planner.planning.memory.vllm_memory import VllmMemory
from planner.planning.prediction.closed_loop import Savings
from planner.planning.prediction.engine_defaults import (
    RankMemory,
    borrowed_memory,
    cache_type,
    limits_of,
    memory_of,
    rank_memory,
    version_notices,
)
from planner.planning.prediction.profile_choice import ChosenProfile, choose_profile, hardware_class
from planner.planning.prediction.steady_loop import SteadyLoop, bound_of, breakdown_of
from planner.planning.prediction.step_model import Operands, operands
from planner.specs.answers.prediction import Prediction, PredictRequest
from planner.specs.base import Grade, Notice, Quantity
from planner.specs.books.hardware import HardwareSpec
from planner.specs.profiles.memory import EngineMemoryProfile
from planner.specs.profiles.serving import ServingProfile, Spread

__all__ = ["ChosenProfile", "choose_profile", "hardware_class", "operands_of", "predict", "savings_of"]


def predict(
    architecture: Architecture,
    hardware: HardwareSpec,
    request: PredictRequest,
    *,
    profiles: tuple[ServingProfile, ...],
    memory_profile: EngineMemoryProfile,
) -> Prediction:
    """Return the steady state of one replica under a load.

    Raises
    ------
    UsageError
        When the load is not one of concurrency or rate, the version is none, the model does not fit, or the rate
        exceeds saturation.
    DataError
        When there is no profile for the engine.
    """
    check_load(architecture, request)
    _check_engine(hardware, request.engine)
    unpacked = (*unusual_device(request.engine, hardware), *_type_notices(architecture, hardware, request))
    chosen = choose_profile(profiles, engine=request.engine, hardware=hardware)
    versions = version_notices(request, chosen.profile.engine_versions, memory_profile)
    memory = memory_of(architecture, hardware, request, memory_profile)
    rank = rank_memory(architecture, request, memory)
    pool = rank.tokens
    if pool < request.input_tokens + request.output_tokens:
        raise UsageError(
            f"{architecture.model.id} leaves {max(pool, 0):,} tokens of KV cache on {_gpus(request)} × "
            f"{hardware.name}: not one request of {request.input_tokens + request.output_tokens:,.0f} fits",
            cure="use more GPUs or a smaller quantization; planner fit shows which",
        )
    loop = SteadyLoop(
        operand=operands_of(architecture, hardware, request),
        coefficients=chosen.profile.numbers(),
        limits=limits_of(request, memory, pool, separate_prefill=chosen.profile.separate_prefill),
        request=request,
        savings=savings_of(request),
    )
    return _prediction(
        architecture,
        hardware,
        loop,
        replace(chosen, notices=(*unpacked, *versions, *chosen.notices)),
        (memory, rank),
    )


def _check_engine(hardware: HardwareSpec, engine: str) -> None:
    """Refuse a device that an engine is not made for.

    Raises
    ------
    UsageError
        With the engines to use.
    """
    if engine == "tensorrt-llm" and hardware.vendor != "nvidia":
        raise UsageError(
            f"TensorRT-LLM does not run on {hardware.name}", cure="use --engine vllm or --engine sglang"
        )


def _type_notices(
    architecture: Architecture, hardware: HardwareSpec, request: PredictRequest
) -> tuple[Notice, ...]:
    """Say when a device stores a type that it cannot multiply.

    Raises
    ------
    UsageError
        When the engine has no kernel that unpacks it.
    """
    scheme = weight_scheme(request.quantization, model=architecture.model)
    if supports(hardware, scheme) != "weight-only":
        return ()
    message = f"{hardware.name} cannot multiply {scheme.multiplies}"
    if request.engine == "tensorrt-llm":
        raise UsageError(
            f"{message}, which TensorRT-LLM needs for {scheme.name}",
            cure="use --quantization bf16, awq or int8",
        )
    return (
        Notice(
            code="weight-only", message=f"{message}: {scheme.name} weights are unpacked to 16 bits on the way"
        ),
    )


def operands_of(architecture: Architecture, hardware: HardwareSpec, request: PredictRequest) -> Operands:
    """Return the datasheet times of a question's configuration.

    Raises
    ------
    UsageError
        When the ranks do not divide the model, or the device lacks the data type.
    """
    return operands(
        architecture,
        hardware,
        quantization=request.quantization,
        kv_dtype=cache_type(request.engine, request.quantization, request.kv_dtype, model=architecture.model),
        tensor_parallel=request.tensor_parallel,
        pipeline_parallel=request.pipeline_parallel,
        expert_parallel=request.expert_parallel,
        attention_data_parallel=request.attention_data_parallel,
        engine=request.engine,
    )


def savings_of(request: PredictRequest) -> Savings:
    """Return what the prefix cache and speculative decoding spare."""
    return Savings(
        cached_fraction=request.cached_fraction,
        verified_tokens=float(request.draft_tokens + 1),
        tokens_per_step=float(
            tokens_per_step(
                draft_tokens=float(request.draft_tokens), acceptance_fraction=request.acceptance_fraction
            )
        ),
        draft_fraction=request.draft_cost_fraction,
    )


def _gpus(request: PredictRequest) -> int:
    return request.tensor_parallel * request.pipeline_parallel


def check_load(architecture: Architecture, request: PredictRequest) -> None:
    """Refuse a load that makes no sense.

    Raises
    ------
    UsageError
        With what to change.
    """
    if (request.concurrency is None) == (request.requests_per_s is None):
        raise UsageError("give the load once", cure="use either --concurrency or --rate")
    for name in ("input_tokens", "output_tokens", "concurrency", "requests_per_s"):
        value = getattr(request, name)
        if value is not None and not 0 < value < inf:
            raise UsageError(f"{name} must be above 0 and finite, found {value}")
    for name in ("acceptance_fraction", "cached_fraction"):
        if not 0 <= getattr(request, name) < 1:
            raise UsageError(f"{name} must be from 0 to below 1, found {getattr(request, name)}")
    if request.draft_tokens < 0 or request.draft_cost_fraction < 0:
        raise UsageError(
            "drafting costs nothing at least",
            cure="give --draft-tokens and --draft-cost as numbers from 0",
        )
    longest = request.input_tokens + request.output_tokens
    if longest > architecture.model.max_context:
        raise UsageError(
            f"{longest:,.0f} tokens are beyond the context of {architecture.model.id}",
            cure=f"input and output together may be {architecture.model.max_context:,}",
        )


def _prediction(
    architecture: Architecture,
    hardware: HardwareSpec,
    loop: SteadyLoop,
    chosen: ChosenProfile,
    sizes: tuple[VllmMemory, RankMemory],
) -> Prediction:
    request = loop.request
    memory, rank = sizes
    rate = request.requests_per_s
    concurrency = loop.concurrency_of(rate) if rate is not None else cast("float", request.concurrency)
    state = loop.at(concurrency)
    profile, width, grade = chosen.profile, chosen.width, chosen.grade
    borrowed = borrowed_memory(request)

    def quantity(value: object, spread: Spread, *, rate: bool = False) -> Quantity:
        return _interval(float(cast("float", value)), spread, width=width, grade=grade, rate=rate)

    tpot = quantity(state.tpot_s, profile.tpot)
    ttft = quantity(state.ttft_s, profile.ttft)
    steps = max(request.output_tokens - 1, 0)
    e2e = Quantity(
        value=ttft.value + steps * tpot.value,
        low=ttft.low + steps * tpot.low,
        high=ttft.high + steps * tpot.high,
        grade=grade,
    )
    exact = Quantity(value=rate, low=rate, high=rate, grade=grade) if rate is not None else None
    full = profile.throughput or profile.tpot
    waiting = concurrency > loop.capacity()
    served = exact or quantity(state.requests_per_s, full if waiting else profile.tpot, rate=True)
    parts = breakdown_of(loop, float(state.running))
    most = quantity(loop.at(loop.capacity()).requests_per_s, full, rate=True)
    if borrowed and grade in {"measured", "fitted"}:  # whose cache decides how many run at once
        most = replace(most, grade="datasheet")
        served = replace(served, grade="datasheet") if waiting else served
    return Prediction(
        model=architecture.model.id,
        hardware=hardware.id,
        engine=request.engine,
        profile=profile.id,
        separate_prefill=profile.separate_prefill,
        gpus=_gpus(request),
        quantization=memory.weights.scheme.name,
        concurrency=concurrency,
        running=float(state.running),
        ttft_s=ttft,
        ttft_published_s=quantity(state.ttft_published_s, profile.ttft),
        ttft_burst_s=quantity(state.ttft_burst_s, profile.ttft),
        tpot_s=tpot,
        tpot_alone_s=quantity(state.tpot_alone_s, profile.tpot),
        e2e_s=e2e,
        requests_per_s=served,
        output_tokens_per_s=served.scaled(request.output_tokens),
        saturation_requests_per_s=most,
        bound_by=bound_of(loop, concurrency, parts),
        kv_pool_tokens=int(float(loop.limits.pool_tokens)),
        weights_bytes_per_gpu=rank.weights_bytes,
        pool_bytes_per_gpu=rank.pool_bytes,
        physical_bytes_per_gpu=memory.tightest.physical_bytes,
        breakdown=parts,
        grade=grade,
        notices=(*chosen.notices, *borrowed, *_range_notices(profile, concurrency, request)),
    )


def _interval(value: float, spread: Spread, *, width: float, grade: Grade, rate: bool) -> Quantity:
    """Return where the truth lies: prediction over error factor, turned over for a rate."""
    low, high = spread.high**-width, spread.low**-width
    if rate:
        low, high = 1 / high, 1 / low
    return Quantity(value=value, low=value * low, high=value * high, grade=grade)


def _range_notices(
    profile: ServingProfile, concurrency: float, request: PredictRequest
) -> tuple[Notice, ...]:
    low, high = profile.concurrency_range
    shortest, longest = profile.input_range
    outside = [
        f"{name} {value:,.0f} is outside the fitted {least:,.0f} to {most:,.0f}"
        for name, value, least, most in (
            ("concurrency", concurrency, min(low, 1.0), high),
            ("input", request.input_tokens, shortest, longest),
        )
        if not least <= value <= most
    ]
    return tuple(Notice(code="outside-fit", message=message) for message in outside)
