"""llama.cpp with one user: tokens per second of the prompt and of the answer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from planner.errors import UsageError
from planner.formulas.llamacpp import pipelined_share
from planner.planning.memory.architecture import Architecture
from planner.planning.memory.gguf_weights import gguf_bytes, mixture
from planner.planning.memory.kv_groups import cache_groups, kv_bytes_of_sequence
from planner.planning.prediction.step_model import pair_flops
from planner.records import dataclass
from planner.specs.base import Grade, Quantity
from planner.specs.hardware import HardwareSpec
from planner.specs.profile import ServingProfile, Spread
from planner.units import GB, GIB, TERA

BORROWED_WIDTH = 2.0  #: interval in log space of a class without its own fit, against the fitted one
REFERENCE_MHZ = 1700.0  #: clock at which ``kernel_s`` is stated
FLOATS = frozenset({"f32", "f16", "bf16"})
# Layers that do not fit a graphics card are computed from host memory; which one, a table never says: two channels
# of DDR4 or DDR5 reach 35 to 80 GB/s.
HOST_BYTES_PER_S = 50e9
# Interval where the host decides: its memory, or, with split matrices, its PCIe lanes.
SPILLED_WIDTH = 3.0
HBM = frozenset({7.0, 8.0, 9.0, 10.0, 10.3})  #: compute capabilities of V100, A100, H100, B200, B300
PASCAL = 7.0  #: before this compute capability there are no matrix units
PHYSICAL_BATCH = 512.0  #: llama.cpp's --ubatch-size
# Splitting each matrix over the cards was the only way until layers could be split (llama.cpp PR 4766, build 1842).
LAYER_SPLIT_BUILD = 1842
SHARED_MEMORY = frozenset({"unified-soc", "edge-soc", "laptop-soc", "phone-soc", "sbc", "cpu"})


@dataclass(frozen=True, kw_only=True, slots=True)
class SingleStream:
    """Speed of one request."""

    prefill_tokens_per_s: Quantity | None
    """``None`` where the books have no matrix rate for the device."""
    decode_tokens_per_s: Quantity


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamWork:
    """A request's work at datasheet speed: per token of the answer, and per token of the prompt [s]."""

    weights_s: float
    cache_s: float
    compute_s: float  #: infinite where the books have no matrix rate
    pair_s: float  #: one prompt token against one key
    layers: float
    slower_clock: float  #: reference clock over the device's
    experts: bool
    quantised: bool
    spilled_s: float
    """Reading what does not fit the device's memory from the host."""
    hidden: float


def single_stream(
    architecture: Architecture,
    hardware: HardwareSpec,
    profiles: tuple[ServingProfile, ...],
    *,
    quantization: str,
    input_tokens: float,
    output_tokens: float,
    devices: int = 1,
    build: int | None = None,
) -> SingleStream:
    """Return the speed of one request on one device, or on several that hold a share of the layers each.

    An answer's token reads every active weight and the cache once; layers on other devices wait for their turn, so
    more devices do not make it faster. A long prompt passes them in a pipeline. Old builds split every matrix.

    Raises
    ------
    UsageError
        When the quantization is unknown, the model does not fit, or no profile is loaded.
    """
    chosen, width, grade = stream_profile(profiles, hardware)
    numbers = chosen.numbers()
    work = stream_work(
        architecture,
        hardware,
        quantization=quantization,
        context_tokens=input_tokens + output_tokens / 2,
        devices=devices,
    )
    old = build is not None and build < LAYER_SPLIT_BUILD
    decode = decode_s(work, numbers, devices=devices, old_build=old)
    prefill = prefill_s(work, numbers, input_tokens=max(input_tokens, 1.0), devices=devices, old_build=old)
    width = max(width, SPILLED_WIDTH) if work.spilled_s or (old and devices > 1) else width
    grade = "assumed" if work.spilled_s else grade
    return SingleStream(
        prefill_tokens_per_s=_rate(1.0 / prefill, chosen.ttft, width, grade) if prefill < np.inf else None,
        decode_tokens_per_s=_rate(1.0 / decode, chosen.tpot, width, grade),
    )


