"""llama.cpp with one user: tokens per second of the prompt and of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from planner.errors import UsageError
from planner.formulas.llamacpp import pipelined_share
from planner.planning.memory.architecture import Architecture
from planner.planning.prediction.stream_work import StreamWork, stream_work
from planner.records import dataclass
from planner.specs.base import Grade, Quantity
from planner.specs.books.hardware import HardwareSpec
from planner.specs.profiles.serving import ServingProfile, Spread

SEVERAL = 2  #: devices of a class that were measured, from which on it is known what they share
BORROWED_WIDTH = 2.0  #: interval in log space of a class without its own fit, against the fitted one
# Coefficients that profiles before 2026-11-23 lack, at which they change nothing.
EARLIER = {
    "early_kernels": 1.0,
    "early_unpack": 0.0,
    "query_read": 0.0,
    "score_bytes": 0.0,
    "unpack_bytes": 0.0,
    "overlap": 1.0,
}
# Where the host decides, its memory or its PCIe lanes, which no table states: measured over predicted speed of 23 models
# that two desktops kept in host memory in part, and of four hosts of two or three cards under builds that split matrices.
SPILLED = Spread(low=0.55, high=1.4, median_error_fraction=0.15)
SPLIT_PREFILL = Spread(low=0.3, high=2.0, median_error_fraction=0.46)
SPLIT_DECODE = Spread(low=0.8, high=1.2, median_error_fraction=0.14)
# Launches take as long as the host and the build make them: a 3B model on four RTX 4090s took 3.0 to 4.6 ms a token.
# Half-width in log space of 80 % of their times.
LAUNCH_SPREAD = 0.25
# The cores of a large processor are seldom all used, and half of them wait half as long for each other; which, nobody states.
WAIT_SPREAD = 0.5
HBM = frozenset({7.0, 8.0, 9.0, 10.0, 10.3})  #: compute capabilities of V100, A100, H100, B200, B300
PASCAL = 7.0  #: before this compute capability there are no matrix units
PHYSICAL_BATCH = 512.0  #: llama.cpp's --ubatch-size
FLOAT_BYTES = 2.0  #: of a weight that is multiplied as it is stored
# Splitting each matrix over the cards was the only way until layers could be split (llama.cpp PR 4766, build 1842).
LAYER_SPLIT_BUILD = 1842
# Flash attention became the default in August 2025 (llama.cpp PR 15434); the measured builds that state a number are
# of 2023 and 2024, so that the exact one does not matter to any fit.
FLASH_BUILD = 6325


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
    reserved_tokens: float = 0.0,
    devices: int = 1,
    build: int | None = None,
    fused: bool = False,
) -> SingleStream:
    """Return the speed of one request on one device, or on several that hold a share of the layers each.

    An answer's token reads every active weight and the cache once; layers on other devices wait for their turn, so
    more devices do not make it faster. A long prompt passes them in a pipeline. Old builds split every matrix. ``fused``
    engines run linear attention as one kernel.

    Raises
    ------
    UsageError
        When the quantization is unknown, the model does not fit, or no profile is loaded.
    """
    chosen, width, grade = stream_profile(profiles, hardware)
    numbers = stream_numbers(chosen)
    work = stream_work(
        architecture,
        hardware,
        quantization=quantization,
        context_tokens=input_tokens + output_tokens / 2,
        reserved_tokens=max(reserved_tokens, input_tokens + output_tokens),
        devices=devices,
        fused=fused,
    )
    decode = decode_s(work, numbers, devices=devices, build=build)
    prefill = prefill_s(work, numbers, input_tokens=max(input_tokens, 1.0), devices=devices, build=build)
    grade = "assumed" if work.spilled_s else grade
    first, each = chosen.ttft, chosen.tpot
    if work.spilled_s:
        first = each = SPILLED
    elif devices > 1 and splits_rows(build):
        first, each = SPLIT_PREFILL, SPLIT_DECODE
    return SingleStream(
        prefill_tokens_per_s=_rate(1.0 / prefill, first, width, grade) if prefill < np.inf else None,
        decode_tokens_per_s=_rate(
            1.0 / decode, each, width, grade, _host_spread(work, numbers, build, token_s=decode)
        ),
    )


def _host_spread(
    work: StreamWork, numbers: Mapping[str, float], build: int | None, *, token_s: float
) -> float:
    """Return half the width in log space that launches and waiting threads add to a token's time."""
    launches = launch_s(work, numbers, build=build) * work.layers / token_s
    bare = replace(work, threads=0.0)
    waits = launches - launch_s(bare, numbers, build=build) * work.layers / token_s
    return LAUNCH_SPREAD * launches + WAIT_SPREAD * waits


