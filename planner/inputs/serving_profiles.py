"""Fitted step-time coefficients in."""

from __future__ import annotations

from pathlib import Path

from planner.inputs.memory_profiles import PROFILES
from planner.specs.profile import ServingProfile, ServingProfiles


def load_serving_profiles(file: Path = PROFILES / "serving.json") -> tuple[ServingProfile, ...]:
    """Return the shipped profiles, one per engine and hardware class."""
    return ServingProfiles.model_validate_json(file.read_bytes()).profiles
