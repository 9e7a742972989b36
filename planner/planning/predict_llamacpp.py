"""llama.cpp with one user: tokens per second of the prompt and of the answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.errors import UsageError
from planner.planning.architecture import Architecture
from planner.planning.gguf_weights import gguf_bytes
from planner.planning.kv_groups import kv_bytes_per_token
from planner.planning.step_model import pair_flops
from planner.specs.base import Grade, Quantity
from planner.specs.hardware import HardwareSpec
from planner.specs.profile import ServingProfile, Spread
from planner.units import GB, TERA

BORROWED_WIDTH = 2.0  #: interval in log space of a class without its own fit, against the fitted one


@dataclass(frozen=True, kw_only=True, slots=True)
class SingleStream:
    """Speed of one request."""

    prefill_tokens_per_s: Quantity | None
    """``None`` where the books have no matrix rate for the device."""
    decode_tokens_per_s: Quantity


def single_stream(
    architecture: Architecture,
    hardware: HardwareSpec,
    profiles: tuple[ServingProfile, ...],
    *,
    quantization: str,
    input_tokens: float,
    output_tokens: float,
    devices: int = 1,
) -> SingleStream:
    """Return the speed of one request on one device, or on several that hold a share of the layers each.

    An answer's token reads every active weight and the cache once; layers on other devices wait for their turn, so
    more devices do not make it faster.

    Raises
    ------
    UsageError
        When the quantization is unknown, the model does not fit, or no profile is loaded.
    """
    chosen, width, grade = _profile(profiles, hardware)
    numbers = chosen.numbers()
    del devices
    decode_s, prefill_s, attend_s = datasheet_s(
        architecture, hardware, quantization=quantization, context_tokens=input_tokens + output_tokens / 2
    )
    prefill = numbers["compute"] * prefill_s + numbers["attention_compute"] * attend_s * input_tokens / 2
    decode = numbers["read"] * decode_s + numbers["kernel_s"] * architecture.model.layers
    return SingleStream(
        prefill_tokens_per_s=_rate(1.0 / prefill, chosen.ttft, width, grade) if prefill < np.inf else None,
        decode_tokens_per_s=_rate(1.0 / decode, chosen.tpot, width, grade),
    )


def datasheet_s(
    architecture: Architecture, hardware: HardwareSpec, *, quantization: str, context_tokens: float
) -> tuple[float, float, float]:
    """Return the datasheet's time of an answer token, a prompt token, and a pair of prompt tokens that attend [s].

    The times of a prompt are infinite where the books have no matrix rate for the device.
    """
    model, parts, active = architecture.model, architecture.parameters, architecture.active
    stored = gguf_bytes(architecture, quantization)
    held = parts.total - parts.embeddings - parts.head
    passed = active.total - active.embeddings - active.head
    read = stored.layers * passed / held + stored.output + kv_bytes_per_token(model) * context_tokens
    rate = hardware.tflops.get("fp16") or hardware.tflops.get("bf16") or hardware.tflops.get("fp32")
    decode = read / (hardware.bandwidth_gb_per_s * GB)
    if not rate:
        return decode, np.inf, np.inf
    pair = sum(pair_flops(group) for group in model.attention)
    return decode, 2 * passed / (rate * TERA), pair / (rate * TERA)


def device_class(hardware: HardwareSpec) -> str:
    """Return whose kernels and which of its lines a device has: game cards keep more of their stated rate."""
    vendor = hardware.vendor.lower()
    return f"{vendor}-consumer" if hardware.kind == "consumer-gpu" else vendor


def _profile(
    profiles: tuple[ServingProfile, ...], hardware: HardwareSpec
) -> tuple[ServingProfile, float, Grade]:
    own = [each for each in profiles if each.engine == "llamacpp"]
    if not own:
        raise UsageError("no llama.cpp profile is loaded", cure="load planner/profiles/llamacpp.json")
    for each in own:
        if each.hardware_class == device_class(hardware):
            return each, 1.0, "fitted"
    return own[0], BORROWED_WIDTH, "datasheet"


def _rate(value: float, spread: Spread, width: float, grade: Grade) -> Quantity:
    """Return a rate with the interval of its error factor, which is that of times."""
    return Quantity(value=value, low=value * spread.low**width, high=value * spread.high**width, grade=grade)
