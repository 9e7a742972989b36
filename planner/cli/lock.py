"""``planner lock``: scenarios, prices and results in one reviewed file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from planner.cli.diff import shown_difference
from planner.cli.locked_profiles import LockedProfileOption, measured_of
from planner.cli.locking import Locking
from planner.cli.options import (
    AsOfOption,
    BooksOption,
    Format,
    FormatOption,
    NoColorOption,
    QuietOption,
    SetOption,
    date_or_none,
    emit,
    screen_of,
)
from planner.cli.sides import Sides
from planner.cli.two_processors import in_two
from planner.errors import UsageError
from planner.inputs.locks import read_lock
from planner.inputs.project import read_project
from planner.planning.diff.difference import difference
from planner.specs.gate.lock import LOCK_FILE

app = typer.Typer(rich_markup_mode=None)


@app.command()
def lock(
    scenarios: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Scenario files, or folders of them; those of planner.yaml or the lock if none.", exists=True
        ),
    ] = None,
    *,
    file: Annotated[Path, typer.Option("--lock", metavar="FILE", help="The lock file.")] = Path(LOCK_FILE),
    update: Annotated[bool, typer.Option("--update", help="Accept what changed; it is shown.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 5 when out of date.")] = False,
    reprice: Annotated[
        bool, typer.Option("--reprice", help="The lock's load at today's prices, or those of --as-of.")
    ] = False,
    sets: SetOption = None,
    as_of: AsOfOption = None,
    books: BooksOption = None,
    profile: LockedProfileOption = None,
    output_format: FormatOption = Format.table,
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write scenarios, the rows that price them and the results into planner.lock.json.

    Without --update an existing lock is never overwritten. It keeps its price dates until --as-of or --reprice moves them.
    """
    _check_flags(check=check, update=update, reprice=reprice, sets=bool(sets), scenarios=bool(scenarios))
    named = scenarios or ([] if reprice else [Path(each) for each in read_project(None)[0].scenarios])
    old = read_lock(file) if file.exists() else None
    what = Locking(
        file=file,
        old=old,
        measured=measured_of(profile, old, file.parent),
        scenarios=tuple(named),
        sides=Sides(lock=file, as_of=date_or_none(as_of), books=tuple(books or ())),
        sets=tuple(sets or ()),
    )
    done = what.reprice(update=update) if reprice else what.lock(update=update, check=check)
    width, color = screen_of("-", no_color=no_color)
    if done.compared is not None and (reprice or not quiet):
        found = difference(*done.compared, each=in_two)
        emit(shown_difference(found, output_format, width=width, color=color), "-")
    if done.line and output_format is Format.table and not quiet:
        emit(done.line, "-")


def _check_flags(*, check: bool, update: bool, reprice: bool, sets: bool, scenarios: bool) -> None:
    """Refuse flags that do not go together."""
    if check and (update or reprice):
        raise UsageError("--check goes with neither --update nor --reprice", cure="give one of them")
    if update and reprice and sets:
        raise UsageError("--set asks what if, and a lock holds what is", cure="leave --update out")
    if update and reprice and scenarios:
        raise UsageError("--reprice --update is of the whole lock", cure="leave the scenarios out")
