"""llama.cpp's work for one user at datasheet speed: what a token of the prompt and of the answer has to move and multiply."""

from __future__ import annotations

import numpy as np

from planner.errors import UsageError
from planner.planning.memory.architecture import Architecture
from planner.planning.memory.fit_llamacpp import DISCRETE, llamacpp_memory
from planner.planning.memory.gguf_mixtures import mixture
from planner.planning.memory.gguf_weights import gguf_bytes
from planner.planning.memory.kv_groups import cache_groups, kv_bytes_of_sequence
from planner.planning.prediction.device_rates import powered_fraction
from planner.planning.prediction.step_model import pair_flops
from planner.records import dataclass
from planner.specs.answers.fit import FitRequest
from planner.specs.books.hardware import ComputeDtype, HardwareSpec
from planner.specs.books.model import HeadAttention, LatentAttention, LinearAttention, ModelSpec
from planner.units import GB, GIB, TERA, MeanCount, Ratio

REFERENCE_MHZ = 1700.0  #: clock at which ``kernel_s`` is stated
FLOATS = frozenset({"f32", "f16", "bf16"})
# Layers that do not fit a graphics card are computed from host memory; which one, a table never says. Two channels of
# DDR4 or DDR5 have 50 to 90 GB/s on paper; half of 23 models that llmfit's desktops kept there in part were read faster
# than this.
HOST_BYTES_PER_S = 40e9

MULTIPLIED: tuple[ComputeDtype, ...] = ("fp16", "bf16", "fp32")
PROCESSORS = frozenset({"cpu", "sbc"})
FASTEST_READ = 0.9  #: of the datasheet's time; overclocked memory has been seen 5 % above it
FASTEST_PRODUCT = 0.25  #: 16-bit sums double what datasheets state for game cards, 8-bit products once more


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamWork:
    """A request's work at datasheet speed: per token of the answer, and per token of the prompt [s]."""

    weights_s: float
    cache_s: float
    query_s: float  #: reading the cache once for each query head, as kernels without flash attention do
    compute_s: float  #: infinite where the books have no matrix rate
    pair_s: float  #: one prompt token against one key
    score_s: float  #: one byte for each head of one prompt token against one key
    pass_s: float  #: one byte for each weight that the model holds
    layers: float
    linear_layers: float
    """Layers of gated delta attention, which llama.cpp builds of many small kernels; 0 where they are one."""
    slower_clock: Ratio  #: reference clock over the device's
    threads: MeanCount  #: of a processor, which meet after every kernel; 0 elsewhere
    experts: bool
    quantised: bool
    k_quantised: bool
    """Weights in super-blocks of 256 with scales of their own, slow to unpack in early builds."""
    spilled_s: float
    """Reading what does not fit the device's memory from the host."""
    hidden: MeanCount  #: width of the residual stream


