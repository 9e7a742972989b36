"""What ``planner check`` reads: project, working tree, lock or git revision; then the rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from planner import __version__
from planner.errors import InputError, UsageError
from planner.inputs.locks import read_lock
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.project import gates_from, read_project
from planner.inputs.rules import load_rules
from planner.inputs.sides import side_of_files
from planner.planning.check import CheckRequest, check
from planner.planning.difference import difference
from planner.planning.locking import lock_of, side_of
from planner.planning.staleness import stale_reasons
from planner.specs.finding import Checked, Finding
from planner.specs.gates import Project
from planner.specs.lock import Lock
from planner.specs.side import Side
from planner.specs.staleness import StaleReason


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The command line of a check."""

    scenarios: tuple[Path, ...]
    baseline: Path | None
    base_ref: str | None
    project: Path | None
    gates: tuple[str, ...]
    as_of: date | None
    today: date
    books: tuple[Path, ...]


def checked_of(asked: Asked) -> Checked:
    """Read both sides and judge them; a broken scenario is a finding with its place, not the end.

    Raises
    ------
    InputError
        When the project file or the lock is broken.
    UsageError
        When there is nothing to check.
    """
    project, project_file = read_project(asked.project)
    flags = gates_from(asked.gates)
    lock_file = asked.baseline or Path(project.lock)
    lock = read_lock(lock_file) if asked.baseline is not None or lock_file.exists() else None
    request = CheckRequest(
        entries=(),
        difference=None,
        lock=str(lock_file),
        project=project,
        project_file=project_file,
        flags=flags,
        today=asked.today,
    )
    try:
        head = _head(asked, project, lock, lock_file)
    except InputError as error:
        return check(replace(request, broken=tuple(_broken(error))))
    base = _base(asked, lock, lock_file, head)
    return check(
        replace(
            request,
            entries=head.entries,
            difference=difference(base, head) if base is not None else None,
            stale=_stale(lock, head, whole=not asked.scenarios) if lock is not None else (),
        )
    )


def _head(asked: Asked, project: Project, lock: Lock | None, lock_file: Path) -> Side:
    root = lock_file.parent
    named = asked.scenarios or tuple(Path(each) for each in project.scenarios)
    held = tuple(root / place for place in lock.scenarios) if lock is not None else ()
    paths = named or tuple(path for path in held if path.exists())
    if not paths:
        raise UsageError(
            "no scenario is named, and there is no lock that holds any", cure="planner check SCENARIO…"
        )
    return side_of_files(
        paths,
        root=root,
        label="working tree",
        today=asked.today,
        as_of=asked.as_of,
        pinned={place: each.as_of for place, each in lock.scenarios.items()} if lock is not None else {},
        own_books=asked.books,
    )


def _base(asked: Asked, lock: Lock | None, lock_file: Path, head: Side) -> Side | None:
    """Return what the working tree is compared with: a git revision where one is named, else the lock."""
    if lock is None:
        return None
    side = side_of(lock, label=str(lock_file), rules=load_rules(), vllm_memory=load_vllm_memory())
    return _only(side, head) if asked.scenarios else side


def _only(side: Side, head: Side) -> Side:
    """Return the scenarios of a side that the other side has, too: those that were named."""
    named = {entry.place for entry in head.entries} | {entry.case.scenario.name for entry in head.entries}
    kept = tuple(entry for entry in side.entries if entry.place in named or entry.case.scenario.name in named)
    return replace(side, entries=kept)


def _stale(lock: Lock, head: Side, *, whole: bool) -> tuple[StaleReason, ...]:
    """Return why the lock is out of date; of named scenarios only what is about them."""
    reasons = stale_reasons(lock, lock_of(head, planner=__version__, seed=lock.seed))
    places = {entry.place for entry in head.entries}
    return tuple(each for each in reasons if whole or each.place is None or each.place in places)


def _broken(error: InputError) -> list[Finding]:
    """Return the faults of files as findings, so that they are annotated where they stand."""
    return [
        Finding(
            rule="INPUT",
            severity="error",
            subject=fault.key,
            file=fault.file,
            line=fault.line,
            message=str(fault),
            expected=fault.expected,
            found=fault.found,
            cure=error.cure or (f"did you mean {fault.nearest!r}?" if fault.nearest else None),
        )
        for fault in error.faults
    ]
