"""``planner diff``: what a change costs, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from planner.cli.options import (
    AsOfOption,
    BooksOption,
    Format,
    FormatOption,
    NoColorOption,
    OutputOption,
    date_or_none,
    emit,
    screen_of,
)
from planner.cli.sides import Sides
from planner.cli.two_processors import in_two
from planner.errors import EXIT_FINDING, UsageError
from planner.planning.diff.difference import difference
from planner.report.gate.difference_table import difference_parts
from planner.report.gate.difference_text import difference_json
from planner.report.screen import render
from planner.specs.gate.difference import Difference

app = typer.Typer(rich_markup_mode=None)


@app.command()
def diff(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[BASE] HEAD",
            help="Files, folders, locks, or REVISION:PATH; with one, the base is the lock. "
            "With --base-ref: the paths to compare.",
            show_default=False,
        ),
    ] = None,
    *,
    base_ref: Annotated[
        str | None, typer.Option(metavar="REVISION", help="Base: the same paths in this git revision.")
    ] = None,
    head_ref: Annotated[
        str | None,
        typer.Option(metavar="REVISION", help="Head, with --base-ref; the working tree if absent."),
    ] = None,
    lock: Annotated[Path, typer.Option(metavar="FILE", help="The lock that is the base.")] = Path(
        "planner.lock.json"
    ),
    as_of: AsOfOption = None,
    books: BooksOption = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 when anything differs.")
    ] = False,
    output_format: FormatOption = Format.table,
    output: OutputOption = "-",
    no_color: NoColorOption = False,
) -> None:
    """Say what a change costs, cause by cause, and what else it moves.

    Both sides are priced by one set of books; what prices, fits or planner itself moved is told apart.
    """
    sides = Sides(lock=lock, as_of=date_or_none(as_of), books=tuple(books or ()))
    found = difference(*sides.compared(tuple(paths or ()), base_ref, head_ref), each=in_two)
    width, color = screen_of(output, no_color=no_color)
    emit(shown_difference(found, output_format, width=width, color=color), output)
    if exit_code and not found.is_empty:
        raise typer.Exit(EXIT_FINDING)


def shown_difference(found: Difference, output_format: Format, *, width: int, color: bool) -> str:
    """Return a difference as the format asks.

    Raises
    ------
    UsageError
        For a format that a difference is not written in.
    """
    if output_format is Format.json:
        return difference_json(found)
    if output_format is Format.md:
        from planner.report.gate.difference_md import difference_markdown

        return difference_markdown(found)
    if output_format is not Format.table:
        raise UsageError(f"a diff is not written as {output_format}", cure="--format table, json or md")
    return render(*difference_parts(found), width=width, color=color).rstrip("\n") + "\n"
