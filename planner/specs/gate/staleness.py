"""Why a lock no longer says what its inputs say."""

from __future__ import annotations

from typing import Literal

from planner.records import dataclass

StaleKind = Literal[
    "scenario added",
    "scenario removed",
    "input changed",
    "overridden",
    "date changed",
    "row changed",
    "profile changed",
    "rule changed",
    "result changed",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class StaleReason:
    """One difference between a lock and what would be locked now.

    ``place`` is the scenario's file, ``None`` where the difference is not of one scenario; ``subject`` is what changed:
    a file, a row of a book, a rule, a figure.
    """

    kind: StaleKind
    place: str | None
    subject: str

    def __str__(self) -> str:
        """Render as ``scenarios/chat.yaml: input changed: prompts/system.md``."""
        where = f"{self.place}: " if self.place is not None else ""
        return f"{where}{self.kind}: {self.subject}"
