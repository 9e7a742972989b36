"""What ``planner lock`` does with its file: read the sides, tell what is stale, write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from planner import __version__
from planner.cli.locked_profiles import with_measured
from planner.cli.options import today
from planner.cli.sides import Sides
from planner.errors import LockStaleError, UsageError
from planner.inputs.locks import write_lock
from planner.inputs.repricing import repriced
from planner.inputs.sides import place_of, side_of_files
from planner.planning.lock.locking import lock_of
from planner.planning.lock.staleness import stale_reasons
from planner.records import dataclass
from planner.specs.gate.lock import Lock
from planner.specs.gate.side import Side
from planner.specs.gate.staleness import StaleReason
from planner.specs.profiles.step import StepProfile

SHOWN_REASONS = 20  #: one price changed in a book makes one for every scenario


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What was done, in one line, and the two sides that show what changed."""

    line: str = ""
    compared: tuple[Side, Side] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Locking:
    """What is locked, into which file, and how."""

    file: Path
    old: Lock | None
    scenarios: tuple[Path, ...]
    sides: Sides
    sets: tuple[str, ...]
    measured: Mapping[str, StepProfile]

    def lock(self, *, update: bool, check: bool) -> Done:
        """Write the lock where there is none or where changes are accepted.

        Raises
        ------
        LockStaleError
            When it is out of date and that is not accepted, or when there is none to check.
        """
        if check and self.old is None:
            raise LockStaleError(f"there is no lock at {self.file}", cure="write one: planner lock SCENARIO…")
        side = self.side()
        new = self.lock_of(side)
        reasons = self.reasons(new, accept=update)
        if self.old is None:
            return Done(line=self.write(new))
        if not reasons and not (update and self.old.rules is None):  # of version 1, without rules
            return Done(line=self.told(new, "up to date:"))
        base = self.sides.of_lock(self.old, str(self.file))
        return Done(line=self.write(new), compared=(base, side))

    def reprice(self, *, update: bool) -> Done:
        """Price the lock's load by the books of today, and keep that where it is accepted."""
        base, head = self.repriced()
        line = self.write(self.lock_of(head)) if update else ""
        return Done(line=line, compared=(base, head))

    def side(self) -> Side:
        """Return the scenarios that are named, or those of the lock; the lock's price dates stay."""
        held = {
            self.file.parent / place: each for place, each in (self.old.scenarios if self.old else {}).items()
        }
        if not self.scenarios and not held:
            cure = "name them: planner lock SCENARIO…"
            raise UsageError(f"no scenario is named, and there is no lock at {self.file}", cure=cure)
        side = side_of_files(
            self.scenarios or tuple(path for path in held if path.exists()) or tuple(held),
            root=self.file.parent,
            label="working tree",
            today=today(),
            as_of=self.sides.as_of,
            pinned={place: each.as_of for place, each in self.old.scenarios.items()} if self.old else {},
            sets=self.sets,
            own_books=self.sides.books,
        )
        return with_measured(side, self.measured)

    def repriced(self) -> tuple[Side, Side]:
        """Return the lock, and the same load at the prices of another day."""
        if self.old is None:
            raise UsageError(f"there is no lock at {self.file} to reprice", cure="name it with --lock FILE")
        base = self._named(self.sides.of_lock(self.old, str(self.file)))
        head = repriced(
            base,
            root=self.file.parent,
            as_of=self.sides.as_of or today(),
            sets=self.sets,
            own_books=self.sides.books,
        )
        return base, head

    def _named(self, side: Side) -> Side:
        """Return the scenarios of the lock that are named; all of them where none is."""
        if not self.scenarios:
            return side
        held = {
            path: [
                each
                for each in side.entries
                if Path(each.place).is_relative_to(place_of(path, self.file.parent))
            ]
            for path in self.scenarios
        }
        absent = next((path for path, entries in held.items() if not entries), None)
        if absent is not None:
            places = ", ".join(entry.place for entry in side.entries)
            raise UsageError(f"{self.file} does not hold {absent}", cure=f"it holds {places}")
        named = {entry.place for entries in held.values() for entry in entries}
        return replace(side, entries=tuple(entry for entry in side.entries if entry.place in named))

    def lock_of(self, side: Side) -> Lock:
        """Return the lock of a side, with the seed that the old one had."""
        return lock_of(side, planner=__version__, seed=self.old.seed if self.old is not None else 0)

    def reasons(self, new: Lock, *, accept: bool) -> tuple[StaleReason, ...]:
        """Return why the old lock is out of date.

        Raises
        ------
        LockStaleError
            When it is, and that is not accepted.
        """
        found = stale_reasons(self.old, new) if self.old is not None else ()
        if found and not accept:
            more = [f"and {len(found) - SHOWN_REASONS} more"] if len(found) > SHOWN_REASONS else []
            lines = [f"{self.file} is out of date:", *map(str, found[:SHOWN_REASONS]), *more]
            raise LockStaleError(
                "\n  ".join(lines), cure="see it with planner diff, accept it with planner lock --update"
            )
        return found

    def write(self, new: Lock) -> str:
        """Write a lock and return one line about it."""
        write_lock(new, self.file)
        return self.told(new, "wrote")

    def told(self, new: Lock, what: str) -> str:
        """Return one line about a lock: its scenarios and their cost."""
        costs = [each.result.usd_per_month for each in new.scenarios.values()]
        total = sum(cost for cost in costs if cost is not None)
        unknown = sum(cost is None for cost in costs)
        count = f"{len(costs)} scenario{'s' if len(costs) != 1 else ''}"
        rest = f", and {unknown} without an option that holds" if unknown else ""
        return f"{what} {self.file}: {count}, {total:,.2f} USD/month{rest}\n"
