"""How fast a device multiplies, by data type and scheme: the books' dense rate, as far as its power feeds it."""

from __future__ import annotations

from planner.errors import UsageError
from planner.planning.memory.schemes import SCHEMES, WeightScheme, supports
from planner.planning.memory.tensors import TensorClass
from planner.specs.books.hardware import HardwareSpec
from planner.units import TERA

# The same chip with half of the watts holds about half of the rate, whatever its datasheet says: maximum throughput of
# the PCIe and NVL cards in MLPerf 5.1 follows their watts, not their stated rates.
HOPPER = "9.0"
OFFERED = ("bf16", "fp16", "awq", "int8")  #: where a device cannot run what was asked for
SXM_WATTS_PER_TFLOP = 700.0 / 989.5


def rate_flops_per_s(hardware: HardwareSpec, dtype: str) -> float:
    """Return the matrix rate of a data type, or of the next wider one that the device has [FLOP/s].

    Raises
    ------
    UsageError
        When the books state no rate at all.
    """
    rates = hardware.tflops
    found = rates.get(dtype) or rates.get("bf16") or rates.get("fp16") or rates.get("fp32")  # type: ignore[call-overload]
    if not found:
        raise UsageError(
            f"the books have no matrix rate for {hardware.name}",
            cure="add tflops to its row of hardware.yaml",
        )
    return float(found) * TERA * powered_fraction(hardware)


def powered_fraction(hardware: HardwareSpec) -> float:
    """Share of the stated rate that a Hopper card's power feeds, against the SXM card that the profiles know."""
    if hardware.compute_capability != HOPPER or hardware.tdp_w is None or "bf16" not in hardware.tflops:
        return 1.0
    return min(1.0, hardware.tdp_w / hardware.tflops["bf16"] / SXM_WATTS_PER_TFLOP)


def _runnable(hardware: HardwareSpec) -> str:
    """Return what a device can run instead."""
    names = [each for each in OFFERED if supports(hardware, SCHEMES[each]) != "no"]
    if not names:
        return "choose a device whose matrix units multiply 16-bit numbers, or --engine llamacpp"
    return f"use --quantization {' or '.join(names)}"


def scheme_rate_flops_per_s(hardware: HardwareSpec, scheme: WeightScheme, name: TensorClass) -> float:
    """Return the rate at which weights of a class are multiplied under a scheme [FLOP/s].

    Raises
    ------
    UsageError
        When the device cannot run the scheme.
    """
    support = supports(hardware, scheme)
    if support == "no":
        raise UsageError(f"{hardware.name} cannot run {scheme.name}", cure=_runnable(hardware))
    covered = name in scheme.covers and support == "native"
    if scheme.name == "mxfp4" and covered and "fp4" in hardware.tflops:
        return rate_flops_per_s(
            hardware, "fp8"
        )  # Blackwell's kernels multiply MXFP4 weights with 8-bit activations
    return rate_flops_per_s(hardware, scheme.multiplies if covered else "bf16")
