"""Weight quantisation as serving engines load it: what is quantised, at how many bits, and what may run it."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import Literal

from planner.errors import UsageError
from planner.planning.memory.tensors import TensorClass
from planner.records import dataclass
from planner.specs.books.hardware import ComputeDtype, HardwareSpec
from planner.specs.books.model import ModelSpec
from planner.units import Count

Multiplied = Literal["fp32", "fp16", "bf16", "fp8", "int8", "fp4"]

LINEAR: frozenset[TensorClass] = frozenset({"attention", "mlp", "experts", "shared_experts"})
# The router, norms, embeddings and head stay in the model's own type in every scheme below.


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightScheme:
    """How weights are stored. ``scale_rows``/``scale_columns`` 0 means one scale for the whole extent."""

    name: str
    weight_bits: float
    rest_bits: float = 16.0
    """Bits of everything that is not covered: the type of the activations."""
    scale_bits: float = 0.0
    scale_rows: Count = 1
    scale_columns: Count = 0
    overhead_bits: float = 0.0
    """What the engine's kernels add to a weight [bits]."""
    covers: frozenset[TensorClass] = LINEAR
    plain_ends: bool = False
    """Whether the first and the last layer are left as they are."""
    multiplies: Multiplied = "bf16"
    """The type in which products are formed; weight-only schemes multiply in 16 bits."""


# Sources: vLLM quantization layers; compressed-tensors; the OCP MX and NVFP4 block formats (research note 3).
# AWQ and GPTQ: 0.14 bits beyond weights, scales and zero points, fitted on two start-up logs
# (Qwen2.5-7B-Instruct-AWQ 5.29 GiB, Qwen2.5-1.5B-Instruct-AWQ 1.1018 GiB): Marlin's buffers.
MARLIN_OVERHEAD_BITS = 0.14
SCHEMES: dict[str, WeightScheme] = {
    scheme.name: scheme
    for scheme in (
        WeightScheme(name="fp32", weight_bits=32, rest_bits=32, multiplies="fp32"),
        WeightScheme(name="bf16", weight_bits=16),
        WeightScheme(name="fp16", weight_bits=16, multiplies="fp16"),
        WeightScheme(name="fp8", weight_bits=8, scale_bits=32, multiplies="fp8"),
        WeightScheme(
            name="fp8-block",
            weight_bits=8,
            scale_bits=32,
            scale_rows=128,
            scale_columns=128,
            multiplies="fp8",
        ),
        WeightScheme(
            name="fp8-mlp",
            weight_bits=8,
            scale_bits=32,
            covers=frozenset({"mlp", "experts"}),
            plain_ends=True,
            multiplies="fp8",
        ),
        WeightScheme(name="int8", weight_bits=8, scale_bits=32, multiplies="int8"),
        WeightScheme(name="int4", weight_bits=4, scale_bits=16, scale_columns=128),
        WeightScheme(
            name="awq",
            weight_bits=4,
            scale_bits=20,
            scale_columns=128,
            overhead_bits=MARLIN_OVERHEAD_BITS,
            multiplies="fp16",
        ),
        WeightScheme(
            name="gptq",
            weight_bits=4,
            scale_bits=20,
            scale_columns=128,
            overhead_bits=MARLIN_OVERHEAD_BITS,
            multiplies="fp16",
        ),
        WeightScheme(name="nvfp4", weight_bits=4, scale_bits=8, scale_columns=16, multiplies="fp4"),
        WeightScheme(
            name="mxfp4", weight_bits=4, scale_bits=8, scale_columns=32, covers=frozenset({"experts"})
        ),
        # blocks of 64 with an 8-bit scale, itself scaled in 32 bits by 256 (bitsandbytes, double quantisation)
        WeightScheme(name="nf4", weight_bits=4, scale_bits=8.125, scale_columns=64),
    )
}
# Other spellings in tables, checkpoints and flags.
SPELLINGS: dict[str, str] = {
    "bfloat16": "bf16",
    "float16": "fp16",
    "half": "fp16",
    "float": "fp32",
    "float32": "fp32",
    "fp8-dynamic": "fp8",
    "fp8_e4m3": "fp8",
    "w8a8-fp8": "fp8",
    "runtime fp8": "fp8",
    "fp8 (marlin)": "fp8",
    "fbgemm_fp8": "fp8-mlp",
    "w8a8": "int8",
    "w4a16": "int4",
    "awq int4": "awq",
    "autoround": "int4",
    "bitsandbytes": "nf4",
    "fp4": "nvfp4",
}
BLOCKS = "fp8-block"
# A GPU without the matrix rate still runs these, weights unpacked to 16 bits on the way: slower, same memory.
WEIGHT_ONLY_FALLBACK: frozenset[Multiplied] = frozenset({"fp8", "fp4"})


def weight_scheme(name: str, *, model: ModelSpec) -> WeightScheme:
    """Return the scheme of a name; ``auto`` is how the model's publisher stores it.

    Raises
    ------
    UsageError
        When there is no such scheme, with the nearest ones.
    """
    wanted = name.strip().casefold()
    if wanted == "auto":
        wanted = model.quantization or model.dtype
    wanted = SPELLINGS.get(wanted, wanted)
    if wanted == "fp8" and model.quantization == BLOCKS:
        wanted = BLOCKS  # the publisher's own 8 bits
    if wanted not in SCHEMES:
        near = difflib.get_close_matches(wanted, [*SCHEMES, *SPELLINGS], n=3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise UsageError(
            f"no weight quantization is called {name!r}{hint}", cure=f"use auto, {', '.join(sorted(SCHEMES))}"
        )
    scheme = SCHEMES[wanted]
    if model.dtype == "fp32" and scheme.name not in {"bf16", "fp16"}:
        return replace(scheme, rest_bits=32.0)
    return scheme


def supports(hardware: HardwareSpec, scheme: WeightScheme) -> Literal["native", "weight-only", "no"]:
    """Tell whether a device multiplies a scheme's type itself, only stores it, or cannot run it."""
    wanted: ComputeDtype = scheme.multiplies
    if not hardware.tflops or wanted in hardware.tflops or wanted == "fp32":
        return "native"
    if wanted == "bf16" and "fp16" in hardware.tflops and scheme.weight_bits < scheme.rest_bits:
        return "native"  # a weight-only scheme runs in FP16 as well
    if wanted in WEIGHT_ONLY_FALLBACK and "bf16" in hardware.tflops:  # Ampere and newer
        return "weight-only"
    return "no"
