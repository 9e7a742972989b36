"""Decide whether llama.cpp can run a model on a device: all of it, or with layers left in host memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from planner.errors import UsageError
from planner.formulas.kv_cache import multi_head_bound_bytes_per_token
from planner.formulas.llamacpp import cache_cells, compute_buffer_bytes
from planner.planning.memory.architecture import Architecture
from planner.planning.memory.gguf_mixtures import mixture
from planner.planning.memory.gguf_weights import GgufBytes, gguf_bytes
from planner.planning.memory.kv_groups import (
    CacheGroup,
    cache_groups,
    kv_bytes_of_sequence,
    kv_bytes_per_token,
    kv_element_bytes,
)
from planner.planning.memory.shortage import check_request, room_for, size_text, sized
from planner.planning.memory.versions import untold_notices
from planner.records import dataclass
from planner.specs.answers.fit import Fit, FitChange, FitRequest, MemoryPart
from planner.specs.base import Notice
from planner.specs.books.hardware import HardwareSpec
from planner.specs.books.model import ModelSpec
from planner.units import GIB, Ratio

MAX_CHANGES = 4
PHYSICAL_BATCH = 512  # llama.cpp's default --ubatch-size
DISCRETE = frozenset({"gpu", "consumer-gpu", "accelerator"})
# CUDA's context and the libraries' buffers, which no start-up line of llama.cpp counts; assumed.
DISCRETE_OVERHEAD_GIB = 0.4
SMALLER = ("q8_0", "q6_k", "q5_k_m", "q4_k_m", "q3_k_m", "q2_k")


@dataclass(frozen=True, kw_only=True, slots=True)
class LlamaCppMemory:
    """llama.cpp's buffers on one device [bytes]."""

    usable_bytes: float
    weights: GgufBytes
    groups: tuple[CacheGroup, ...]
    compute_bytes: float
    overhead_bytes: float
    keeps_embedding: bool
    """Whether the embedding lies in the same memory: not beside a discrete GPU."""
    layer_share: Ratio = 1.0
    """Share of the layers on the device; below 1 or with ``output_on_host``, the rest lies in host memory."""
    output_on_host: bool = False
    full_windows: bool = False
    """Whether layers with a sliding window keep the whole context."""

    @property
    def weights_bytes(self) -> float:
        """Model buffer on the device [bytes]."""
        output = 0.0 if self.output_on_host else self.weights.output
        held = self.weights.layers * self.layer_share + output
        # unified memory maps the file once, tied output and embedding are one tensor there
        return self.weights.file if self.keeps_embedding else held

    @property
    def room_bytes(self) -> float:
        """What is left for the KV cache [bytes]; negative when even the weights do not fit."""
        return self.usable_bytes - self.weights_bytes - self.compute_bytes - self.overhead_bytes

    def cache_bytes(self, *, context_tokens: float, slots: float, full_windows: bool = False) -> float:
        """KV buffer as allocated at start [bytes]."""
        total = 0.0
        for group in self.groups:
            window = None if full_windows or self.full_windows or group.kind != "sliding" else group.window
            cells = cache_cells(
                context_tokens=context_tokens, slots=slots, window=window, batch_tokens=PHYSICAL_BATCH
            )
            total += group.layers * (group.token_bytes * float(cells) + group.state_bytes * slots)
        return total * self.layer_share

    def most(self, limit: int, asked: int, *, slots: bool) -> int:
        """Most slots of ``asked`` tokens, or longest context of ``asked`` slots, up to ``limit``; 0 for none."""
        low, high = 0, limit + 1
        while high - low > 1:
            middle = (low + high) // 2
            context, sequences = (asked, middle) if slots else (middle, asked)
            needed = self.cache_bytes(context_tokens=context, slots=sequences)
            low, high = (middle, high) if needed <= self.room_bytes else (low, middle)
        return low


MOST_SLOTS = 256  # llama.cpp's LLAMA_MAX_SEQ


