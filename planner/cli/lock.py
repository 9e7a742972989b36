"""``planner lock``: scenarios, prices and results in one reviewed file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.options import AsOfOption, BooksOption, QuietOption, SetOption, date_or_none, today
from planner.errors import LockStaleError, UsageError

if TYPE_CHECKING:
    from datetime import date

    from planner.specs.lock import Lock
    from planner.specs.side import Side
    from planner.specs.staleness import StaleReason

app = typer.Typer(rich_markup_mode=None)
SHOWN_REASONS = 20
LockOption = Annotated[Path, typer.Option("--lock", metavar="FILE", help="The lock file.")]


@app.command()
def lock(
    scenarios: Annotated[
        list[Path] | None,
        typer.Argument(help="Scenario files, or folders of them; those of the lock if none.", exists=True),
    ] = None,
    *,
    file: LockOption = Path("planner.lock.json"),
    update: Annotated[bool, typer.Option("--update", help="Accept what changed; it is shown first.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 5 when out of date.")] = False,
    sets: SetOption = None,
    as_of: AsOfOption = None,
    books: BooksOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write scenarios, the rows that price them and the results into planner.lock.json.

    An existing lock is never overwritten without --update; it keeps its price dates until --as-of moves them.
    """
    from planner.inputs.locks import read_lock, write_lock

    if update and check:
        raise UsageError("--update and --check do not go together", cure="give one of them")
    old = read_lock(file) if file.exists() else None
    side = _side(file, scenarios, old, (date_or_none(as_of), tuple(sets or ()), tuple(books or ())))
    new = _lock_of(side, old)
    reasons = _reasons(old, new)
    if old is None and check:
        raise LockStaleError(f"there is no lock at {file}", cure="write one: planner lock SCENARIO…")
    if reasons and not update:
        raise LockStaleError(_stale(file, reasons), cure="accept it with planner lock --update")
    written = write_lock(new, file) if not check and (old is None or reasons) else False
    if not quiet:
        sys.stdout.write(_told(file, new, reasons, written=written))


def _side(
    file: Path,
    scenarios: list[Path] | None,
    old: Lock | None,
    how: tuple[date | None, tuple[str, ...], tuple[Path, ...]],
) -> Side:
    """Read the scenarios that are named, or those that the lock holds."""
    from planner.inputs.sides import side_of_files

    if not scenarios and old is None:
        raise UsageError(
            f"no scenario is named, and there is no lock at {file}", cure="planner lock SCENARIO…"
        )
    as_of, sets, books = how
    held = [file.parent / place for place in (old.scenarios if old else ())]
    return side_of_files(
        tuple(scenarios or [path for path in held if path.exists()] or held),
        root=file.parent,
        label="working tree",
        today=today(),
        as_of=as_of,
        pinned={place: each.as_of for place, each in old.scenarios.items()} if old else {},
        sets=sets,
        own_books=books,
    )


def _lock_of(side: Side, old: Lock | None) -> Lock:
    from planner import __version__
    from planner.planning.locking import lock_of

    return lock_of(side, planner=__version__, seed=old.seed if old is not None else 0)


def _reasons(old: Lock | None, new: Lock) -> tuple[StaleReason, ...]:
    from planner.planning.staleness import stale_reasons

    return stale_reasons(old, new) if old is not None else ()


def _stale(file: Path, reasons: tuple[StaleReason, ...]) -> str:
    more = [f"and {len(reasons) - SHOWN_REASONS} more"] if len(reasons) > SHOWN_REASONS else []
    return "\n  ".join([f"{file} is out of date:", *map(str, reasons[:SHOWN_REASONS]), *more])


def _told(file: Path, new: Lock, reasons: tuple[StaleReason, ...], *, written: bool) -> str:
    costs = [each.result.usd_per_month for each in new.scenarios.values()]
    total = sum(cost for cost in costs if cost is not None)
    count = f"{len(costs)} scenario{'s' if len(costs) != 1 else ''}"
    unknown = sum(cost is None for cost in costs)
    lines = [f"{'wrote' if written else 'up to date:'} {file}: {count}, {total:,.2f} USD/month"]
    if unknown:
        lines[0] += f", and {unknown} without an option that holds"
    lines.extend(f"  accepted: {reason}" for reason in reasons[:SHOWN_REASONS])
    return "\n".join(lines) + "\n"
