"""Fitted memory coefficients of engines in."""

from __future__ import annotations

from pathlib import Path

from planner.specs.profiles.memory import EngineMemoryProfile

PROFILES = Path(__file__).resolve().parent.parent / "profiles"


def load_vllm_memory(file: Path = PROFILES / "vllm_memory.json") -> EngineMemoryProfile:
    """Return vLLM's memory coefficients by version."""
    return EngineMemoryProfile.model_validate_json(file.read_bytes())
