"""The three books in: parsed once, kept parsed, rows validated when they are first asked for.

Parsing half a megabyte of YAML takes longer than everything else that an estimate does, so the parsed rows are
kept as JSON in the user's cache folder under the hash of the file's content. A row is validated from that JSON
every time, whether the file was parsed now or before, so both ways refuse the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from planner.errors import Fault, InputError
from planner.inputs.book_cache import cached, keep
from planner.inputs.validate import faults_of, shown
from planner.inputs.yaml_marks import Tree, read_yaml
from planner.specs.books.books import Books, Shelf, normal_name
from planner.specs.books.hardware import HardwareSpec
from planner.specs.books.limits import RateLimitEdition
from planner.specs.books.model import ModelSpec
from planner.specs.books.price import ApiModel, Contract, CurrencyRate
from planner.specs.books.rental import GpuRental
from planner.units import Count

RowT = TypeVar("RowT", bound=BaseModel)
PACKAGE = Path(__file__).resolve().parent.parent

SECTIONS: dict[str, dict[str, type[BaseModel]]] = {
    "pricing.yaml": {
        "api": ApiModel,
        "rentals": GpuRental,
        "rate_limits": RateLimitEdition,
        "contracts": Contract,
        "currencies": CurrencyRate,
    },
    "hardware.yaml": {"hardware": HardwareSpec},
    "models.yaml": {"models": ModelSpec},
}


class RawRow(NamedTuple):
    """A row as JSON text, and where it came from."""

    text: str
    file: Path
    section: str
    place: Count


Rows = dict[str, dict[str, RawRow]]  # section -> id -> row


class LazyRows(Mapping[str, RowT], Generic[RowT]):
    """Rows by id, each validated when it is first looked at."""

    def __init__(self, model: type[RowT], raw: dict[str, RawRow]) -> None:
        self._model = model
        self._raw = raw
        self._built: dict[str, RowT] = {}

    def __getitem__(self, row_id: str) -> RowT:
        """Return the row. Raises InputError with file and line when the book is broken there."""
        if row_id not in self._built:
            raw = self._raw[row_id]
            try:
                self._built[row_id] = self._model.model_validate_json(raw.text)
            except ValidationError as error:
                at = (raw.section, raw.place)
                raise InputError(faults_of(error, self._model, read_yaml(raw.file), at)) from None
        return self._built[row_id]

    def __contains__(self, row_id: object) -> bool:
        """Tell whether a row is there without validating it."""
        return row_id in self._raw

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


def default_books_folder() -> Path:
    """Return where the shipped books lie: inside an installed package, or at the top of the source tree."""
    packed = PACKAGE / "_books"
    return packed if packed.is_dir() else PACKAGE.parent


def load_books(*own: Path) -> Books:
    """Load the shipped books and lay the user's own over them, row by row, the last folder on top.

    Raises
    ------
    InputError
        When a folder holds no book, or a book is not a book. A row's own faults come when it is looked at.
    """
    return _books(default_books_folder(), *own) if own else _shipped_books(default_books_folder())


@cache
def _shipped_books(folder: Path) -> Books:
    """Return the shipped books; both sides of a comparison have the same ones, which saves comparing their rows."""
    return _books(folder)


def _books(*folders: Path) -> Books:
    rows: Rows = {section: {} for sections in SECTIONS.values() for section in sections}
    files = [folder / name for folder in folders for name in SECTIONS if (folder / name).is_file()]
    for folder in folders[1:]:
        if not any((folder / name).is_file() for name in SECTIONS):
            fault = Fault(
                file=str(folder),
                key="",
                expected=f"a folder with {', '.join(SECTIONS)}",
                found="none of them",
            )
            raise InputError((fault,))
    for file in files:
        for section, found in book_rows(file).items():
            rows[section].update(found)
    return Books(
        api=_shelf("API model", "prices", ApiModel, rows["api"]),
        hardware=_shelf("hardware", "hardware", HardwareSpec, rows["hardware"]),
        models=_shelf("model", "models", ModelSpec, rows["models"]),
        rentals=LazyRows(GpuRental, rows["rentals"]),
        rate_limits=LazyRows(RateLimitEdition, rows["rate_limits"]),
        contracts=LazyRows(Contract, rows["contracts"]),
        currencies=LazyRows(CurrencyRate, rows["currencies"]),
        sources=tuple(str(file) for file in files),
    )


def book_rows(file: Path) -> Rows:
    """Return the rows of one book by section and id, from the cache when its content was parsed before."""
    content = file.read_bytes()
    stored = cached(file.stem, content)
    if stored is None:
        stored = _plain_rows(read_yaml(file), SECTIONS[file.name])
        keep(file.stem, content, stored)
    return {
        section: {row_id: RawRow(text, file, section, index) for row_id, text, index in found}
        for section, found in stored.items()
    }


def _plain_rows(tree: Tree, sections: dict[str, type[BaseModel]]) -> dict[str, list[tuple[str, str, int]]]:
    """Split a parsed book into (id, JSON text, index) by section."""
    known = {*sections, "schema_version"}
    data = tree.data if isinstance(tree.data, dict) else {}
    faults = [
        _fault(tree, (key,), f"one of {', '.join(sorted(known))}", repr(key))
        for key in data
        if key not in known
    ]
    rows: dict[str, list[tuple[str, str, int]]] = {}
    for section in sections:
        found = data.get(section, ())
        if not isinstance(found, tuple):
            faults.append(_fault(tree, (section,), "a list of rows", shown(found)))
            continue
        rows[section] = []
        for index, row in enumerate(found):
            row_id = _id_of(row, index) if isinstance(row, dict) else None
            if not isinstance(row_id, str):
                faults.append(_fault(tree, (section, index), "a row with an id that is text", f"{row_id}"))
                continue
            rows[section].append((row_id, json.dumps(row, default=_iso), index))
    if faults or not isinstance(tree.data, dict):
        raise InputError(tuple(faults) or (_fault(tree, (), "a mapping of sections", shown(tree.data)),))
    return rows


def _id_of(row: dict[str, object], index: int) -> object:
    """Return a row's id; rates of currencies have none and are known by currency and date."""
    if "id" not in row and "currency" in row:
        return f"{row['currency']} {row.get('effective_from')}"
    return row.get("id", f"#{index}")


def _fault(tree: Tree, path: tuple[str | int, ...], expected: str, found: str) -> Fault:
    line, column = tree.key_mark(path) or (None, None) if path else (1, 1)
    return Fault(
        file=tree.file, key=".".join(map(str, path)), line=line, column=column, expected=expected, found=found
    )


def _iso(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"a book cannot hold {value!r}")


def _shelf(what: str, listing: str, model: type[RowT], raw: dict[str, RawRow]) -> Shelf[RowT]:
    named: dict[str, dict[str, None]] = {}
    bare: dict[str, dict[str, None]] = {}
    for row_id, row in raw.items():
        aliases = json.loads(row.text).get("aliases")
        names = (
            aliases if isinstance(aliases, list) else ()
        )  # refused with its line when the row is looked at
        for name in (row_id, *(name for name in names if isinstance(name, str))):
            named.setdefault(normal_name(name), {})[row_id] = None
            bare.setdefault(normal_name(name.rsplit("/", 1)[-1]), {})[row_id] = None
    return Shelf(
        what=what,
        listing=listing,
        rows=LazyRows(model, raw),
        named={name: tuple(ids) for name, ids in named.items()},
        bare={name: tuple(ids) for name, ids in bare.items()},
    )
