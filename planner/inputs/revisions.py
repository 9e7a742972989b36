"""Scenarios of a git revision into one side of a comparison, with prompts, traces and books of the same revision."""

from __future__ import annotations

import hashlib
import posixpath
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from planner.errors import DataError, InputError
from planner.inputs.books import SECTIONS, book_rows
from planner.inputs.git import Revision
from planner.inputs.scenario import SUFFIXES
from planner.inputs.sides import side_of_files
from planner.inputs.yaml_marks import parse_yaml
from planner.specs.gate.side import Entry, Side, Unreadable


def side_of_revision(
    revision: Revision,
    paths: tuple[str, ...],
    *,
    today: date,
    as_of: date | None = None,
    own_books: tuple[Path, ...] = (),
    forgiving: bool = False,
    known: Iterable[Entry] = (),
) -> Side:
    """Read the scenarios that stand at paths in a revision; paths are from the top of the repository.

    What the scenarios need is written into a temporary folder and read from there as any other file. A path that the
    revision does not have holds no scenario.

    Parameters
    ----------
    revision : the commit.
    paths : files, or folders of them.
    today, as_of, own_books : as for :func:`planner.inputs.sides.side_of_files`.
    forgiving : list scenarios that cannot be read, in place of an error; for a base that is what it is.
    known : the other side, named from the top of the repository; what is the same to the byte is not read again.

    Raises
    ------
    InputError
        With the faults of all files, each named ``revision:path``.
    DataError
        When git holds only a pointer to a file.
    """
    files = tuple(dict.fromkeys(file for path in paths for file in _scenario_files(revision, path)))
    contents = revision.contents(files)
    _refuse_left_out(revision, files, contents)
    named = [name for file, content in contents.items() for name in _named_files(content, file)]
    contents |= revision.contents(tuple(dict.fromkeys(named)))
    same = tuple(_same_entries(known, contents, files))
    others = tuple(file for file in files if file not in {entry.place for entry in same})
    with tempfile.TemporaryDirectory(prefix="planner-") as name:
        folder = Path(name).resolve()
        for path in contents if others else ():
            _write(folder, path, contents[path])
        side = _read(revision, others, folder, (today, as_of, own_books), forgiving=forgiving)
    return replace(side, entries=(*same, *side.entries))


def _same_entries(
    known: Iterable[Entry], contents: dict[str, bytes], files: tuple[str, ...]
) -> Iterator[Entry]:
    """Yield the scenarios of the other side whose files are all the same here."""
    for entry in known:
        inside = [path for path in entry.inputs if not path.startswith("../")]
        if entry.place in files and all(
            path in contents and hashlib.sha256(contents[path]).hexdigest() == entry.inputs[path]
            for path in inside
        ):
            yield entry


def _refuse_left_out(revision: Revision, files: tuple[str, ...], contents: dict[str, bytes]) -> None:
    """Refuse a partial clone: a scenario that a folder lists and that has no content must not count as deleted."""
    absent = [file for file in files if file not in contents]
    if absent:
        raise DataError(
            f"{absent[0]} at {revision.name} was left out of this partial clone",
            cure="fetch it: git fetch --refetch --no-filter, or compare with a lock",
        )


def _read(
    revision: Revision,
    files: tuple[str, ...],
    folder: Path,
    how: tuple[date, date | None, tuple[Path, ...]],
    *,
    forgiving: bool,
) -> Side:
    """Read all at once; only where that fails and is forgiven, read one by one."""
    try:
        return _side(revision, files, folder, how)
    except InputError as error:
        if not forgiving:
            raise renamed(error, folder, revision) from None
    entries: list[Entry] = []
    unreadable: list[Unreadable] = []
    for file in files:
        try:
            entries.extend(_side(revision, (file,), folder, how).entries)
        except InputError as error:
            unreadable.append(Unreadable(place=file, reason=str(renamed(error, folder, revision))))
    return Side(label=revision.name, entries=tuple(entries), unreadable=tuple(unreadable))


def _side(
    revision: Revision,
    files: tuple[str, ...],
    folder: Path,
    how: tuple[date, date | None, tuple[Path, ...]],
) -> Side:
    today, as_of, own_books = how
    if not files:
        return Side(label=revision.name, entries=())
    side = side_of_files(
        tuple(folder / file for file in files),
        root=folder,
        label=revision.name,
        today=today,
        as_of=as_of,
        own_books=own_books,
    )
    for entry in side.entries:
        _look_at_own_rows(entry, folder)
    return side


def _look_at_own_rows(entry: Entry, folder: Path) -> None:
    """Validate the rows of a scenario's own books while their files are there."""
    books = entry.case.books
    tables: dict[str, Mapping[str, object]] = {
        "api": books.api.rows,
        "hardware": books.hardware.rows,
        "models": books.models.rows,
        "rentals": books.rentals,
        "rate_limits": books.rate_limits,
        "contracts": books.contracts,
        "currencies": books.currencies,
    }
    for file in (folder / place for place in entry.inputs if posixpath.basename(place) in SECTIONS):
        for section, rows in book_rows(file).items():
            for row_id in rows:
                _ = tables[section][row_id]


def _scenario_files(revision: Revision, path: str) -> Iterator[str]:
    if revision.is_folder(path):
        yield from (file for file in revision.folder(path) if posixpath.splitext(file)[1] in SUFFIXES)
    elif revision.content(path) is not None:
        yield path


def _write(folder: Path, path: str, content: bytes) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def _named_files(content: bytes, file: str) -> Iterator[str]:
    """Yield the paths that a scenario names and that lie inside the repository; a broken one names none."""
    try:
        data = parse_yaml(content.decode("utf-8-sig"), file).data
    except (InputError, UnicodeDecodeError):
        return  # read again below, where the fault is worded
    for name in _names(data if isinstance(data, dict) else {}):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(file), name))
        if not path.startswith(("../", "/")):
            yield path


def _names(data: dict[str, Any]) -> Iterator[str]:
    prompt, traffic = data.get("prompt"), data.get("traffic")
    parts = prompt.get("parts") if isinstance(prompt, dict) else None
    for part in parts.values() if isinstance(parts, dict) else ():
        if isinstance(part, dict) and isinstance(part.get("file"), str):
            yield part["file"]
    if isinstance(traffic, dict) and isinstance(traffic.get("trace"), str):
        yield traffic["trace"]
    if isinstance(data.get("books"), str):
        yield from (posixpath.join(data["books"], name) for name in SECTIONS)


def renamed(error: InputError, folder: Path, revision: Revision) -> InputError:
    """Return the same faults, with files named as ``revision:path`` in place of the temporary folder."""
    faults = tuple(
        replace(fault, file=f"{revision.name}:{Path(fault.file).relative_to(folder).as_posix()}")
        if Path(fault.file).is_relative_to(folder)
        else fault
        for fault in error.faults
    )
    return InputError(faults, cure=error.cure)