def stream_work(
    architecture: Architecture,
    hardware: HardwareSpec,
    *,
    quantization: str,
    context_tokens: float,
    devices: int = 1,
) -> StreamWork:
    """Return a request's work at datasheet speed.

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
    share = passed / held
    room = devices * (hardware.memory_gib * hardware.usable_fraction - hardware.reserved_gib) * GIB
    needed = stored.layers + stored.output + cache
    spilled = max(0.0, 1.0 - room / needed)
    if spilled and hardware.kind in SHARED_MEMORY:
        raise UsageError(
            f"{model.id} as {name} needs {needed / GIB:,.1f} GiB, and {hardware.name} leaves {room / GIB:,.1f} GiB",
            cure="choose a smaller --quantization or a device with more memory",
        )
    read = stored.layers * share + stored.output
    bandwidth = hardware.bandwidth_gb_per_s * GB
    rate = hardware.tflops.get("fp16") or hardware.tflops.get("bf16") or hardware.tflops.get("fp32")
    pair = sum(pair_flops(group) for group in model.attention)
    return StreamWork(
        weights_s=read * (1.0 - spilled) / bandwidth,
        cache_s=cache / bandwidth,
        compute_s=2 * passed / (rate * TERA) if rate else np.inf,
        pair_s=pair / (rate * TERA) if rate else np.inf,
        layers=float(model.layers),
        slower_clock=REFERENCE_MHZ / (hardware.boost_mhz or REFERENCE_MHZ),
        experts=bool(model.moe),
        quantised=name not in FLOATS,
        spilled_s=read * spilled / HOST_BYTES_PER_S,
        hidden=float(model.hidden),
    )


def decode_s(
    work: StreamWork, numbers: Mapping[str, float], *, devices: int = 1, old_build: bool = False
) -> float:
    """Return the time of one token of the answer [s]."""
    split_rows = devices if old_build else 1
    kernels = numbers["kernel_s"] * work.slower_clock * (numbers["expert_kernels"] if work.experts else 1.0)
    arithmetic = numbers["decode_compute"] * work.compute_s if np.isfinite(work.compute_s) else 0.0
    joined = numbers["all_reduce_s"] if split_rows > 1 else 0.0
    return (
        numbers["read"] * work.weights_s / split_rows
        + numbers["cache_read"] * work.cache_s
        + (kernels + joined) * work.layers
        + arithmetic / split_rows
        + work.spilled_s
    )


def prefill_s(
    work: StreamWork,
    numbers: Mapping[str, float],
    *,
    input_tokens: float,
    devices: int = 1,
    old_build: bool = False,
) -> float:
    """Return the time of one token of a prompt [s]; old builds prepared their matrix library within the first."""
    compute = numbers["quantised_compute"] if work.quantised else numbers["compute"]
    pairs = numbers["attention_compute"] * work.pair_s * input_tokens / 2
    alone = compute * work.compute_s + pairs + 2.0 * work.spilled_s / PHYSICAL_BATCH
    if old_build and devices > 1:
        return alone / devices + numbers["link"] * work.layers * work.hidden
    if old_build:
        return alone + numbers["first_token_s"] / input_tokens
    share = pipelined_share(stages=devices, batches=np.ceil(input_tokens / PHYSICAL_BATCH))
    return alone * (float(share) * numbers["step_s"] if devices > 1 else 1.0)


def device_class(hardware: HardwareSpec) -> str:
    """Return the line of devices that share a profile: their datasheets state rates alike, and their kernels are one.

    Game cards state matrix rates with 32-bit sums, workstation cards of the same chips twice that; HBM cards clock
    lower; before compute capability 7 there were no matrix units.
    """
    vendor, kind = hardware.vendor.lower(), hardware.kind
    if kind in {"cpu", "sbc"}:
        return "cpu"
    if vendor == "apple":
        return "apple-m1" if hardware.id.startswith("apple-m1") else "apple"
    return f"nvidia-{_nvidia_line(hardware)}" if vendor == "nvidia" else vendor


def _nvidia_line(hardware: HardwareSpec) -> str:
    capability = _capability(hardware)
    if hardware.kind not in {"gpu", "consumer-gpu"}:
        return "soc"
    if capability < PASCAL:
        return "pascal"
    if hardware.kind == "consumer-gpu":
        return "consumer"
    return "hbm" if capability in HBM else "workstation"


def _capability(hardware: HardwareSpec) -> float:
    try:
        return float(hardware.compute_capability or 0.0)
    except ValueError:
        return 0.0


def stream_profile(
    profiles: tuple[ServingProfile, ...], hardware: HardwareSpec
) -> tuple[ServingProfile, float, Grade]:
    """Return a device's profile, how much wider its interval is, and its grade.

    Raises
    ------
    UsageError
        When no profile of llama.cpp is loaded.
    """
    own = [each for each in profiles if each.engine == "llamacpp"]
    if not own:
        raise UsageError("no llama.cpp profile is loaded", cure="load planner/profiles/llamacpp.json")
    for each in own:
        if each.hardware_class == device_class(hardware):
            return each, 1.0, each.grade
    return own[0], BORROWED_WIDTH, "datasheet"


def _rate(value: float, spread: Spread, width: float, grade: Grade) -> Quantity:
    """Return a rate with the interval of its error factor, which is that of times."""
    return Quantity(value=value, low=value * spread.low**width, high=value * spread.high**width, grade=grade)
