"""llama.cpp with one user: tokens per second of the prompt and of the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from planner.errors import DataError, UsageError
from planner.planning.architecture import Architecture
from planner.planning.gguf_weights import gguf_bytes
from planner.planning.kv_groups import kv_bytes_per_token
from planner.planning.step_model import pair_flops
from planner.specs.base import Grade, Quantity
from planner.specs.books import Shelf
from planner.specs.hardware import HardwareSpec
from planner.specs.model import ModelSpec
from planner.specs.profile import ServingProfile, Spread
from planner.units import GB, TERA

BORROWED_WIDTH = 2.0  #: interval in log space of a class without its own fit, against the fitted one
# How llama.cpp's own tables and file names write types: "Q4_K - Medium", "ggml-model-q4_0", "mostly F16".
QUANTIZATION = re.compile(
    r"(?:^|[^a-z0-9])((?:iq\d_[a-z0-9]+|q\d(?:_k_[sml]|_k|_\d)|bf16|f16|f32))(?![a-z0-9])"
)
WORDS = {" - medium": "_m", " - small": "_s", " - large": "_l"}
# Before the second version the weights had no name but their size.
UNNAMED = re.compile(r"^(?P<size>\d+b)(?P<second>-v2)?$")


@dataclass(frozen=True, kw_only=True, slots=True)
class SingleStream:
    """Speed of one request."""

    prefill_tokens_per_s: Quantity
    decode_tokens_per_s: Quantity


def quantization_of(name: str) -> str | None:
    """Return the GGUF type that a model's or file's name states, in planner's spelling.

    >>> quantization_of("Llama-3 llama 8B Q4_K - Medium"), quantization_of("7B-v2 ggml-model-f16.gguf")
    ('q4_k_m', 'f16')
    """
    lowered = name.lower()
    for words, suffix in WORDS.items():
        lowered = lowered.replace(words, suffix)
    found = QUANTIZATION.findall(lowered)
    if not found:
        return None
    return f"{found[-1]}_m" if found[-1].endswith("_k") else str(found[-1])


def model_of(models: Shelf[ModelSpec], name: str) -> str | None:
    """Return the id of the model that a file's or tag's name means, or ``None``."""
    plain = name.lower()
    for words, suffix in WORDS.items():
        plain = plain.replace(words, suffix)
    plain = QUANTIZATION.sub("", plain.removesuffix(".gguf").replace("ggml-model", ""))
    plain = plain.replace(" llama ", " ").replace("mostly", "").strip(" -_.:")
    unnamed = UNNAMED.match(plain)
    if unnamed:
        plain = f"llama-2-{unnamed['size']}" if unnamed["second"] else f"llama-{unnamed['size']}"
    for candidate in (name, plain, plain.replace(":", "-").replace(" ", "-")):
        ids = models.ids_of(candidate)
        if len(ids) == 1:
            return ids[0]
    return None


def single_stream(
    architecture: Architecture,
    hardware: HardwareSpec,
    profiles: tuple[ServingProfile, ...],
    *,
    quantization: str,
    input_tokens: float,
    output_tokens: float,
) -> SingleStream:
    """Return the speed of one request on one device, or on several that hold a share of the layers each.

    An answer's token reads every active weight and the cache once; layers on other devices wait for their turn, so
    more devices do not make it faster.

    Raises
    ------
    UsageError
        When the quantization is unknown, or the model does not fit into the device's memory.
    DataError
        When there is no profile, or the books have no matrix rate.
    """
    chosen, width, grade = _profile(profiles, hardware)
    numbers = chosen.numbers()
    decode_s, prefill_s, attend_s = datasheet_s(
        architecture, hardware, quantization=quantization, context_tokens=input_tokens + output_tokens / 2
    )
    prefill = numbers["compute"] * prefill_s + numbers["attention_compute"] * attend_s * input_tokens / 2
    decode = numbers["read"] * decode_s + numbers["kernel_s"] * architecture.model.layers
    return SingleStream(
        prefill_tokens_per_s=_rate(1.0 / prefill, chosen.ttft, width, grade),
        decode_tokens_per_s=_rate(1.0 / decode, chosen.tpot, width, grade),
    )


def datasheet_s(
    architecture: Architecture, hardware: HardwareSpec, *, quantization: str, context_tokens: float
) -> tuple[float, float, float]:
    """Return the datasheet's time of an answer token, a prompt token, and a pair of prompt tokens that attend [s].

    Raises
    ------
    DataError
        When the books have no matrix rate for the device.
    """
    model, parts, active = architecture.model, architecture.parameters, architecture.active
    stored = gguf_bytes(architecture, quantization)
    held = parts.total - parts.embeddings - parts.head
    passed = active.total - active.embeddings - active.head
    read = stored.layers * passed / held + stored.output + kv_bytes_per_token(model) * context_tokens
    rate = hardware.tflops.get("fp16") or hardware.tflops.get("bf16") or hardware.tflops.get("fp32")
    if not rate:
        raise DataError(
            f"the books have no matrix rate for {hardware.name}",
            cure="add tflops to its row of hardware.yaml",
        )
    pair = sum(pair_flops(group) for group in model.attention)
    return read / (hardware.bandwidth_gb_per_s * GB), 2 * passed / (rate * TERA), pair / (rate * TERA)


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
