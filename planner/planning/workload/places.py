"""Places in a scenario's file: the line of a key, or of the nearest key above it that the file holds."""

from __future__ import annotations

import re
from collections.abc import Mapping

STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def outwards(path: str) -> list[str]:
    """Return a path and what holds it, from the inside out.

    Examples
    --------
    >>> outwards("models[0].share")
    ['models[0].share', 'models[0]', 'models']
    """
    steps = list(re.finditer(STEP, path))
    return [path[: step.end()] for step in reversed(steps)]


def line_of(lines: Mapping[str, int], path: str) -> int | None:
    """Return the line of a key, or of the nearest key above it that the file holds.

    Examples
    --------
    >>> line_of({"prompt": 7, "prompt.parts": 8}, "prompt.parts.system.file")
    8
    """
    return next((lines[at] for at in outwards(path) if at in lines), None)
