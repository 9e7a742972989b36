"""All that an estimate needs, read at once: scenarios, books, rules, prompts, traces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from planner.errors import Fault, InputError
from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.places import key_lines
from planner.inputs.recordings import read_recording
from planner.inputs.references import check_references
from planner.inputs.rules import load_rules
from planner.inputs.salvage import readable_part
from planner.inputs.scenario import ScenarioFile, blamed, fault_at, find_scenarios, read_scenario
from planner.inputs.serving_profiles import load_serving_profiles
from planner.inputs.token_counts import can_count, file_counts
from planner.inputs.validate import nearest_of
from planner.inputs.yaml_marks import Path_
from planner.specs.books.books import Books
from planner.specs.books.rules import Rules
from planner.specs.books.tokenizer import TokenizerFamily
from planner.specs.case import Case
from planner.specs.profiles.memory import EngineMemoryProfile
from planner.specs.profiles.serving import ServingProfile
from planner.specs.profiles.step import StepProfile
from planner.specs.scenario.scenario import Scenario
from planner.specs.scenario.workload import TextSize


class _Shared(NamedTuple):
    """What is the same for every scenario of a call: rules, fits, and which vocabularies are here."""

    rules: Rules
    memory: EngineMemoryProfile
    serving: tuple[ServingProfile, ...]
    measured: Mapping[str, StepProfile]
    can_count: Callable[[TokenizerFamily], bool]


def read_all(
    paths: tuple[Path, ...],
    sets: tuple[str, ...] = (),
    own_books: tuple[Path, ...] = (),
    measured: Mapping[str, StepProfile] | None = None,
) -> tuple[Case, ...]:
    """Read every scenario that the paths name.

    Parameters
    ----------
    paths : files, or folders of them.
    sets : overrides, ``key=value``.
    own_books : folders whose books are laid over ours and over the scenario's own.
    measured : step profiles of the project's own, by file.

    Raises
    ------
    InputError
        With the faults of all files together.
    """
    load = lru_cache(maxsize=None)(load_books)
    faults: list[Fault] = []
    cases: list[Case] = []
    shared = _Shared(
        rules=load_rules(),
        memory=load_vllm_memory(),
        serving=load_serving_profiles(),
        measured=measured or {},
        can_count=lru_cache(maxsize=None)(can_count),
    )
    for path in find_scenarios(paths):
        try:
            file = read_scenario(path, sets)
            books = load(*_scenario_books(file), *own_books)
            check_references(file, books)
            _check_family(file, shared.rules)
            cases.append(_case(file, books, shared))
        except InputError as error:
            every = (*error.faults, *_wrong_names(path, sets, own_books, load, shared.rules))
            by_place = sorted(every, key=lambda fault: (fault.line or 0, fault.column or 0))
            faults.extend(dict.fromkeys(blamed(fault, sets) for fault in by_place))
    if faults:
        raise InputError(tuple(faults))
    return tuple(cases)


def _wrong_names(
    path: Path,
    sets: tuple[str, ...],
    own_books: tuple[Path, ...],
    load: Callable[..., Books],
    rules: Rules,
) -> tuple[Fault, ...]:
    """Return the names that the books do not hold in what can be read of a scenario with other faults."""
    part = readable_part(path, sets)
    if part is None:
        return ()
    try:
        check_references(part, load(*_scenario_books(part), *own_books))
        _check_family(part, rules)
    except InputError as error:
        return error.faults
    return ()


def _case(file: ScenarioFile, books: Books, shared: _Shared) -> Case:
    return Case(
        scenario=file.scenario,
        file=str(file.path),
        books=books,
        rules=shared.rules,
        texts=_texts(file, books, shared),
        vllm_memory=shared.memory,
        profiles=shared.serving,
        measured=shared.measured,
        trace=read_recording(file),
        lines=key_lines(file.tree),
    )


def _texts(file: ScenarioFile, books: Books, shared: _Shared) -> dict[str, TextSize]:
    """Return the prompt files with their tokens in the families of the scenario's models, where they can be counted."""
    used = {family.id: family for family in map(shared.rules.family, _tokenizers(file.scenario, books))}
    families = [family for family in used.values() if shared.can_count(family)] if file.texts else []
    return {
        name: replace(size, counts=file_counts(file.folder / size.file, families))
        for name, size in file.texts.items()
    }


def _check_family(file: ScenarioFile, rules: Rules) -> None:
    """Refuse counts taken with a tokenizer that the table of families does not hold."""
    name = file.scenario.prompt.counted_with
    known = [family.id for family in rules.tokenizers]
    if name is not None and name not in known:
        at: Path_ = ("prompt", "counted_with")
        expected = f"a tokenizer family ({', '.join(known)})"
        raise InputError((fault_at(file.tree, at, expected, repr(name), nearest_of(name, known)),))


def _tokenizers(scenario: Scenario, books: Books) -> Iterator[str | None]:
    """Yield what each API model of a scenario says of its tokenizer."""
    for entry in scenario.models:
        named = (entry.model, *(stage.model for stage in entry.cascade or ()))
        yield from (books.api.find(name).tokenizer for name in named if name is not None)
    if scenario.reliability.failover_model is not None:
        yield books.api.find(scenario.reliability.failover_model).tokenizer


def _scenario_books(file: ScenarioFile) -> tuple[Path, ...]:
    """Return the scenario's own books folder, which must exist beside it."""
    name = file.scenario.books
    if name is None:
        return ()
    folder = (file.folder / name).resolve()
    if not folder.is_dir():
        raise InputError(
            (fault_at(file.tree, ("books",), "a folder beside the scenario", f"nothing at {name!r}"),)
        )
    return (folder,)
