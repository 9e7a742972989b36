"""``--profile`` of ``lock`` and ``check``: measured profiles that are part of a lock, whatever folder asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from planner.inputs.sides import place_of
from planner.inputs.step_profiles import load_step_profiles, read_step_profile
from planner.specs.gate.lock import Lock
from planner.specs.gate.side import Entry, Side
from planner.specs.profiles.step import StepProfile

LockedProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="none|FILE",
        help="Measured step profile to size hosting with; it is copied into the lock. Default: those of the lock.",
    ),
]


def measured_of(choice: str | None, lock: Lock | None, root: Path) -> dict[str, StepProfile]:
    """Return the profiles by path from the lock's folder: the one that is named, else those of the lock.

    A file that lies where the lock says is read anew, so that a change of it shows; else the lock's copy stands.
    """
    if choice is not None:
        return {place_of(Path(name), root): each for name, each in load_step_profiles(choice).items()}
    held = lock.profiles.measured if lock is not None else {}
    return {
        place: read_step_profile(root / place) if (root / place).is_file() else copy
        for place, copy in held.items()
    }


def with_measured(side: Side, measured: Mapping[str, StepProfile]) -> Side:
    """Return a side whose scenarios are sized with measured profiles."""
    if not measured:
        return side

    def sized(entry: Entry) -> Entry:
        return replace(entry, case=replace(entry.case, measured=measured))

    return replace(side, entries=tuple(map(sized, side.entries)))
