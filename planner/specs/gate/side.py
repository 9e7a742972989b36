"""One side of a comparison: scenarios ready to be priced, and what a lock remembers of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date

from planner.records import dataclass
from planner.specs.case import Case
from planner.specs.gate.outcome import Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One scenario of a side.

    ``place`` is its file as people name it, ``inputs`` the SHA-256 of every file behind it by path. ``recorded`` is
    what the lock holds, where the side is a lock.
    """

    place: str
    case: Case
    as_of: date
    inputs: Mapping[str, str] = field(default_factory=dict)
    recorded: Outcome | None = None
    planner: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unreadable:
    """A scenario of a side that cannot be read, and why."""

    place: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """All scenarios of one side, in the order in which they were named."""

    label: str
    entries: tuple[Entry, ...]
    unreadable: tuple[Unreadable, ...] = ()
