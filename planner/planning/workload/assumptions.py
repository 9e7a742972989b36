"""Defaults that filled what a scenario leaves open, as paths and values that can be put back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from planner.specs.scenario.scenario import Scenario

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def assumed(scenario: Scenario) -> dict[str, object]:
    """Return every default that stands in for a key that was not given, by path such as ``traffic.shape``."""
    full = scenario.model_dump(mode="json", exclude_none=True)
    given = scenario.model_dump(mode="json", exclude_unset=True)
    return dict(_missing(full, given, ""))


def _missing(full: object, given: object, at: str) -> Iterator[tuple[str, object]]:
    if isinstance(full, dict):
        held = given if isinstance(given, dict) else {}
        for key, value in full.items():
            yield from _missing(value, held.get(key), f"{at}.{key}" if at else key)
    elif isinstance(full, list) and isinstance(given, list):
        for index, (value, known) in enumerate(zip(full, given, strict=True)):
            yield from _missing(value, known, f"{at}[{index}]")
    elif given is None and full not in ([], ""):
        yield at, full


def completed(given: Mapping[str, object], assumptions: Mapping[str, object]) -> dict[str, object]:
    """Return a scenario's keys with the assumptions put where they belong; the inverse of :func:`assumed`."""
    whole = {key: _copied(item) for key, item in given.items()}
    for path, value in assumptions.items():
        *steps, last = [name or int(index) for name, index in _STEP.findall(path)]
        holder: Any = (
            whole  # the paths of `assumed` fit what they were made from: no step needs to look what it is in
        )
        for step in steps:
            holder = holder[step] if isinstance(step, int) else holder.setdefault(step, {})
        holder[last] = value
    return whole


def _copied(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list | tuple) else value