def llamacpp_memory(
    architecture: Architecture, hardware: HardwareSpec, request: FitRequest
) -> LlamaCppMemory:
    """Return llama.cpp's buffers with every layer on the device."""
    model = architecture.model
    discrete = hardware.kind in DISCRETE
    kept = request.gpu_layers if discrete and request.gpu_layers is not None else model.layers + 1
    element = kv_element_bytes("f16" if request.kv_dtype == "auto" else request.kv_dtype, model=model)
    return LlamaCppMemory(
        usable_bytes=(hardware.memory_gib * hardware.usable_fraction - hardware.reserved_gib) * GIB,
        weights=gguf_bytes(architecture, request.quantization),
        groups=cache_groups(model, element_bytes=element, wide_states=True),
        compute_bytes=float(
            compute_buffer_bytes(vocab=model.vocab, hidden=model.hidden, batch_tokens=PHYSICAL_BATCH)
        ),
        overhead_bytes=DISCRETE_OVERHEAD_GIB * GIB if discrete else 0.0,
        keeps_embedding=not discrete,
        layer_share=min(kept / model.layers, 1.0),
        output_on_host=kept <= model.layers,
        full_windows=request.swa_full,
    )


def fit_llamacpp(architecture: Architecture, hardware: HardwareSpec, request: FitRequest) -> Fit:
    """Return whether llama.cpp can hold a model on a device, and verified changes when it cannot.

    Raises
    ------
    UsageError
        When the question makes no sense for llama.cpp.
    """
    check_request(architecture.model, request)
    if request.tensor_parallel * request.pipeline_parallel != 1:
        raise UsageError(
            "planner fit answers for one device under llama.cpp", cure="leave the parallel flags out"
        )
    hardware = sized(hardware, request)
    answer = _answer(architecture, hardware, request)
    if answer.fits:
        return answer
    return replace(answer, changes=tuple(_changes(architecture, hardware, request, answer)))


