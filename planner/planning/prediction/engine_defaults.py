"""What engines do where the user says nothing: the type of the cache, the pool, and the limits of a step."""

from __future__ import annotations

from dataclasses import replace

from planner.errors import UsageError
from planner.planning.memory.architecture import Architecture
from planner.planning.memory.kv_groups import kv_bytes_per_token, kv_element_bytes
from planner.planning.memory.schemes import weight_scheme
from planner.planning.memory.sglang_memory import sglang_pool
from planner.planning.memory.versions import LATEST, check_version, engine_name, memory_notices, step_notices
from planner.planning.memory.vllm_memory import VllmMemory, VllmSettings, vllm_memory
from planner.planning.prediction.closed_loop import Limits
from planner.records import dataclass
from planner.specs.answers.fit import DEFAULT_UTILIZATION_FRACTION
from planner.specs.answers.prediction import PredictRequest
from planner.specs.base import Notice
from planner.specs.books.hardware import HardwareSpec
from planner.specs.books.model import ModelSpec
from planner.specs.profiles.memory import EngineMemoryProfile

# NVIDIA's FP8 and NVFP4 checkpoints carry scales for an FP8 cache, which TensorRT-LLM then keeps
# (modelopt's default ``kv_cache_qformat=fp8``).
CACHE_FOLLOWS_WEIGHTS = "tensorrt-llm"
NARROW = frozenset({"fp8", "fp4"})
# TensorRT-LLM's defaults (BuildConfig.max_batch_size, max_num_tokens; free_gpu_memory_fraction of what is left).
TRTLLM_SEQUENCES, TRTLLM_TOKENS, TRTLLM_FREE_FRACTION = 2048, 8192, 0.9


# The engine whose start-up logs the memory model is fitted on.
FITTED_MEMORY = frozenset({"vllm", "vllm-eager"})
# How engines without a fitted log divide a device, from their documented defaults.
POOL_RULES = {
    "sglang": "its KV cache by its default of --mem-fraction-static",
    "tensorrt-llm": f"its KV cache as {TRTLLM_FREE_FRACTION:g} of what they leave free",
}


def borrowed_memory(request: PredictRequest) -> tuple[Notice, ...]:
    """Say what stands behind the cache's size where no start-up log of the engine was fitted."""
    if request.engine in FITTED_MEMORY or request.pool_tokens is not None:
        return ()
    name = engine_name(request.engine)
    return (
        Notice(
            code="borrowed-memory",
            message=f"{name}'s weights and buffers are sized as vLLM's, {POOL_RULES.get(request.engine, 'its KV cache too')}: "
            "no start-up log of it was fitted",
            cure="compare the KV pool with the one that the engine prints at its start",
        ),
    )


def version_notices(
    request: PredictRequest, measured: str, memory_profile: EngineMemoryProfile
) -> tuple[Notice, ...]:
    """Say what a version that lies beyond the measured ones gets; ``measured`` is a list with commas.

    Raises
    ------
    UsageError
        When it is no version.
    """
    known = measured.split(", ")
    check_version(request.engine, request.version, known)
    steps = step_notices(request.engine, request.version, measured)
    if request.engine not in FITTED_MEMORY or request.pool_tokens is not None:
        return steps
    return (*memory_notices(request.version, memory_profile), *steps)


def cache_type(engine: str, quantization: str, kv_dtype: str, *, model: ModelSpec) -> str:
    """Return the type of the KV cache; ``auto`` is the engine's choice."""
    if kv_dtype != "auto" or engine != CACHE_FOLLOWS_WEIGHTS:
        return kv_dtype
    scheme = weight_scheme(quantization, model=model)
    return "fp8" if scheme.multiplies in NARROW else "auto"


def settings_of(request: PredictRequest, *, model: ModelSpec) -> VllmSettings:
    """Return a question as the memory model's settings."""
    return VllmSettings(
        quantization=request.quantization,
        kv_dtype=cache_type(request.engine, request.quantization, request.kv_dtype, model=model),
        tensor_parallel=request.tensor_parallel // max(request.attention_data_parallel, 1),
        pipeline_parallel=request.pipeline_parallel,
        utilization_fraction=request.utilization_fraction,
        batched_tokens=request.batched_tokens,
        max_sequences=request.max_sequences,
        version=request.version if request.engine in FITTED_MEMORY else LATEST,
        speculative_tokens=request.draft_tokens,
    )


