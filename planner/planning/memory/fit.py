"""Decide whether a model fits a device, and what would make it fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from planner.errors import UsageError
from planner.formulas.kv_cache import multi_head_bound_bytes_per_token
from planner.planning.memory.architecture import Architecture
from planner.planning.memory.kv_groups import kv_bytes_of_sequence, kv_bytes_per_token, kv_element_bytes
from planner.planning.memory.schemes import WeightScheme, supports
from planner.planning.memory.shortage import (
    check_request,
    refusal,
    room_for,
    settings_of,
    shortage_bytes,
    sized,
    unusual_device,
)
from planner.planning.memory.versions import check_version, memory_notices
from planner.planning.memory.vllm_memory import StageMemory, VllmMemory, vllm_memory
from planner.specs.answers.fit import Fit, FitChange, FitRequest, MemoryPart
from planner.specs.base import Notice
from planner.specs.books.hardware import HardwareSpec
from planner.specs.books.model import ModelSpec
from planner.specs.profiles.memory import EngineMemoryProfile

MAX_CHANGES = 4
MAX_TENSOR_PARALLEL = 8  # GPUs that one link joins in the machines that clouds rent
RUNTIMES = {"nvidia": ("CUDA, NCCL", "CUDA graphs"), "amd": ("HIP, RCCL", "HIP graphs")}


def fit_vllm(
    architecture: Architecture, hardware: HardwareSpec, request: FitRequest, profile: EngineMemoryProfile
) -> Fit:
    """Return whether vLLM can serve a model on a device, and verified changes when it cannot.

    Raises
    ------
    UsageError
        When the question makes no sense: heads that do not divide, a context beyond the model's, no version at all.
    """
    check_request(architecture.model, request)
    check_version("vllm", request.version, profile.known_versions)
    hardware = sized(hardware, request)
    memory = vllm_memory(architecture, hardware, settings_of(request), profile)
    answer = _answer(architecture, hardware, request, memory, profile)
    if answer.fits:
        return answer
    return replace(answer, changes=tuple(_changes(architecture, hardware, request, profile)))


def _answer(
    architecture: Architecture,
    hardware: HardwareSpec,
    request: FitRequest,
    memory: VllmMemory,
    profile: EngineMemoryProfile,
) -> Fit:
    model, stage, scheme = architecture.model, memory.tightest, memory.weights.scheme
    supported = supports(hardware, scheme)
    shortage = shortage_bytes(memory, request)
    concurrency = min(int(memory.concurrency(request.context_tokens)), memory.max_sequences)
    fits = supported != "no" and shortage <= 0 and request.concurrency <= memory.max_sequences
    element = kv_element_bytes("bf16" if request.kv_dtype == "auto" else request.kv_dtype, model=model)
    return Fit(
        model=model.id,
        hardware=hardware.id,
        engine="vllm",
        fits=fits,
        reason=refusal(hardware, request, memory, shortage)
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
        notices=tuple(_notices(hardware, request, scheme, profile)),
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


def _notices(
    hardware: HardwareSpec, request: FitRequest, scheme: WeightScheme, profile: EngineMemoryProfile
) -> Iterator[Notice]:
    if supports(hardware, scheme) == "weight-only":
        yield Notice(
            code="weight-only",
            message=f"{hardware.name} has no {scheme.multiplies} matrix rate: vLLM's Marlin kernels store "
            f"{scheme.name} and multiply in 16 bits",
            cure="expect the memory saving, not the speed",
        )
    yield from memory_notices(request.version, profile)
    yield from unusual_device("vllm", hardware)


def _changes(
    architecture: Architecture, hardware: HardwareSpec, request: FitRequest, profile: EngineMemoryProfile
) -> Iterator[FitChange]:
    """Yield the changes that fit: one at a time and of weights with GPUs; where none does, with fewer sequences, too."""

    def tried(candidates: Iterable[tuple[str, FitRequest]]) -> Iterator[FitChange]:
        for flags, changed in dict(candidates).items():
            memory = _memory(architecture, hardware, changed, profile)
            if memory is None:
                continue
            answer = _answer(architecture, hardware, changed, memory, profile)
            if answer.fits:
                yield FitChange(flags=flags, effect=answer.reason)

    asked = _memory(architecture, hardware, request, profile)
    singles = () if asked is None else _smaller_demand(architecture.model, request, asked)
    larger = list(_larger(hardware, request))
    found = tuple(islice(tried((*singles, *larger)), MAX_CHANGES))
    yield from found or islice(tried(_shared_out(architecture, hardware, larger, profile)), MAX_CHANGES)


def _memory(
    architecture: Architecture, hardware: HardwareSpec, request: FitRequest, profile: EngineMemoryProfile
) -> VllmMemory | None:
    """Return what a change would hold; ``None`` where the ranks do not divide the model."""
    try:
        return vllm_memory(architecture, hardware, settings_of(request), profile)
    except UsageError:
        return None


def _larger(hardware: HardwareSpec, request: FitRequest) -> Iterator[tuple[str, FitRequest]]:
    """Yield smaller weights, more GPUs, and both."""
    weights, wider = list(_smaller_weights(hardware, request)), list(_more_gpus(request))
    yield from weights
    yield from wider
    for flags, changed in weights:
        for more, spread in wider:
            yield (
                f"{flags} {more}",
                replace(
                    changed,
                    tensor_parallel=spread.tensor_parallel,
                    pipeline_parallel=spread.pipeline_parallel,
                ),
            )


def _shared_out(
    architecture: Architecture,
    hardware: HardwareSpec,
    larger: Sequence[tuple[str, FitRequest]],
    profile: EngineMemoryProfile,
) -> Iterator[tuple[str, FitRequest]]:
    """Yield fewer or shorter sequences on top of each larger configuration."""
    for flags, changed in larger:
        memory = _memory(architecture, hardware, changed, profile)
        if memory is not None:
            for less, smaller in _fewer_tokens(architecture.model, changed, memory):
                yield f"{flags} {less}", smaller


def _smaller_demand(
    model: ModelSpec, request: FitRequest, memory: VllmMemory
) -> Iterator[tuple[str, FitRequest]]:
    yield from _fewer_tokens(model, request, memory)
    if request.concurrency > memory.max_sequences:
        yield f"--max-num-seqs {request.concurrency}", replace(request, max_sequences=request.concurrency)
    if request.kv_dtype in {"auto", "bf16", "fp16"}:
        yield "--kv-dtype fp8", replace(request, kv_dtype="fp8")
    if request.utilization_fraction < 0.95:
        yield "--memory-utilization 0.95", replace(request, utilization_fraction=0.95)


def _fewer_tokens(
    model: ModelSpec, request: FitRequest, memory: VllmMemory
) -> Iterator[tuple[str, FitRequest]]:
    possible = min(int(memory.concurrency(request.context_tokens)), memory.max_sequences)
    if 1 <= possible < request.concurrency:
        yield f"--concurrency {possible}", replace(request, concurrency=possible)
    share = _longest_shared(memory, model.max_context, request.concurrency)
    if 0 < share < request.context_tokens:
        yield f"--context {share}", replace(request, context_tokens=share)


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
    """Yield more ranks, and where a machine has no more, a second machine."""
    ranks = request.tensor_parallel * 2
    while ranks <= MAX_TENSOR_PARALLEL:
        yield f"--tensor-parallel {ranks}", replace(request, tensor_parallel=ranks)
        ranks *= 2
    if request.tensor_parallel == MAX_TENSOR_PARALLEL:
        stages = request.pipeline_parallel * 2
        yield f"--pipeline-parallel {stages}", replace(request, pipeline_parallel=stages)
