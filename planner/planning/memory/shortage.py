"""What a request asks of vLLM's memory on a device, and what it lacks there, in words."""

from __future__ import annotations

from planner.errors import UsageError
from planner.planning.memory.schemes import supports
from planner.planning.memory.versions import engine_name
from planner.planning.memory.vllm_memory import VllmMemory, VllmSettings
from planner.specs.answers.fit import FitRequest
from planner.specs.base import Notice
from planner.specs.books.hardware import HardwareSpec
from planner.specs.books.model import ModelSpec
from planner.units import GIB, MIB

VLLM_KINDS = frozenset({"gpu", "consumer-gpu", "accelerator"})  #: what servers of vLLM's kind run on


def unusual_device(engine: str, hardware: HardwareSpec) -> tuple[Notice, ...]:
    """Say when a server is asked for on a device on which nobody runs one."""
    if hardware.kind in VLLM_KINDS:
        return ()
    message = f"{engine_name(engine)} is not usually run on a {hardware.kind}"
    return (Notice(code="engine-device", message=message, cure="use --engine llamacpp"),)


def shortage_reason(
    model: ModelSpec, hardware: HardwareSpec, request: FitRequest, memory: VllmMemory
) -> str | None:
    """Return why a request does not fit into memory that is already worked out; ``None`` when it does.

    Raises
    ------
    UsageError
        As :func:`fit_vllm`.
    """
    check_request(model, request)
    shortage = shortage_bytes(memory, request)
    if supports(hardware, memory.weights.scheme) != "no" and shortage <= 0:
        return None
    return refusal(hardware, request, memory, shortage)


def check_request(model: ModelSpec, request: FitRequest) -> None:
    """Refuse a question that has no answer.

    Raises
    ------
    UsageError
        With what would be possible.
    """
    if not 0 < request.utilization_fraction <= 1:
        raise UsageError(
            f"memory utilization must be above 0 and at most 1, found {request.utilization_fraction}"
        )
    if request.engine == "vllm" and (request.gpu_layers is not None or request.swa_full):
        raise UsageError("--gpu-layers and --swa-full are llama.cpp's", cure="add --engine llamacpp")
    for name, value in (("context", request.context_tokens), ("concurrency", request.concurrency)):
        if value < 1:
            raise UsageError(f"{name} must be at least 1, found {value}")
    if request.context_tokens > model.max_context:
        raise UsageError(
            f"context {request.context_tokens:,} is beyond the {model.max_context:,} tokens of {model.id}",
            cure=f"ask for at most --context {model.max_context}",
        )


def sized(hardware: HardwareSpec, request: FitRequest) -> HardwareSpec:
    """Return the device with the memory that was bought.

    Raises
    ------
    UsageError
        When the device is not sold in that size.
    """
    wanted = request.memory_gib
    if wanted is None:
        return hardware
    if wanted <= 0:
        raise UsageError(f"memory must be above 0 GiB, found {wanted:g}")
    if hardware.memory_options_gib and wanted not in hardware.memory_options_gib:
        sizes = ", ".join(f"{size:g}" for size in hardware.memory_options_gib)
        raise UsageError(f"{hardware.name} is not sold with {wanted:g} GiB", cure=f"use one of {sizes}")
    return hardware.model_copy(update={"memory_gib": wanted})


def settings_of(request: FitRequest) -> VllmSettings:
    """Return a request as vLLM's settings."""
    return VllmSettings(
        quantization=request.quantization,
        kv_dtype=request.kv_dtype,
        tensor_parallel=request.tensor_parallel,
        pipeline_parallel=request.pipeline_parallel,
        utilization_fraction=request.utilization_fraction,
        context_tokens=request.context_tokens,
        batched_tokens=request.batched_tokens,
        max_sequences=request.max_sequences,
        version=request.version,
    )


def shortage_bytes(memory: VllmMemory, request: FitRequest) -> float:
    """Bytes that the fullest GPU lacks for the asked concurrency; negative when there is room."""
    stage = memory.tightest
    needed = request.concurrency * stage.layout.blocks_per_sequence(
        tokens=request.context_tokens, batched_tokens=memory.in_flight_tokens
    )
    if stage.pool_bytes > 0 and stage.blocks >= needed:
        return stage.layout.block_bytes * (needed - stage.blocks)
    return max(needed * stage.layout.block_bytes - stage.pool_bytes, 1.0)


def room_for(concurrency: int, context_tokens: int) -> str:
    """Say how many sequences have room.

    >>> room_for(1, 8192)
    'one sequence of 8,192 tokens has room'
    """
    if concurrency == 1:
        return f"one sequence of {context_tokens:,} tokens has room"
    return f"{concurrency:,} sequences of {context_tokens:,} tokens have room"


def size_text(size_bytes: float) -> str:
    """Write a size in GiB, or in MiB where GiB would round it away.

    >>> size_text(3 * 2**30), size_text(2**20)
    ('3.00 GiB', '1.0 MiB')
    """
    return f"{size_bytes / GIB:,.2f} GiB" if size_bytes >= GIB / 10 else f"{size_bytes / MIB:,.1f} MiB"


def refusal(hardware: HardwareSpec, request: FitRequest, memory: VllmMemory, shortage: float) -> str:
    """Say why a request does not fit, with what each GPU is short of."""
    scheme, stage = memory.weights.scheme, memory.tightest
    if supports(hardware, scheme) == "no":
        return f"{hardware.name} does not multiply {scheme.multiplies}"
    if shortage <= 0:
        return f"{request.concurrency:,} at once is above max_num_seqs {memory.max_sequences:,}"
    short = f"{size_text(shortage)} short on each GPU"
    if stage.weights_bytes > stage.budget_bytes:
        return f"weights of {stage.weights_bytes / GIB:,.2f} GiB exceed the {stage.budget_bytes / GIB:,.2f} GiB allowed: {short}"
    if stage.pool_bytes <= 0:
        return f"weights and activation leave nothing for the KV cache: {short}"
    many = f"{request.concurrency:,} sequences" if request.concurrency > 1 else "one sequence"
    return f"the KV pool of {stage.pool_bytes / GIB:,.2f} GiB is too small for {many} of {request.context_tokens:,} tokens: {short}"
