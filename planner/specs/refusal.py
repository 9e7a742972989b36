"""Why an option cannot serve a scenario: in words, and of which kind."""

from __future__ import annotations

from typing import Literal

from planner.records import dataclass

RefusalKind = Literal["memory", "latency", "support", "market", "data rule", "quality"]
"""Weights and cache have no room; a single request misses a target; engine, GPU or fit do not know the model or its
format; nobody sells it so; the author's rule about data; the author does not call the model as good."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """One reason against an option."""

    kind: RefusalKind
    words: str

    def __str__(self) -> str:
        """Return the words."""
        return self.words
