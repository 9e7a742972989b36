"""Which fitted profile a device takes: its own, its class's, or another's with a wider interval."""

from __future__ import annotations

from dataclasses import replace

from planner.errors import DataError
from planner.records import dataclass
from planner.specs.base import Grade, Notice
from planner.specs.books.hardware import HardwareSpec
from planner.specs.profiles.serving import ServingProfile
from planner.units import Ratio

# Errors on a class that no fit has seen: fits without Blackwell, or without Ampere, miss it no further than other held-out
# points, whose errors the intervals hold; other makers' chips have no such proof, and get half as much again.
BORROWED_WIDTH = 1.5
# Servers with continuous batching and CUDA graphs that no table of ours measures: nearest to vLLM, as all measured
# engines are to each other (one set of coefficients serves them all within 10 %).
RELATED_ENGINES = {"lmdeploy": "vllm", "tgi": "vllm", "deepspeed": "vllm"}
BLACKWELL = 10.0  #: first compute capability of the class
# GeForce, RTX PRO and GB10: GDDR or LPDDR, no NVLink; nearer to the A100's coefficients than to the B200's.
SMALL_BLACKWELL = 12.0
HOPPER = 9.0


def hardware_class(hardware: HardwareSpec) -> str:
    """Return the class of hardware whose coefficients a device shares."""
    if hardware.kind == "consumer-gpu" and hardware.vendor == "nvidia":
        return "consumer"
    capability = hardware.compute_capability or ""
    try:
        number = float(capability)
    except ValueError:
        return hardware.vendor.lower()
    if BLACKWELL <= number < SMALL_BLACKWELL:
        return "blackwell"
    return "hopper" if HOPPER <= number < BLACKWELL else "ampere"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenProfile:
    """A profile, and whether it was fitted on this device, on its class, or on another class."""

    profile: ServingProfile
    width: Ratio
    """By how much its intervals are widened where it is borrowed from another class."""
    grade: Grade
    notices: tuple[Notice, ...]


def choose_profile(
    profiles: tuple[ServingProfile, ...], *, engine: str, hardware: HardwareSpec
) -> ChosenProfile:
    """Return the nearest profile of an engine for a device.

    Raises
    ------
    DataError
        When no profile of the engine exists.
    """
    own = [each for each in profiles if each.engine == RELATED_ENGINES.get(engine, engine)]
    if not own:
        known = ", ".join(sorted({*RELATED_ENGINES, *(each.engine for each in profiles)}))
        raise DataError(f"no step-time profile for engine {engine!r}", cure=f"use one of {known}")
    found = _on_class(own, hardware)
    if engine not in RELATED_ENGINES:
        return found
    notice = Notice(
        code="borrowed-profile",
        message=f"no table measures {engine}: coefficients of {found.profile.id}, wider interval",
        cure="measure with planner bench and fit with planner calibrate",
    )
    return replace(
        found, width=found.width * BORROWED_WIDTH, grade="assumed", notices=(notice, *found.notices)
    )


def _on_class(own: list[ServingProfile], hardware: HardwareSpec) -> ChosenProfile:
    group = hardware_class(hardware)
    same = [each for each in own if each.hardware_class == group]
    profile = same[0] if same else own[0]
    if same and hardware.id in profile.hardware:
        return ChosenProfile(profile=profile, width=1.0, grade=profile.grade, notices=())
    if same and profile.grade == "fitted":
        return ChosenProfile(profile=profile, width=1.0, grade="fitted", notices=())
    notice = Notice(
        code="borrowed-profile",
        message=f"{hardware.name} has no profile of its own: coefficients of {profile.id}, wider interval",
        cure="measure with planner bench and fit with planner calibrate",
    )
    width = 1.0 if same else BORROWED_WIDTH  # a derived profile's interval is wide already
    return ChosenProfile(profile=profile, width=width, grade="datasheet", notices=(notice,))
