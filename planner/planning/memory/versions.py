"""What a version of an engine means here: a version at all, and inside of what was measured or beyond it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

from planner.errors import UsageError
from planner.planning.memory.vllm_memory import version_key
from planner.specs.base import Notice
from planner.specs.profiles.memory import EngineMemoryProfile

LATEST = "latest"
NAMES = {
    "vllm": "vLLM",
    "vllm-eager": "vLLM",
    "sglang": "SGLang",
    "tensorrt-llm": "TensorRT-LLM",
    "llamacpp": "llama.cpp",
}
VERSION = re.compile(r"[vb]?\d+(\.\w+)*([-+ ].*)?")  #: 0.19.0, v0.6.x, 1.2.0rc6.post2, b6500
FIRST_YEAR = 1000  #: measured "versions" that are years say nothing about a release


def engine_name(engine: str) -> str:
    """Return an engine's name as its makers write it.

    >>> engine_name("tensorrt-llm"), engine_name("tgi")
    ('TensorRT-LLM', 'tgi')
    """
    return NAMES.get(engine, engine)


def check_version(engine: str, version: str, known: Sequence[str]) -> None:
    """Refuse what is no version; ``known`` are those that were measured.

    Raises
    ------
    UsageError
        With the nearest that is known.
    """
    if version == LATEST or VERSION.fullmatch(version.strip()):
        return
    releases = _releases(known)
    near = get_close_matches(version, releases, n=1) or releases[-1:]
    cure = f"use {near[0]}, the nearest that was measured, or {LATEST}" if near else f"use {LATEST}"
    raise UsageError(f"{version!r} is not a version of {engine_name(engine)}", cure=cure)


def beyond(version: str, known: Sequence[str]) -> str | None:
    """Return the nearest known version of one that is older or newer than all of them; ``None`` inside of them.

    >>> beyond("0.30", ["0.5.3", "0.28.0"]), beyond("0.12", ["0.5.3", "0.28.0"])
    ('0.28.0', None)
    """
    releases = _releases(known)
    if version == LATEST or not releases:
        return None
    wanted = version_key(version)
    if wanted < version_key(releases[0]):
        return releases[0]
    return releases[-1] if wanted > version_key(releases[-1]) else None


def _releases(known: Sequence[str]) -> list[str]:
    numbered = (each for each in known if VERSION.fullmatch(each) and version_key(each)[0] < FIRST_YEAR)
    return sorted(numbered, key=version_key)


def memory_notices(version: str, profile: EngineMemoryProfile) -> tuple[Notice, ...]:
    """Say when a version of vLLM lies beyond the start-up logs, and whose coefficients it gets."""
    nearest = beyond(version, profile.known_versions)
    if nearest is None:
        return ()
    older = nearest == profile.known_versions[0]
    return (
        Notice(
            code="version-unknown",
            message=f"vLLM {version} is {'older' if older else 'newer'} than every fitted start-up log: "
            f"memory as in {nearest}",
            cure="check the pool against vLLM's own start-up line",
        ),
    )


def untold_notices(engine: str, version: str) -> tuple[Notice, ...]:
    """Say that an engine's versions are not told apart.

    Raises
    ------
    UsageError
        When it is no version.
    """
    check_version(engine, version, ())
    if version == LATEST:
        return ()
    message = f"versions of {engine_name(engine)} are not told apart: {version} changes nothing here"
    return (Notice(code="version-untold", message=message, cure="measure it: planner calibrate"),)


def step_notices(engine: str, version: str, measured: str) -> tuple[Notice, ...]:
    """Say when a version lies beyond those whose step times were measured, a list with commas."""
    known = [each.strip() for each in measured.split(",")]
    nearest = beyond(version, known)
    if nearest is None:
        return ()
    return (
        Notice(
            code="version-not-measured",
            message=f"step times of {engine_name(engine)} {version} were not measured: those of {nearest}",
            cure="measure it with planner bench and fit it with planner calibrate",
        ),
    )