def stream_work(
    architecture: Architecture,
    hardware: HardwareSpec,
    *,
    quantization: str,
    context_tokens: float,
    reserved_tokens: float = 0.0,
    devices: int = 1,
    fused: bool = False,
) -> StreamWork:
    """Return a request's work at datasheet speed; the cache is reserved at start, for longer contexts than are used.

    ``fused`` engines (MLX) run a layer of linear attention as one kernel.

    Raises
    ------
    UsageError
        When the quantization is unknown, or the model does not fit into memory that host and device share.
    """
    model, parts, active = architecture.model, architecture.parameters, architecture.active
    name, _ = mixture(quantization, model=model)
    stored = gguf_bytes(architecture, quantization)
    held = parts.total - parts.embeddings - parts.head
    passed = active.total - active.embeddings - active.head
    cache = kv_bytes_of_sequence(cache_groups(model, element_bytes=2.0), tokens=context_tokens)
    longest = max(context_tokens, reserved_tokens)
    spilled = _spilled_fraction(architecture, hardware, name, context_tokens=longest, devices=devices)
    read = stored.layers * passed / held + stored.output
    bandwidth = hardware.bandwidth_gb_per_s * GB
    rate = _matrix_tflops(hardware, quantised=name not in FLOATS)
    pair = sum(pair_flops(group) for group in model.attention)
    return StreamWork(
        weights_s=read * (1.0 - spilled) / bandwidth,
        cache_s=cache / bandwidth,
        query_s=pair * context_tokens / bandwidth,  # a key and a value in 16 bits: as many bytes as FLOP
        compute_s=2 * passed / (rate * TERA) if rate else np.inf,
        pair_s=pair / (rate * TERA) if rate else np.inf,
        score_s=_heads(model) / bandwidth,
        pass_s=held * (1.0 - spilled) / bandwidth,
        layers=float(model.layers),
        linear_layers=0.0 if fused else _linear_layers(model),
        slower_clock=REFERENCE_MHZ / (hardware.boost_mhz or REFERENCE_MHZ),
        threads=float(hardware.cores or 0),
        experts=bool(model.moe),
        quantised=name not in FLOATS,
        k_quantised="_k" in name,
        spilled_s=read * spilled / HOST_BYTES_PER_S,
        hidden=float(model.hidden),
    )


def impossible(work: StreamWork, *, time_s: float, prefill: bool, devices: int = 1) -> bool:
    """Tell whether a token took less than the devices can do: a draft model was at work, or the run failed."""
    if prefill:
        return time_s < FASTEST_PRODUCT * work.compute_s / devices < np.inf
    return time_s < FASTEST_READ * work.weights_s / devices


def _matrix_tflops(hardware: HardwareSpec, *, quantised: bool) -> float | None:
    """Return the rate of products [TFLOP/s]: processors multiply quantised weights as 8-bit integers.

    With it both a Raspberry Pi 4, which has no such instructions, and a Pi 5, which has, take 3.6 times as long as
    their datasheets; with the 16-bit rate the Pi 4 takes more than twice as long as the Pi 5.
    """
    kinds: tuple[ComputeDtype, ...] = ("int8",) if quantised and hardware.kind in PROCESSORS else ()
    rates = hardware.tflops
    stated = next((rates[each] for each in (*kinds, *MULTIPLIED) if each in rates), None)
    return None if stated is None else stated * powered_fraction(hardware)


def _linear_layers(model: ModelSpec) -> float:
    """Return the layers of gated delta attention."""
    return float(sum(group.layers for group in model.attention if isinstance(group, LinearAttention)))


def _heads(model: ModelSpec) -> float:
    """Return the query heads of all layers that keep a cache."""
    return float(
        sum(
            group.layers * group.heads
            for group in model.attention
            if isinstance(group, HeadAttention | LatentAttention)
        )
    )


def _spilled_fraction(
    architecture: Architecture, hardware: HardwareSpec, name: str, *, context_tokens: float, devices: int
) -> float:
    """Return the share of a model that is left in host memory.

    Raises
    ------
    UsageError
        When host and device share their memory, so that there is no other.
    """
    model = architecture.model
    memory = llamacpp_memory(architecture, hardware, FitRequest(engine="llamacpp", quantization=name))
    stored = memory.weights.layers + memory.weights.output
    if hardware.kind in DISCRETE:
        cache = memory.cache_bytes(context_tokens=context_tokens, slots=1.0)
        needed = stored + cache + devices * (memory.compute_bytes + memory.overhead_bytes)
        short = needed - devices * memory.usable_bytes
        return min(max(short, 0.0) / (stored + cache), 1.0)
    needed = stored + kv_bytes_of_sequence(memory.groups, tokens=context_tokens)
    room = devices * memory.usable_bytes
    if needed > room:
        raise UsageError(
            f"{model.id} as {name} needs {needed / GIB:,.1f} GiB, and {hardware.name} leaves {room / GIB:,.1f} GiB",
            cure="choose a smaller --quantization or a device with more memory",
        )
    return 0.0
