"""A configuration of the books as an engine that can be simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import nan
from typing import TYPE_CHECKING, Literal

import numpy as np

from planner.errors import UsageError
from planner.planning.memory.architecture import Architecture
from planner.planning.memory.schemes import weight_scheme
from planner.planning.memory.vllm_memory import version_key
from planner.planning.prediction.engine_defaults import limits_of, memory_of, pool_tokens, version_notices
from planner.planning.prediction.predict import choose_profile, operands_of
from planner.planning.prediction.step_model import Load, Operands, step_s
from planner.simulation.engine import simulate
from planner.simulation.step import StepCosts
from planner.specs.answers.prediction import PredictRequest
from planner.specs.answers.simulated import LatencyPoints, ReplicaSimulation
from planner.specs.answers.simulation import EngineLimits, RequestBatch
from planner.specs.base import Notice
from planner.specs.books.hardware import HardwareSpec
from planner.specs.profiles.memory import EngineMemoryProfile
from planner.specs.profiles.serving import ServingProfile

if TYPE_CHECKING:
    from planner.units import FloatArray

# vLLM plans a step while the one before it runs, and admits a request only when its whole prompt fits, by default from
# these versions on (its pull requests 27614 and 37307). Its prefix cache is on since V1.
ASYNC_SCHEDULING_SINCE, WHOLE_PROMPTS_SINCE = "0.14", "0.19"
Speed = Literal["expected", "slow", "fast"]


def simulate_replica(
    architecture: Architecture,
    hardware: HardwareSpec,
    request: PredictRequest,
    batch: RequestBatch,
    *,
    profiles: tuple[ServingProfile, ...],
    memory_profile: EngineMemoryProfile,
    speed: Speed = "expected",
) -> ReplicaSimulation:
    """Serve ``batch`` on one replica of a configuration; what a request takes outside of the steps is added.

    ``speed`` is the machine as predicted, or one at either end of the 80 % interval of its time per token.

    Raises
    ------
    UsageError
        When the model leaves no KV cache on the device, or no request of the batch can be served.
    """
    chosen = choose_profile(profiles, engine=request.engine, hardware=hardware)
    versions = version_notices(request, chosen.profile.engine_versions, memory_profile)
    limits = _limits(architecture, hardware, request, memory_profile)
    operand = operands_of(architecture, hardware, request)
    context = float(np.mean(batch.input_tokens + batch.output_tokens / 2))
    costs = step_costs(
        operand,
        chosen.profile.numbers(),
        max_tokens=limits.max_num_batched_tokens,
        mean_context_tokens=context,
        separate_prefill=chosen.profile.separate_prefill,
    )
    spread, width = chosen.profile.tpot, chosen.width
    factor = {"expected": 1.0, "slow": spread.low**-width, "fast": spread.high**-width}[speed]
    served = simulate(batch, costs=slowed(costs, factor), limits=limits)
    way_s = chosen.profile.numbers()["first_token_s"]
    served = replace(
        served, first_token_s=served.first_token_s + way_s, last_token_s=served.last_token_s + way_s
    )
    if served.refused == batch.size:
        raise UsageError(
            f"no request fits into the {limits.pool_tokens:,} tokens of KV cache and the "
            f"{architecture.model.max_context:,} of {architecture.model.id}'s context",
            cure="shorten them, or use more GPUs or a smaller quantization; planner fit shows which",
        )
    return ReplicaSimulation(
        model=architecture.model.id,
        hardware=hardware.id,
        gpus=request.tensor_parallel,
        quantization=weight_scheme(request.quantization, model=architecture.model).name,
        profile=chosen.profile.id,
        grade=chosen.grade,
        limits=limits,
        requests=served,
        ttft_s=latency_points(served.ttft_s),
        tpot_s=latency_points(served.tpot_s),
        e2e_s=latency_points(served.e2e_s),
        queue_s=latency_points(served.queue_s),
        notices=(*versions, *chosen.notices, *refusals(served.refused, batch.size)),
    )


def slowed(costs: StepCosts, factor: float) -> StepCosts:
    """Return the costs of a machine whose every step takes ``factor`` times as long."""
    return StepCosts(
        serial_s=costs.serial_s * factor,
        sequence_s=costs.sequence_s * factor,
        prefill_overhead_s=costs.prefill_overhead_s * factor,
        kv_token_s=costs.kv_token_s * factor,
        pair_s=costs.pair_s * factor,
        apart=costs.apart,
    )


def step_costs(
    operand: Operands,
    coefficients: Mapping[str, float],
    *,
    max_tokens: int,
    mean_context_tokens: float,
    separate_prefill: bool,
) -> StepCosts:
    """Return the costs of a step with up to ``max_tokens`` tokens.

    What depends on the number of tokens alone is tabulated; attention is linear in context and pairs. Layers with a
    sliding window read ``min(context, window)``: the mean context of the load fixes the slope that they keep. With
    ``separate_prefill`` prompts take a pass of their own beside the decoding one; a first token waits for both, a
    decoding step longer than SGLang's does.
    """
    tokens = np.arange(max_tokens + 1, dtype=np.float64)
    table = np.asarray(step_s(operand, coefficients, Load(prefill_tokens=tokens), prefill=False))
    context = max(mean_context_tokens, 1.0)

    def over_table(load: Load) -> float:
        return max(float(step_s(operand, coefficients, load, prefill=False)) - float(table[1]), 0.0)

    alone = over_table(Load(sequences=1.0))
    prefill = float(step_s(operand, coefficients, Load(), prefill=True)) - float(table[0])
    return StepCosts(
        serial_s=table,
        sequence_s=alone,
        prefill_overhead_s=max(prefill, 0.0),
        kv_token_s=max(over_table(Load(sequences=1.0, context_tokens=context)) - alone, 0.0) / context,
        pair_s=over_table(Load(prefill_tokens=1.0, attended_tokens=context)) / context,
        apart=separate_prefill,
    )


def _limits(
    architecture: Architecture,
    hardware: HardwareSpec,
    request: PredictRequest,
    memory_profile: EngineMemoryProfile,
) -> EngineLimits:
    memory = memory_of(architecture, hardware, request, memory_profile)
    pool = pool_tokens(architecture, request, memory)
    allowed = limits_of(request, memory, max(pool, 1), separate_prefill=False)
    if pool < 1:
        raise UsageError(
            f"{architecture.model.id} leaves no KV cache on {request.tensor_parallel} × {hardware.name}",
            cure="raise --tensor-parallel or choose a smaller --quantization; planner fit shows which",
        )
    return EngineLimits(
        max_num_seqs=int(float(allowed.max_sequences)),
        max_num_batched_tokens=int(float(allowed.batched_tokens)),
        pool_tokens=pool,
        slot_tokens=architecture.model.max_context,
        **_scheduling(request),
    )


def _scheduling(request: PredictRequest) -> dict[str, bool]:
    """Return what an engine's scheduler does by default; only vLLM's is known by version."""
    if request.engine != "vllm":
        return {"prefix_caching": True}
    newest = request.version == "latest"

    def has(since: str) -> bool:
        return newest or version_key(request.version) >= version_key(since)

    return {
        "prefix_caching": True,
        "async_scheduling": has(ASYNC_SCHEDULING_SINCE),
        "reserve_full_input": has(WHOLE_PROMPTS_SINCE),
    }


def latency_points(values_s: FloatArray) -> LatencyPoints:
    """Return mean and percentiles of the served requests; NaN where there is none."""
    known = values_s[~np.isnan(values_s)]
    if not known.size:
        return LatencyPoints(mean=nan, p50=nan, p90=nan, p95=nan, p99=nan)
    p50, p90, p95, p99 = (float(value) for value in np.percentile(known, (50, 90, 95, 99)))
    return LatencyPoints(mean=float(known.mean()), p50=p50, p90=p90, p95=p95, p99=p99)


def refusals(refused: int, size: int) -> tuple[Notice, ...]:
    """Return the notice that counts requests which could never be served, if there are any."""
    if not refused:
        return ()
    return (
        Notice(
            code="refused-requests",
            message=f"{refused:,} of {size:,} requests are longer than the KV pool or the context and were refused",
            cure="use more GPUs, or shorten them",
        ),
    )
