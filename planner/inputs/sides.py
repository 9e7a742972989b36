"""Files into one side of a comparison: scenarios read, with the hash of every file behind them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path

from planner import __version__
from planner.inputs.books import SECTIONS
from planner.inputs.estimating import read_all
from planner.specs.case import Case
from planner.specs.gate.side import Entry, Side


def side_of_files(
    paths: tuple[Path, ...],
    *,
    root: Path,
    label: str,
    today: date,
    as_of: date | None = None,
    pinned: Mapping[str, date] | None = None,
    sets: tuple[str, ...] = (),
    own_books: tuple[Path, ...] = (),
) -> Side:
    """Read scenario files and folders as one side.

    Parameters
    ----------
    paths : files, or folders of them.
    root : the folder from which files are named; the lock's own.
    label : what messages call this side.
    today : the price date of scenarios that name none.
    as_of : overrides the price date of all.
    pinned : price dates, by place, of scenarios that name none: those of a lock.
    sets : overrides, ``key=value``.
    own_books : folders whose books are laid over ours.

    Raises
    ------
    InputError
        With the faults of all files together.
    """
    cases = read_all(paths, sets, own_books)
    places = [place_of(Path(case.file), root) for case in cases]
    entries = tuple(
        Entry(
            place=place,
            case=case,
            as_of=as_of or case.scenario.as_of or (pinned or {}).get(place) or today,
            inputs={place_of(file, root): file_hash(file) for file in files_of(case, own_books)},
            planner=__version__,
        )
        for place, case in zip(places, cases, strict=True)
    )
    return Side(label=label, entries=entries)


def files_of(case: Case, own_books: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Yield every file that a scenario's figures rest on: itself, prompts, trace, own books."""
    file = Path(case.file)
    yield file
    for text in case.texts.values():
        yield file.parent / text.file
    if case.scenario.traffic.trace is not None:
        yield file.parent / case.scenario.traffic.trace
    folders = own_books
    if case.scenario.books is not None:
        folders = (file.parent / case.scenario.books, *own_books)
    for folder in folders:
        yield from (folder / name for name in SECTIONS if (folder / name).is_file())


def place_of(file: Path, root: Path) -> str:
    """Return how a file is named from a folder, with forward slashes on every system."""
    return Path(
        os.path.relpath(_resolved(file.parent.absolute()) / file.name, _resolved(root.absolute()))
    ).as_posix()


@lru_cache(maxsize=64)
def _resolved(folder: Path) -> Path:
    """Return a folder without links; the files of a side lie in few of them."""
    return folder.resolve()


def file_hash(file: Path) -> str:
    """Return the SHA-256 of a file's content."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