def memory_of(
    architecture: Architecture,
    hardware: HardwareSpec,
    request: PredictRequest,
    profile: EngineMemoryProfile,
) -> VllmMemory:
    """Return the memory of one rank.

    Raises
    ------
    UsageError
        When a name is unknown or the parallelism does not divide the model.
    """
    if request.attention_data_parallel < 1 or request.tensor_parallel % request.attention_data_parallel:
        raise UsageError(
            f"attention data parallel {request.attention_data_parallel} does not divide the "
            f"{request.tensor_parallel} ranks",
            cure="use a divisor of --tensor-parallel",
        )
    return vllm_memory(architecture, hardware, settings_of(request, model=architecture.model), profile)


@dataclass(frozen=True, kw_only=True, slots=True)
class RankMemory:
    """What the tightest rank holds [bytes], and the tokens of cache that all groups of a replica hold together."""

    weights_bytes: float
    pool_bytes: float
    tokens: int


def pool_tokens(architecture: Architecture, request: PredictRequest, memory: VllmMemory) -> int:
    """Return the tokens of KV cache of a replica."""
    return rank_memory(architecture, request, memory).tokens


def rank_memory(architecture: Architecture, request: PredictRequest, memory: VllmMemory) -> RankMemory:
    """Return a rank's weights and pool, whose tokens are those that the engine printed where the question states them."""
    rank = _computed_memory(architecture, request, memory)
    return rank if request.pool_tokens is None else replace(rank, tokens=request.pool_tokens)


def _computed_memory(architecture: Architecture, request: PredictRequest, memory: VllmMemory) -> RankMemory:
    """Return what the memory model says: vLLM's own, exact; TensorRT-LLM takes a share of what is free.

    Groups of attention data parallel hold the attention each and their share of the experts: their pools add up.
    """
    groups, stage = request.attention_data_parallel, memory.tightest
    if request.engine == "sglang":
        return _sglang_memory(request, memory)
    other = request.engine == CACHE_FOLLOWS_WEIGHTS
    if groups == 1 and not other:
        return RankMemory(
            weights_bytes=stage.weights_bytes, pool_bytes=stage.pool_bytes, tokens=memory.pool_tokens
        )
    weights = _rank_bytes(memory, groups)
    free = stage.physical_bytes - weights - stage.activation_bytes - stage.non_torch_bytes
    pool = TRTLLM_FREE_FRACTION * free if other else stage.pool_bytes + stage.weights_bytes - weights
    pool = max(pool, 0.0)
    element = kv_element_bytes(
        cache_type(request.engine, request.quantization, request.kv_dtype, model=architecture.model),
        model=architecture.model,
    )
    each = kv_bytes_per_token(
        architecture.model,
        element_bytes=element,
        tensor_parallel=request.tensor_parallel // groups,
        layer_share=1.0 / request.pipeline_parallel,
    )
    tokens = memory.pool_tokens * pool / stage.pool_bytes if stage.pool_bytes > 0 else pool / each
    return RankMemory(weights_bytes=weights, pool_bytes=pool, tokens=int(groups * tokens))


def _sglang_memory(request: PredictRequest, memory: VllmMemory) -> RankMemory:
    """Return a rank of SGLang; a share of memory other than planner's default is its ``--mem-fraction-static``."""
    groups, stage = request.attention_data_parallel, memory.tightest
    weights = _rank_bytes(memory, groups)
    given = request.utilization_fraction
    pool = sglang_pool(
        stage,
        weights_bytes=weights,
        tensor_parallel=request.tensor_parallel,
        pipeline_parallel=request.pipeline_parallel,
        static_share=None if given == DEFAULT_UTILIZATION_FRACTION else given,
    )
    return RankMemory(weights_bytes=weights, pool_bytes=pool.pool_bytes, tokens=groups * pool.tokens)


def _rank_bytes(memory: VllmMemory, groups: int) -> float:
    """Return a rank's weights when the groups share the experts."""
    stage = memory.weights.stages[memory.stages.index(memory.tightest)]
    experts = stage.by_class.get("experts", 0.0)
    return stage.total_bytes - experts * (1.0 - 1.0 / groups)


def limits_of(request: PredictRequest, memory: VllmMemory, pool: int, *, separate_prefill: bool) -> Limits:
    """Return what the engine allows in a step."""
    other = request.engine == CACHE_FOLLOWS_WEIGHTS
    sequences = request.max_sequences or (TRTLLM_SEQUENCES if other else memory.max_sequences)
    batched = request.batched_tokens or (TRTLLM_TOKENS if other else memory.batched_tokens)
    groups = request.attention_data_parallel
    return Limits(
        batched_tokens=float(batched * groups),
        max_sequences=float(sequences * groups),
        pool_tokens=float(pool),
        separate_prefill=separate_prefill,
        stages=float(request.pipeline_parallel),
        inbox_steps=request.inbox_steps,
        batch_wait_steps=request.batch_wait_steps,
    )