def _answer(architecture: Architecture, hardware: HardwareSpec, request: FitRequest) -> Fit:
    model, memory = architecture.model, llamacpp_memory(architecture, hardware, request)
    element = kv_element_bytes("f16" if request.kv_dtype == "auto" else request.kv_dtype, model=model)
    needed = memory.cache_bytes(context_tokens=request.context_tokens, slots=request.concurrency)
    per_token = kv_bytes_per_token(model, element_bytes=element)
    on_device = per_token * memory.layer_share
    shortage = needed - memory.room_bytes
    at_once = memory.most(MOST_SLOTS, request.context_tokens, slots=True)
    longest = memory.most(model.max_context, 1, slots=False)
    name, _ = mixture(request.quantization, model=model)
    return Fit(
        model=model.id,
        hardware=hardware.id,
        engine="llamacpp",
        fits=shortage <= 0,
        reason=room_for(at_once, request.context_tokens)
        if shortage <= 0
        else _reason(memory, shortage, needed),
        changes=(),
        gpus=1,
        quantization=name,
        kv_dtype=request.kv_dtype,
        tensor_parallel=1,
        pipeline_parallel=1,
        context_tokens=request.context_tokens,
        concurrency=request.concurrency,
        parameters=architecture.parameters.total,
        active_parameters=architecture.active.total,
        physical_bytes=hardware.memory_gib * GIB,
        budget_bytes=memory.usable_bytes,
        weights_bytes_per_gpu=memory.weights_bytes,
        kv_pool_bytes_per_gpu=max(0.0, memory.room_bytes),
        kv_bytes_per_token=per_token,
        kv_bytes_per_token_per_gpu=on_device,
        kv_bytes_per_sequence_per_gpu=kv_bytes_of_sequence(memory.groups, tokens=request.context_tokens)
        * memory.layer_share,
        multi_head_bound_bytes_per_token=float(
            multi_head_bound_bytes_per_token(layers=model.layers, hidden=model.hidden, element_bytes=element)
        ),
        kv_pool_tokens=int(max(0.0, memory.room_bytes) // on_device) if on_device else 0,
        max_context_tokens=longest,
        max_concurrency=at_once,
        shortage_bytes=max(0.0, shortage),
        parts=_parts(memory, hardware, needed),
        grade="fitted" if hardware.confidence == "datasheet" else "assumed",
        notices=(*untold_notices("llamacpp", request.version), *_notices(memory, model, needed)),
    )


def _parts(memory: LlamaCppMemory, hardware: HardwareSpec, needed: float) -> tuple[MemoryPart, ...]:
    free = memory.room_bytes - needed
    pieces = (
        ("weights", memory.weights_bytes),
        ("compute buffer", memory.compute_bytes),
        ("driver", memory.overhead_bytes),
        ("KV cache", needed),
        ("free", free),
        ("left to others", hardware.memory_gib * GIB - memory.usable_bytes),
    )
    return tuple(MemoryPart(name=name, bytes=size) for name, size in pieces if size > 0)


def _reason(memory: LlamaCppMemory, shortage: float, needed: float) -> str:
    short = f"{size_text(shortage)} short"
    usable = f"{memory.usable_bytes / GIB:,.2f} GiB"
    if memory.room_bytes <= 0:
        return f"weights of {memory.weights_bytes / GIB:,.2f} GiB and buffers exceed the usable {usable}: {short}"
    return f"a KV cache of {needed / GIB:,.2f} GiB exceeds what the weights leave of {usable}: {short}"


def _notices(memory: LlamaCppMemory, model: ModelSpec, needed: float) -> Iterator[Notice]:
    if memory.output_on_host:
        left = 1.0 - memory.layer_share
        weights = memory.weights.layers * left + memory.weights.output
        yield Notice(
            code="host-layers",
            message=f"{round(model.layers * left)} of {model.layers} layers and the output stay in host memory: "
            f"{size_text(weights)} of weights, {size_text(needed / memory.layer_share * left)} of cache",
            cure="expect the speed of host memory for that share",
        )
    if not memory.full_windows and any(group.kind == "sliding" for group in memory.groups):
        yield Notice(
            code="swa",
            message=f"{model.id} has sliding windows: llama.cpp keeps only those cells, unless --swa-full is given",
            cure="prompt reuse across turns needs --swa-full, which takes the whole context in every layer",
        )


def _changes(
    architecture: Architecture, hardware: HardwareSpec, request: FitRequest, answer: Fit
) -> Iterator[FitChange]:
    """Yield what fits: fewer or shorter sequences, a smaller cache, a smaller file, fewer layers on the device."""
    found = 0
    for flags, changed in _candidates(architecture, hardware, request, answer):
        result = _answer(architecture, hardware, changed)
        if result.fits and found < MAX_CHANGES:
            found += 1
            yield FitChange(flags=flags, effect=result.reason)
    memory = llamacpp_memory(architecture, hardware, replace(request, gpu_layers=None))
    layers = _layers_that_fit(memory, architecture.model, request)
    if hardware.kind in DISCRETE and layers > 0:
        yield FitChange(
            flags=f"--gpu-layers {layers}",
            effect=f"llama.cpp runs the other {architecture.model.layers - layers} layers from host memory, slower",
        )


def _candidates(
    architecture: Architecture, hardware: HardwareSpec, request: FitRequest, answer: Fit
) -> Iterator[tuple[str, FitRequest]]:
    if 1 <= answer.max_concurrency < request.concurrency:
        yield f"--concurrency {answer.max_concurrency}", replace(request, concurrency=answer.max_concurrency)
    memory = llamacpp_memory(architecture, hardware, request)
    context = memory.most(architecture.model.max_context, request.concurrency, slots=False)
    if 0 < context < request.context_tokens:
        yield f"--context {context}", replace(request, context_tokens=context)
    if request.kv_dtype in {"auto", "f16", "fp16"}:
        yield "--kv-dtype q8_0", replace(request, kv_dtype="q8_0")
    size = memory.weights.file
    for name in SMALLER:
        if gguf_bytes(architecture, name).file < size:
            yield f"--quantization {name}", replace(request, quantization=name)


def _layers_that_fit(memory: LlamaCppMemory, model: ModelSpec, request: FitRequest) -> int:
    """Layers under ``--gpu-layers`` whose weights and cache fit beside the buffers; the output stays behind."""
    cache = memory.cache_bytes(context_tokens=request.context_tokens, slots=request.concurrency)
    per_layer = (memory.weights.layers + cache) / model.layers
    room = memory.usable_bytes - memory.compute_bytes - memory.overhead_bytes
    return min(model.layers, max(0, int(room // per_layer)))
