"""What ``planner check`` reads: project, working tree, lock or git revision; then the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from planner import __version__
from planner.cli.locked_profiles import measured_of, with_measured
from planner.cli.sides import WORKING_TREE, Sides
from planner.cli.two_processors import in_two
from planner.errors import DataError, InputError, UsageError
from planner.inputs.locks import read_lock
from planner.inputs.project import gates_from, read_project
from planner.inputs.sides import file_hash, files_of, place_of, side_of_files
from planner.planning.diff.difference import difference
from planner.planning.gate.check import CheckRequest, check
from planner.planning.lock.locking import lock_of
from planner.planning.lock.staleness import stale_reasons
from planner.records import dataclass
from planner.specs.gate.finding import Checked, Finding
from planner.specs.gate.lock import Lock
from planner.specs.gate.side import Entry, Side
from planner.specs.gate.staleness import StaleReason
from planner.specs.scenario.gates import Project


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
    profile: str | None = None


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
        base, head = _sides(asked, project, lock, lock_file)
    except InputError as error:
        return check(replace(request, broken=tuple(_broken(error))))
    return check(
        replace(
            request,
            entries=head.entries,
            difference=difference(base, head, each=in_two) if base is not None else None,
            stale=_stale(lock, head, lock_file, whole=not asked.scenarios) if lock is not None else (),
        )
    )


def _paths(asked: Asked, project: Project, lock: Lock | None, root: Path) -> tuple[Path, ...]:
    """Return the scenarios to check: those named, else the project's, else those of the lock that are still there."""
    named = asked.scenarios or tuple(Path(each) for each in project.scenarios)
    held = tuple(root / place for place in lock.scenarios) if lock is not None else ()
    paths = named or tuple(path for path in held if path.exists())
    if not paths:
        raise UsageError(
            "no scenario is named, and there is no lock that holds any", cure="planner check SCENARIO…"
        )
    return paths


def _sides(asked: Asked, project: Project, lock: Lock | None, lock_file: Path) -> tuple[Side | None, Side]:
    """Return what is compared with, a git revision where one is named, else the lock, and the working tree."""
    root = lock_file.parent
    paths = _paths(asked, project, lock, root)
    sides = Sides(lock=lock_file, as_of=asked.as_of, books=asked.books)
    measured = measured_of(asked.profile, lock, root)
    if asked.base_ref is not None:
        base, head = sides.in_revisions(tuple(map(str, paths)), asked.base_ref, None)
        return with_measured(base, measured), with_measured(head, measured)
    head = side_of_files(
        paths,
        root=root,
        label=WORKING_TREE,
        today=asked.today,
        as_of=asked.as_of,
        pinned={place: each.as_of for place, each in lock.scenarios.items()} if lock is not None else {},
        own_books=asked.books,
    )
    head = with_measured(head, measured)
    if lock is None:
        return None, head
    base = sides.of_lock(lock, str(lock_file))
    return (_only(base, head) if asked.scenarios else base), head


def _only(side: Side, head: Side) -> Side:
    """Return the scenarios of a side that the other side has, too: those that were named."""
    named = {entry.place for entry in head.entries} | {entry.case.scenario.name for entry in head.entries}
    kept = tuple(entry for entry in side.entries if entry.place in named or entry.case.scenario.name in named)
    return replace(side, entries=kept)


def _stale(lock: Lock, head: Side, lock_file: Path, *, whole: bool) -> tuple[StaleReason, ...]:
    """Return why the lock is out of date; of named scenarios only what is about them."""
    here = replace(head, entries=tuple(_in_lock(entry, lock, lock_file) for entry in head.entries))
    try:
        now = lock_of(here, planner=__version__, seed=lock.seed)
    except (DataError, UsageError):  # a scenario without a price is a finding of its own
        return ()
    places = {entry.place for entry in here.entries}
    reasons = stale_reasons(lock, now)
    return tuple(each for each in reasons if whole or each.place is None or each.place in places)


def _in_lock(entry: Entry, lock: Lock, lock_file: Path) -> Entry:
    """Return a scenario as the lock names and dates it."""
    root = lock_file.parent
    place = place_of(Path(entry.case.file), root)
    known = lock.scenarios.get(place)
    pinned = known.as_of if known is not None and entry.case.scenario.as_of is None else entry.as_of
    inputs = {place_of(file, root): file_hash(file) for file in files_of(entry.case)}
    return replace(entry, place=place, as_of=pinned, inputs=inputs)


def _broken(error: InputError) -> list[Finding]:
    """Return the faults of files as findings, so that they are annotated where they stand."""
    return [
        Finding(
            rule="INPUT",
            severity="error",
            subject=fault.key,
            file=fault.file,
            line=fault.line,
            message=f"{fault.key}: found {fault.found}" if fault.key else f"found {fault.found}",
            expected=fault.expected,
            found=fault.found,
            cure=error.cure or (f"did you mean {fault.nearest!r}?" if fault.nearest else None),
        )
        for fault in error.faults
    ]
