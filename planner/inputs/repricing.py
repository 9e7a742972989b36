"""A lock's scenarios under today's books: the same load, other prices, and overrides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path

import yaml

from planner import __version__
from planner.errors import InputError, UsageError
from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.references import check_references
from planner.inputs.scenario import ScenarioFile, overridden
from planner.inputs.serving_profiles import load_serving_profiles
from planner.inputs.yaml_marks import parse_yaml
from planner.specs.books.books import Books
from planner.specs.gate.side import Entry, Side
from planner.specs.scenario.scenario import Scenario


def repriced(
    side: Side, *, root: Path, as_of: date, sets: tuple[str, ...] = (), own_books: tuple[Path, ...] = ()
) -> Side:
    """Return a lock's side with the shipped books, own books and profiles of today in place of the lock's rows.

    Parameters
    ----------
    side : the lock's scenarios.
    root : the lock's folder, from which scenarios and their own books are found.
    as_of : the price date.
    sets : overrides, ``key=value``, of every scenario.
    own_books : folders whose books are laid over ours.

    Raises
    ------
    UsageError
        When a scenario's own books are not there, or an override needs a file that a lock does not hold.
    InputError
        When an override makes a scenario invalid.
    """
    load = lru_cache(maxsize=None)(load_books)
    memory, profiles = load_vllm_memory(), load_serving_profiles()
    entries = []
    for entry in side.entries:
        books = load(*_own_books(entry, root, own_books), *own_books)
        case = replace(entry.case, books=books, vllm_memory=memory, profiles=profiles)
        if sets:
            case = replace(case, scenario=_with(entry, sets, books))
        entries.append(replace(entry, case=case, as_of=as_of, recorded=None, planner=__version__))
    return Side(label=f"repriced at {as_of.isoformat()}", entries=tuple(entries))


def _own_books(entry: Entry, root: Path, given: tuple[Path, ...]) -> Iterator[Path]:
    name = entry.case.scenario.books
    if name is None:
        return
    folder = (root / entry.place).parent / name
    if folder.is_dir():
        yield folder
    elif not given:
        raise UsageError(
            f"{entry.place} is priced by its own books in {name!r}, and they are not there",
            cure="name the folder with --books DIR",
        )


def _with(entry: Entry, sets: tuple[str, ...], books: Books) -> Scenario:
    """Return the scenario with overrides; files that they name cannot be measured from a lock."""
    given = entry.case.scenario.model_dump(exclude_unset=True)
    tree = parse_yaml(yaml.safe_dump(given, sort_keys=False), entry.place)
    try:
        scenario = overridden(tree, sets)
        texts = dict(entry.case.texts)
        check_references(
            ScenarioFile(scenario=scenario, tree=tree, path=Path(entry.place), texts=texts), books
        )
    except InputError as error:  # lines of a text that nobody has seen help nobody
        faults = tuple(replace(fault, line=None, column=None) for fault in error.faults)
        raise InputError(faults, cure=error.cure) from None
    _refuse_other_files(entry, scenario)
    return scenario


def _refuse_other_files(entry: Entry, scenario: Scenario) -> None:
    for name, part in (scenario.prompt.parts or {}).items():
        known = entry.case.texts.get(name)
        if part.file is not None and (known is None or known.file != part.file):
            raise UsageError(
                f"a lock holds no file {part.file}, so the prompt part {name} has no size",
                cure=f"give its size: --set prompt.parts.{name}={{tokens: 1200}}",
            )
    if scenario.traffic.trace != entry.case.scenario.traffic.trace:
        raise UsageError(
            "a lock does not hold another trace", cure="lock the scenario with the new trace instead"
        )
