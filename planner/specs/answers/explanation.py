"""Where a number comes from: the rule that makes it, its operands, and the facts and choices at the leaves."""

from __future__ import annotations

from datetime import date
from typing import Literal

from planner.records import dataclass
from planner.specs.base import Grade, file_line
from planner.units import Count

OriginKind = Literal["scenario", "override", "default", "file", "book", "profile", "rule", "constant"]
Shown = float | int | str | None
"""A value as it is shown: a number, or the name of a choice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """A leaf: a fact of a book, a choice of the scenario, a default, a measured file or a constant.

    ``place`` is the scenario's key, the book's row and field, or the name of the constant. ``checked`` is the day on
    which a book row was last compared with its source, ``since`` the day from which it holds.
    """

    kind: OriginKind
    place: str
    source: str | None = None
    trust: str | None = None
    since: date | None = None
    checked: date | None = None
    file: str | None = None
    line: Count | None = None

    @property
    def file_line(self) -> str | None:
        """Where to look, as editors open it: ``file:line``."""
        return file_line(self.file, self.line)


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """One number with what makes it: either ``rule`` and ``operands``, or an ``origin``.

    ``path`` is its place in the report, ``None`` for a number in between that the report does not hold.
    ``replayed`` tells whether the rule was evaluated on the operands and gave ``value``; where it is false the rule is
    a model or a search, and ``note`` says which.
    """

    name: str
    value: Shown
    path: str | None = None
    rule: str | None = None
    formula: str | None = None
    references: tuple[str, ...] = ()
    operands: tuple[Explained, ...] = ()
    origin: Origin | None = None
    grade: Grade | None = None
    replayed: bool = False
    note: str | None = None
