"""``planner books``: list, show and check the pricing, hardware and model books."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from planner.cli.books_feed import show_retirements
from planner.cli.books_prices import sync, verify
from planner.cli.options import (
    AsOfOption,
    BooksOption,
    NoColorOption,
    QuietOption,
    date_or_none,
    emit,
    screen_of,
    today,
)
from planner.errors import DataError, InputError
from planner.inputs.book_checks import OpenBooks
from planner.inputs.books import load_books
from planner.inputs.rules import load_rules
from planner.planning.book_rules import breaches, stale_rows
from planner.report.books_table import LISTINGS, find_rows, row_text
from planner.report.estimate.tokens import TEXT_LISTINGS
from planner.report.screen import render

app = typer.Typer(
    help="List, show and check the pricing, hardware and model books.",
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("retirements")(show_retirements)
app.command("verify")(verify)
app.command("sync")(sync)


class Kind(StrEnum):
    """What can be listed."""

    models = "models"
    hardware = "hardware"
    prices = "prices"
    rentals = "rentals"
    limits = "limits"
    tokenizers = "tokenizers"
    words = "words"


@app.command("list")
def list_rows(
    kind: Annotated[Kind, typer.Argument(help="Which rows.")],
    books: BooksOption = None,
    no_color: NoColorOption = False,
) -> None:
    """List the rows of one book; ``words`` compares API prices for the same text, not for the same tokens."""
    width, color = screen_of("-", no_color=no_color)
    loaded = load_books(*books or ())
    if kind in (Kind.tokenizers, Kind.words):
        table = TEXT_LISTINGS[kind.value](loaded, load_rules())
    else:
        table = LISTINGS[kind.value](loaded)
    emit(render(table, width=width, color=color), "-")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Id or any alias of a row.")],
    books: BooksOption = None,
) -> None:
    """Show every row that a name means, with its sources, as YAML."""
    loaded = load_books(*books or ())
    found = list(find_rows(loaded, name))
    if not found:
        near = [*loaded.api.nearest(name), *loaded.hardware.nearest(name), *loaded.models.nearest(name)]
        cure = f"did you mean {', '.join(near[:5])}?" if near else "see `planner books list --help`"
        raise DataError(f"no row of the books is called {name!r}", cure=cure)
    emit("".join(f"# {section}\n{row_text(row)}" for section, row in found), "-")


@app.command()
def check(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders with books; the shipped ones if none.")
    ] = None,
    books: BooksOption = None,
    as_of: AsOfOption = None,
    quiet: QuietOption = False,
) -> None:
    """Check the books in full: every fault with file and line, and a warning for each row older than 90 days."""
    day = date_or_none(as_of) or today()
    own = (*(folders or ()), *(books or ()))
    opened = OpenBooks(*own)
    faults = [*opened.faults, *opened.row_faults(today())]
    if faults:  # rules between values need rows that are whole
        raise InputError(tuple(faults))
    loaded = load_books(*own)
    faults = list(opened.breach_faults(breaches(loaded)))
    if faults:
        raise InputError(tuple(faults))
    stale = [] if quiet else list(stale_rows(loaded, day))
    for section, row_id, checked in stale:
        sys.stderr.write(
            f"warning: {section} {row_id} was last checked on {checked.isoformat()}, over 90 days ago\n"
        )
    rows = sum(
        map(
            len,
            (loaded.api.rows, loaded.rentals, loaded.rate_limits, loaded.hardware.rows, loaded.models.rows),
        )
    )
    emit(f"{rows} rows in {len(loaded.sources)} books: no fault, {len(stale)} older than 90 days\n", "-")
