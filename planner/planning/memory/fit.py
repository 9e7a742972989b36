"""Decide whether a model fits a device, and what would make it fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from planner.errors import UsageError
from planner.formulas.kv_cache import multi_head_bound_bytes_per_token
from planner.planning.memory.architecture import Architecture
from planner.planning.memory.kv_groups import kv_bytes_of_sequence, kv_bytes_per_token, kv_element_bytes
from planner.planning.memory.schemes import WeightScheme, supports
from planner.planning.memory.vllm_memory import StageMemory, VllmMemory, VllmSettings, vllm_memory
from planner.specs.base import Notice
from planner.specs.fit import Fit, FitChange, FitRequest, MemoryPart
from planner.specs.hardware import HardwareSpec
from planner.specs.memory_profile import EngineMemoryProfile
from planner.specs.model import ModelSpec
from planner.units import GIB, MIB

MAX_CHANGES = 4
MAX_TENSOR_PARALLEL = 8  # GPUs that one link joins in the machines that clouds rent
RUNTIMES = {"nvidia": ("CUDA, NCCL", "CUDA graphs"), "amd": ("HIP, RCCL", "HIP graphs")}
VLLM_KINDS = frozenset({"gpu", "consumer-gpu", "accelerator"})


def fit_vllm(
    architecture: Architecture, hardware: HardwareSpec, request: FitRequest, profile: EngineMemoryProfile
) -> Fit:
    """Return whether vLLM can serve a model on a device, and verified changes when it cannot.

    Raises
    ------
    UsageError
        When the question makes no sense: heads that do not divide, a context beyond the model's.
    """
    check_request(architecture.model, request)
    hardware = sized(hardware, request)
    memory = vllm_memory(architecture, hardware, settings_of(request), profile)
    answer = _answer(architecture, hardware, request, memory)
    if answer.fits:
        return answer
    return replace(answer, changes=tuple(_changes(architecture, hardware, request, profile)))


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
    shortage = _shortage(memory, request)
    if supports(hardware, memory.weights.scheme) != "no" and shortage <= 0:
        return None
    return _reason(hardware, request, memory, shortage)


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


def _answer(
    architecture: Architecture, hardware: HardwareSpec, request: FitRequest, memory: VllmMemory
) -> Fit:
    model, stage, scheme = architecture.model, memory.tightest, memory.weights.scheme
    supported = supports(hardware, scheme)
    shortage = _shortage(memory, request)
    concurrency = min(int(memory.concurrency(request.context_tokens)), memory.max_sequences)
    fits = supported != "no" and shortage <= 0 and request.concurrency <= memory.max_sequences
    element = kv_element_bytes("bf16" if request.kv_dtype == "auto" else request.kv_dtype, model=model)
    return Fit(
        model=model.id,
        hardware=hardware.id,
        engine="vllm",
        fits=fits,
        reason=_reason(hardware, request, memory, shortage)
        if not fits
        else room_for(concurrency, request.context_tokens),
        changes=(),
        gpus=request.tensor_parallel * request.pipeline_parallel,
        quantization=scheme.name,
        kv_dtype=request.kv_dtype,
        tensor_parallel=request.tensor_parallel,
        pipeline_parallel=request.pipeline_parallel,
        context_tokens=request.context_tokens,
        concurrency=request.concurrency,
        parameters=architecture.parameters.total,
        active_parameters=architecture.active.total,
        physical_bytes=stage.physical_bytes,
        budget_bytes=stage.budget_bytes,
        weights_bytes_per_gpu=memory.weights.largest_bytes,
        kv_pool_bytes_per_gpu=max(0.0, stage.pool_bytes),
        kv_bytes_per_token=kv_bytes_per_token(model, element_bytes=element),
        kv_bytes_per_token_per_gpu=sum(group.layers * group.token_bytes for group in stage.groups),
        kv_bytes_per_sequence_per_gpu=kv_bytes_of_sequence(stage.groups, tokens=request.context_tokens),
        multi_head_bound_bytes_per_token=float(
            multi_head_bound_bytes_per_token(layers=model.layers, hidden=model.hidden, element_bytes=element)
        ),
        kv_pool_tokens=memory.pool_tokens,
        max_context_tokens=memory.longest_context(model.max_context),
        max_concurrency=concurrency,
        shortage_bytes=max(0.0, shortage),
        parts=_parts(stage, RUNTIMES.get(hardware.vendor, ("runtime", "graphs"))),
        grade=memory.coefficients.grade if memory.version_is_known else "assumed",
        notices=tuple(_notices(hardware, request, memory, scheme)),
    )


def _parts(stage: StageMemory, runtime: tuple[str, str]) -> tuple[MemoryPart, ...]:
    pieces = (
        ("weights", stage.weights_bytes),
        ("activation", stage.activation_bytes),
        (runtime[0], stage.non_torch_bytes),
        (runtime[1], stage.graph_bytes),
        ("KV pool", max(0.0, stage.pool_bytes)),
        ("left to others", stage.physical_bytes - stage.budget_bytes),
    )
    return tuple(MemoryPart(name=name, bytes=size) for name, size in pieces if size > 0)


def _shortage(memory: VllmMemory, request: FitRequest) -> float:
    """Bytes that the fullest GPU lacks for the asked concurrency; negative when there is room."""
    stage = memory.tightest
    needed = request.concurrency * stage.layout.blocks_per_sequence(
        tokens=request.context_tokens, batched_tokens=memory.batched_tokens
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


def _reason(hardware: HardwareSpec, request: FitRequest, memory: VllmMemory, shortage: float) -> str:
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


def _notices(
    hardware: HardwareSpec, request: FitRequest, memory: VllmMemory, scheme: WeightScheme
) -> Iterator[Notice]:
    if supports(hardware, scheme) == "weight-only":
        yield Notice(
            code="weight-only",
            message=f"{hardware.name} has no {scheme.multiplies} matrix rate: vLLM's Marlin kernels store "
            f"{scheme.name} and multiply in 16 bits",
            cure="expect the memory saving, not the speed",
        )
    if not memory.version_is_known:
        yield Notice(
            code="version-unknown",
            message=f"vLLM {request.version} is older than every fitted start-up log; the oldest is used",
            cure="check the pool against vLLM's own start-up line",
        )
    if hardware.kind not in VLLM_KINDS:
        yield Notice(
            code="engine-device",
            message=f"vLLM is not usually run on a {hardware.kind}",
            cure="use --engine llamacpp",
        )


def _changes(
    architecture: Architecture, hardware: HardwareSpec, request: FitRequest, profile: EngineMemoryProfile
) -> Iterator[FitChange]:
    """Try changes one at a time, then together; yield those that fit."""
    found = 0
    seen: set[str] = set()
    for flags, changed in _candidates(architecture, hardware, request, profile):
        if flags in seen or found == MAX_CHANGES:
            continue
        seen.add(flags)
        try:
            memory = vllm_memory(architecture, hardware, settings_of(changed), profile)
        except UsageError:
            continue
        answer = _answer(architecture, hardware, changed, memory)
        if answer.fits:
            found += 1
            yield FitChange(flags=flags, effect=answer.reason)


def _candidates(
    architecture: Architecture, hardware: HardwareSpec, request: FitRequest, profile: EngineMemoryProfile
) -> Iterator[tuple[str, FitRequest]]:
    memory = vllm_memory(architecture, hardware, settings_of(request), profile)
    singles = [*_smaller_demand(architecture.model, request, memory), *_smaller_weights(hardware, request)]
    wider = list(_more_gpus(request))
    yield from singles
    yield from wider
    for flags, changed in _smaller_weights(hardware, request):
        for more, _ in wider:
            ranks = int(more.split()[-1])
            yield f"{flags} {more}", replace(changed, tensor_parallel=ranks)


def _smaller_demand(
    model: ModelSpec, request: FitRequest, memory: VllmMemory
) -> Iterator[tuple[str, FitRequest]]:
    possible = min(int(memory.concurrency(request.context_tokens)), memory.max_sequences)
    if 1 <= possible < request.concurrency:
        yield f"--concurrency {possible}", replace(request, concurrency=possible)
    share = _longest_shared(memory, model.max_context, request.concurrency)
    if 0 < share < request.context_tokens:
        yield f"--context {share}", replace(request, context_tokens=share)
    if request.kv_dtype in {"auto", "bf16", "fp16"}:
        yield "--kv-dtype fp8", replace(request, kv_dtype="fp8")
    if request.utilization_fraction < 0.95:
        yield "--memory-utilization 0.95", replace(request, utilization_fraction=0.95)


def _longest_shared(memory: VllmMemory, limit: int, concurrency: int) -> int:
    """Longest context that ``concurrency`` sequences can have at once; 0 for none."""
    low, high = 0, limit + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if memory.concurrency(middle) >= concurrency else (low, middle)
    return low


def _smaller_weights(hardware: HardwareSpec, request: FitRequest) -> Iterator[tuple[str, FitRequest]]:
    halves = ("fp16",) if "bf16" not in hardware.tflops and "fp16" in hardware.tflops else ()
    for name in (*halves, "fp8", "int4"):
        yield f"--quantization {name}", replace(request, quantization=name)


def _more_gpus(request: FitRequest) -> Iterator[tuple[str, FitRequest]]:
    ranks = request.tensor_parallel * 2
    while ranks <= MAX_TENSOR_PARALLEL:
        yield f"--tensor-parallel {ranks}", replace(request, tensor_parallel=ranks)
        ranks *= 2
