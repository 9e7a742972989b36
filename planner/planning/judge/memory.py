"""Judge start-up lines: weights, KV cache and buffers of vLLM and llama.cpp."""

from __future__ import annotations

from planner.errors import PlannerError
from planner.formulas.llamacpp import compute_buffer_bytes
from planner.planning.judge.judging import Bench, Judgement, Unpredictable
from planner.planning.judge.metric_words import Metric
from planner.planning.judge.model_names import quantization_of
from planner.planning.judge.table_words import stated_precision
from planner.planning.memory.architecture import Architecture
from planner.planning.memory.fit_llamacpp import LlamaCppMemory
from planner.planning.memory.gguf_weights import gguf_bytes
from planner.planning.memory.kv_groups import cache_groups, kv_element_bytes
from planner.planning.memory.vllm_memory import VllmMemory, VllmSettings, vllm_memory
from planner.specs.answers.validation import TableRow
from planner.specs.base import Quantity
from planner.specs.books.hardware import HardwareSpec

# Half-widths of 80 % of the errors on the start-up logs that the memory profile was fitted on and judged against.
WIDTH = {"weights": 0.005, "activation": 0.15, "compute_buffer": 0.25}
EXACT = 0.002  #: rounding of a log line: sizes in hundredths of a GiB or MiB
POOL_GIB_FRACTION = 0.004  #: of the physical memory: what the pool's remainder is uncertain by
GIB = 2.0**30
PHYSICAL_BATCH = 512


def judge_memory(row: TableRow, engine: str, metric: Metric, bench: Bench) -> Judgement:
    """Return the prediction of a size.

    Raises
    ------
    Unpredictable
        With the reason.
    """
    try:
        if engine == "vllm":
            return _vllm(row, metric, bench)
        if engine == "llamacpp":
            return _llamacpp(row, metric, bench)
    except PlannerError as error:
        raise Unpredictable(error.message) from None
    raise Unpredictable(f"memory of {engine} is not predicted")


def _vllm(row: TableRow, metric: Metric, bench: Bench) -> Judgement:
    model, hardware = bench.model(row.model), bench.device(row.gpu)
    settings = row.settings
    if settings.physical_gib is not None:
        hardware = hardware.model_copy(update={"memory_gib": settings.physical_gib, "memory_options_gib": ()})
    precision = stated_precision(row.precision, row.model)
    if precision is None:
        raise Unpredictable(f"precision {row.precision} is not known")
    memory = vllm_memory(
        bench.architecture(model),
        hardware,
        VllmSettings(
            quantization=_stored(precision, row.model),
            kv_dtype=settings.kv_dtype,
            tensor_parallel=row.tensor_parallel or 1,
            pipeline_parallel=row.pipeline_parallel,
            utilization_fraction=settings.utilization_fraction,
            context_tokens=settings.context_tokens,
            batched_tokens=settings.batched_tokens,
            max_sequences=settings.max_sequences,
            version=row.engine_version or "latest",
            speculative_tokens=settings.speculative_tokens,
        ),
        bench.tools.memory_profile,
    )
    value, width = _vllm_size(memory, metric, hardware)
    if not value > 0:
        raise Unpredictable("the model does not fit the GPUs with the profile's memory")
    return Judgement(
        engine="vllm",
        hardware=hardware.id,
        model=model,
        load="memory",
        metric=metric,
        predicted=_around(value, width),
    )


def _stored(precision: str, name: str) -> str:
    """Meta's FP8 checkpoint of the 405B keeps attention in 16 bits."""
    return "fp8-mlp" if precision == "fp8" and "405b" in name.casefold() else precision


def _vllm_size(memory: VllmMemory, metric: Metric, hardware: HardwareSpec) -> tuple[float, float]:
    """Return a size and the half-width of its interval."""
    stage = memory.tightest
    uncertain = POOL_GIB_FRACTION * hardware.memory_gib * GIB
    if metric == "weights":
        first = memory.stages[0].weights_bytes
        return first, WIDTH["weights"]
    if metric == "kv":
        return stage.pool_bytes, EXACT + uncertain / max(stage.pool_bytes, uncertain)
    if metric == "kv_tokens":
        return float(memory.pool_tokens), EXACT + uncertain / max(stage.pool_bytes, uncertain)
    if metric == "activation":
        return stage.activation_bytes, WIDTH["activation"]
    raise Unpredictable(f"{metric} of vLLM is not predicted")


def _llamacpp(row: TableRow, metric: Metric, bench: Bench) -> Judgement:
    model = bench.model(row.model)
    architecture = bench.architecture(model)
    hardware = bench.device(row.gpu).id if row.gpu and bench.devices.find(row.gpu) else "not stated"
    value, width = _buffer(row, metric, architecture)
    return Judgement(
        engine="llamacpp",
        hardware=hardware,
        model=model,
        load="memory",
        metric=metric,
        predicted=_around(value, width),
    )


def _buffer(row: TableRow, metric: Metric, architecture: Architecture) -> tuple[float, float]:
    model = architecture.model
    if metric == "kv":
        if row.settings.context_tokens is None:
            raise Unpredictable("no context length")
        return _cache(row, architecture), EXACT
    if metric == "weights":
        kind = quantization_of(row.precision) or quantization_of(row.model)
        if kind is None:
            raise Unpredictable(f"no GGUF type is stated in {row.precision or row.model}")
        held = gguf_bytes(architecture, kind)
        return (held.layers + held.output if row.statistic == "device" else held.file), WIDTH["weights"]
    if metric == "compute_buffer":
        batch = float(row.settings.batched_tokens or PHYSICAL_BATCH)
        size = float(compute_buffer_bytes(vocab=model.vocab, hidden=model.hidden, batch_tokens=batch))
        return size, WIDTH["compute_buffer"]
    raise Unpredictable(f"{metric} of llama.cpp is not predicted")


def _cache(row: TableRow, architecture: Architecture) -> float:
    model, settings = architecture.model, row.settings
    element = kv_element_bytes(settings.kv_dtype, model=model)
    memory = LlamaCppMemory(
        usable_bytes=0.0,
        weights=gguf_bytes(architecture, "f16"),
        groups=cache_groups(model, element_bytes=element),
        compute_bytes=0.0,
        overhead_bytes=0.0,
        keeps_embedding=False,
    )
    full = not any(group.kind == "sliding" for group in memory.groups) or "ik" in row.engine
    return memory.cache_bytes(
        context_tokens=float(settings.context_tokens or 0), slots=float(settings.slots), full_windows=full
    )


def _around(value: float, width: float) -> Quantity:
    return Quantity(value=value, low=value * (1 - width), high=value * (1 + width), grade="fitted")
