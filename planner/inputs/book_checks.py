"""The books checked in full: every row validated, every fault with file and line, all of them together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from planner.errors import Fault, InputError
from planner.inputs.books import SECTIONS, default_books_folder
from planner.inputs.validate import faults_of
from planner.inputs.yaml_marks import Path_, Tree, key_path, read_yaml
from planner.specs.books.books import normal_name

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class Breach(Protocol):
    """What ``planning.book_rules`` finds: a rule that a row breaks."""

    @property
    def section(self) -> str: ...  # noqa: D102
    @property
    def row(self) -> str: ...  # noqa: D102
    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def expected(self) -> str: ...  # noqa: D102
    @property
    def found(self) -> str: ...  # noqa: D102


class OpenBooks:
    """The books of some folders, parsed with their line marks, for checking."""

    def __init__(self, *folders: Path) -> None:
        self.trees: list[Tree] = []
        self.faults: list[Fault] = []
        for file in (folder / name for folder in folders or (default_books_folder(),) for name in SECTIONS):
            if not file.is_file():
                continue
            try:
                self.trees.append(read_yaml(file))
            except InputError as error:
                self.faults.extend(error.faults)

    def row_faults(self, today: date) -> Iterator[Fault]:
        """Yield the faults that a row or its place among the others shows: types, keys, order, names, dates."""
        for tree in self.trees:
            for section, model in SECTIONS[Path(tree.file).name].items():
                rows = _rows(tree, section)
                yield from _order_faults(tree, section, rows)
                yield from _name_faults(tree, section, rows)
                for index, row in enumerate(rows):
                    try:
                        model.model_validate(row)
                    except ValidationError as error:
                        yield from faults_of(error, model, tree, (section, index))
                    yield from _date_faults(tree, (section, index), row, today, _id(row))

    def breach_faults(self, found: Iterable[Breach]) -> Iterator[Fault]:
        """Yield the breaches of rules between values as faults at their place; rows of other folders are skipped."""
        for breach in found:
            place = self._place(breach.section, breach.row)
            if place is not None:
                tree, index = place
                steps = tuple(name or int(number) for name, number in _STEP.findall(breach.key))
                yield _fault(tree, (breach.section, index, *steps), breach.expected, breach.found, breach.row)

    def _place(self, section: str, row_id: str) -> tuple[Tree, int] | None:
        places = (
            (tree, index)
            for tree in self.trees
            for index, row in enumerate(_rows(tree, section))
            if _id(row) == row_id
        )
        return next(places, None)


def _fault(tree: Tree, path: Path_, expected: str, found: str, row: str) -> Fault:
    line, column = tree.mark(path) or (None, None)
    key = f"{key_path(path)} ({row})"
    return Fault(file=tree.file, key=key, line=line, column=column, expected=expected, found=found)


def _rows(tree: Tree, section: str) -> tuple[object, ...]:
    """Return the rows of a section; what is no list of rows is refused when the book is loaded."""
    found = tree.data.get(section) if isinstance(tree.data, dict) else None
    return found if isinstance(found, tuple) else ()


def _id(row: object) -> str:
    return str(row.get("id", "")) if isinstance(row, dict) else ""


def _order_faults(tree: Tree, section: str, rows: Iterable[object]) -> Iterator[Fault]:
    ids = [_id(row) for row in rows]
    for index, (before, this) in enumerate(pairwise(ids), start=1):
        at = (section, index, "id")
        if this and this == before:
            yield _fault(tree, at, "each id once", f"{this} again", this)
        elif this and this < before:
            target = next(other for other in ids if other > this)
            yield _fault(tree, at, f"ids in order: move it before {target}", f"after {before}", this)


def _name_faults(tree: Tree, section: str, rows: Iterable[object]) -> Iterator[Fault]:
    owners: dict[str, str] = {}
    for index, row in enumerate(rows):
        row_id = _id(row)
        aliases = row.get("aliases") if isinstance(row, dict) else None
        names = (row_id, *aliases) if isinstance(aliases, tuple) else (row_id,)
        own = {normal_name(name) for name in names if isinstance(name, str) and name}
        seller = f"{row_id.split('/', maxsplit=1)[0]} " if section == "api" else ""  # others may sell it too
        for name in sorted(own):
            owner = owners.setdefault(seller + name, row_id)
            if owner != row_id:
                found = f"{name}, also {owner}"
                yield _fault(tree, (section, index, "aliases"), "names that no other row has", found, row_id)


def _date_faults(tree: Tree, path: Path_, value: object, today: date, row: str) -> Iterator[Fault]:
    """Yield a fault for each ``checked`` date that lies in the future."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "checked" and isinstance(item, date) and item > today:
                expected = f"a date up to today, {today.isoformat()}"
                yield _fault(tree, (*path, key), expected, item.isoformat(), row)
            else:
                yield from _date_faults(tree, (*path, key), item, today, row)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _date_faults(tree, (*path, index), item, today, row)
