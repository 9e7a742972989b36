"""The books checked in full: every row validated, every fault with file and line, all of them together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from planner.errors import Fault, InputError
from planner.inputs.books import SECTIONS, default_books_folder
from planner.inputs.validate import faults_of
from planner.inputs.yaml_marks import Path_, Tree, key_path, read_yaml
from planner.specs.books import normal_name

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
                rows = tree.data.get(section, ()) if isinstance(tree.data, dict) else ()
                yield from _order_faults(tree, section, rows)
                yield from _name_faults(tree, section, rows)
                for index, row in enumerate(rows):
                    try:
                        model.model_validate(row)
                    except ValidationError as error:
                        yield from faults_of(error, model, tree, (section, index))
                    yield from _date_faults(tree, (section, index), row, today)

    def breach_faults(self, found: Iterable[Breach]) -> Iterator[Fault]:
        """Yield the breaches of rules between values as faults at their place; rows of other folders are skipped."""
        for breach in found:
            place = self._place(breach.section, breach.row)
            if place is not None:
                tree, index = place
                steps = tuple(name or int(number) for name, number in _STEP.findall(breach.key))
                yield _fault(tree, (breach.section, index, *steps), breach.expected, breach.found, breach.row)

    def _place(self, section: str, row_id: str) -> tuple[Tree, int] | None:
        for tree in self.trees:
            rows = tree.data.get(section, ()) if isinstance(tree.data, dict) else ()
            for index, row in enumerate(rows):
                if isinstance(row, dict) and row.get("id") == row_id:
                    return tree, index
        return None


def _fault(tree: Tree, path: Path_, expected: str, found: str, row: str) -> Fault:
    line, column = tree.mark(path) or (None, None)
    key = f"{key_path(path)} ({row})"
    return Fault(file=tree.file, key=key, line=line, column=column, expected=expected, found=found)


def _ids(rows: Iterable[object]) -> list[str]:
    return [str(row.get("id", "")) if isinstance(row, dict) else "" for row in rows]


def _order_faults(tree: Tree, section: str, rows: Iterable[object]) -> Iterator[Fault]:
    ids = _ids(rows)
    for index in range(1, len(ids)):
        before, this = ids[index - 1], ids[index]
        if this == before:
            yield _fault(tree, (section, index, "id"), "each id once", f"{this} again", this)
        elif this < before:
            target = next(other for other in ids if other > this)
            yield _fault(
                tree,
                (section, index, "id"),
                f"ids in order: move it before {target}",
                f"after {before}",
                this,
            )


def _name_faults(tree: Tree, section: str, rows: Iterable[object]) -> Iterator[Fault]:
    owners: dict[str, str] = {}
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            continue
        row_id = str(row.get("id", ""))
        own = {normal_name(name) for name in (row_id, *row.get("aliases", ())) if isinstance(name, str)}
        for name in sorted(own):
            key = (
                f"{row_id.split('/', maxsplit=1)[0]} {name}" if section == "api" else name
            )  # providers may sell the same model
            if owners.setdefault(key, row_id) != row_id:
                yield _fault(
                    tree,
                    (section, index, "aliases"),
                    "names that no other row has",
                    f"{name}, also {owners[key]}",
                    row_id,
                )


def _date_faults(tree: Tree, path: Path_, value: object, today: date) -> Iterator[Fault]:
    """Yield a fault for each ``checked`` date that lies in the future."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "checked" and isinstance(item, date) and item > today:
                yield _fault(
                    tree,
                    (*path, key),
                    f"a date up to today, {today.isoformat()}",
                    item.isoformat(),
                    str(path[1]),
                )
            else:
                yield from _date_faults(tree, (*path, key), item, today)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _date_faults(tree, (*path, index), item, today)