def decode_s(
    work: StreamWork, numbers: Mapping[str, float], *, devices: int = 1, build: int | None = None
) -> float:
    """Return the time of one token of the answer [s].

    Without flash attention every query head reads its keys anew, and early builds unpacked super-blocks slowly.
    """
    early = is_early(build)
    ranks = devices if splits_rows(build) else 1
    launch = launch_s(work, numbers, build=build)
    joined = numbers["all_reduce_s"] if ranks > 1 else 0.0
    arithmetic = arithmetic_s(work, numbers, build=build)
    return (
        (numbers["read"] * work.weights_s + arithmetic) / ranks
        + numbers["cache_read"] * work.cache_s
        + (numbers["query_read"] * work.query_s if early else 0.0)
        + (launch + joined) * work.layers
        + work.spilled_s
    )


def arithmetic_s(work: StreamWork, numbers: Mapping[str, float], *, build: int | None = None) -> float:
    """Return what unpacking and multiplying take for one token of the answer, beyond what reading hides [s]."""
    if not np.isfinite(work.compute_s):
        return 0.0
    slow = numbers["decode_compute"] if work.quantised else 0.0
    slow += numbers["early_unpack"] if is_early(build) and work.k_quantised else 0.0
    return slow * work.compute_s


def launch_s(work: StreamWork, numbers: Mapping[str, float], *, build: int | None = None) -> float:
    """Return what a layer's launches take for one token of the answer [s]; a processor's threads meet after each."""
    kinds = numbers["expert_kernels"] if work.experts else 1.0
    age = numbers["early_kernels"] if is_early(build) else 1.0
    linear = (numbers.get("linear_kernels", 1.0) - 1.0) * work.linear_layers / work.layers
    waits = numbers.get("thread_s", 0.0) * work.threads
    return (numbers["kernel_s"] * work.slower_clock + waits) * (1.0 + linear) * kinds * age


def prefill_s(
    work: StreamWork,
    numbers: Mapping[str, float],
    *,
    input_tokens: float,
    devices: int = 1,
    build: int | None = None,
) -> float:
    """Return the time of one token of a prompt [s]; the oldest builds prepared their matrix library within the first.

    Products, what attention multiplies and what it writes and reads of its scores, and the weights that each physical
    batch unpacks.
    """
    compute = numbers["compute"] * (numbers["quantised_slowdown"] if work.quantised else 1.0)
    attention = numbers["attention_compute"] * work.pair_s + numbers["score_bytes"] * work.score_s
    moved = numbers["unpack_bytes"] if work.quantised else FLOAT_BYTES
    batch = min(input_tokens, PHYSICAL_BATCH)
    alone = (
        compute * work.compute_s
        + attention * input_tokens / 2
        + moved * work.pass_s / batch
        + 2.0 * work.spilled_s / batch
    )
    if splits_rows(build):
        if devices > 1:
            return alone / devices + numbers["link"] * work.layers * work.hidden
        return alone + numbers["first_token_s"] / input_tokens
    if devices == 1:
        return alone
    share = float(pipelined_share(stages=devices, batches=np.ceil(input_tokens / PHYSICAL_BATCH)))
    return alone * numbers["step_s"] * (1.0 - numbers["overlap"] * (1.0 - share))


def splits_rows(build: int | None) -> bool:
    """Tell whether a build splits every matrix over its devices; one that is not stated is today's."""
    return build is not None and build < LAYER_SPLIT_BUILD


def is_early(build: int | None) -> bool:
    """Tell whether a build is of the years before flash attention was the default."""
    return build is not None and build < FLASH_BUILD


def stream_numbers(profile: ServingProfile) -> dict[str, float]:
    """Return a profile's coefficients; those that a lock of an earlier version has not fitted change nothing."""
    numbers = profile.numbers()
    if "quantised_slowdown" in numbers:
        return numbers
    return EARLIER | numbers | {"quantised_slowdown": numbers["quantised_compute"] / numbers["compute"]}


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
            alone = len(each.hardware) < SEVERAL and hardware.id not in each.hardware
            return each, 1.0, "datasheet" if alone else each.grade
    return own[0], BORROWED_WIDTH, "datasheet"


def _rate(value: float, spread: Spread, width: float, grade: Grade, extra: float = 0.0) -> Quantity:
    """Return a rate with the interval of its error factor, which is that of times."""
    low = np.hypot(width * np.log(spread.low), extra)
    high = np.hypot(width * np.log(spread.high), extra)
    return Quantity(
        value=value, low=value * float(np.exp(-low)), high=value * float(np.exp(high)), grade=grade
    )
