"""Fitted step-time coefficients in."""

from __future__ import annotations

from pathlib import Path

from planner.inputs.memory_profiles import PROFILES
from planner.specs.profiles.serving import ServingProfile, ServingProfiles

FILES = (PROFILES / "serving.json", PROFILES / "llamacpp.json")


def load_serving_profiles(*files: Path) -> tuple[ServingProfile, ...]:
    """Return the profiles of the files, or the shipped ones: one per engine and hardware class."""
    found: tuple[ServingProfile, ...] = ()
    for file in files or FILES:
        found += ServingProfiles.model_validate_json(file.read_bytes()).profiles
    return found
