"""``planner books verify`` and ``sync``: the pricing book against the library genai-prices."""

from __future__ import annotations

import difflib
import os
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from planner.cli.options import (
    AsOfOption,
    BooksOption,
    Format,
    NoColorOption,
    OutputOption,
    StrictOption,
    date_or_none,
    emit,
    screen_of,
    today,
)
from planner.errors import EXIT_FINDING, DataError, InputError, UsageError
from planner.inputs.book_checks import OpenBooks
from planner.inputs.book_edit import with_model, with_prices
from planner.inputs.books import load_books
from planner.inputs.price_feed import read_feed
from planner.planning.bill.price_feed import changes_of, compare, wanted_of
from planner.report.price_feed import feed_json, feed_table
from planner.report.screen import render
from planner.specs.books.price_feed import FeedReport, Offer

BOOK = "pricing.yaml"


def verify(
    books: BooksOption = None,
    as_of: AsOfOption = None,
    output_format: Annotated[Format, typer.Option("--format", "-f", help="table or json.")] = Format.table,
    output: OutputOption = "-",
    strict: StrictOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Compare the pricing book with genai-prices: agreement, disputes with both values and dates, what one lacks.

    Nothing is changed and nothing is fetched: the library's bundled prices are asked (extra `prices`).
    """
    if output_format not in (Format.table, Format.json):
        raise UsageError(f"a comparison is no {output_format.value}", cure="--format table or json")
    report = _report(tuple(books or ()), date_or_none(as_of) or today())
    if output_format is Format.json:
        emit(feed_json(report), output)
    else:
        width, color = screen_of(output, no_color=no_color)
        emit(render(feed_table(report), width=width, color=color), output)
    if strict and report.drifted:
        raise typer.Exit(EXIT_FINDING)


def sync(
    folder: Annotated[Path, typer.Argument(help="Folder whose pricing.yaml is to be changed.")] = Path(),
    models: Annotated[
        list[str] | None,
        typer.Option("--model", help="Only this offer. May repeat; all unknown disputes if none."),
    ] = None,
    add: Annotated[
        list[str] | None,
        typer.Option(metavar="PROVIDER/NAME", help="Add an offer that only the feed has. May repeat."),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the file; without it the change is only shown.")
    ] = False,
    as_of: AsOfOption = None,
) -> None:
    """Show the change that would take the feed's prices into a book, for review; --write makes it.

    Each disputed offer gets a new price row of that date, of low confidence, with the old price as its alternate.
    Comments and everything else stay as they are. It never runs in an estimate, and refuses to write in CI.
    """
    file, old = _book_of(folder, write=write)
    day = date_or_none(as_of) or today()
    report = _report((folder,), day)
    changes, left = changes_of(report, tuple(models or ()))
    # Who only adds offers leaves the rows that stand; and our own book's rows under theirs are not theirs to change.
    changes = () if add and not models else tuple(each for each in changes if f"- id: {each.model}\n" in old)
    new = with_prices(old, changes)
    for name in add or ():
        new = with_model(new, _new_offer(report, name), report.source, day)
    emit(_diff(old, new), "-")
    for name in left:
        sys.stderr.write(f"left to you: {name}\n")
    _refuse_faults(new, day)
    if write and new != old:
        file.write_text(new, encoding="utf-8")
    done = "written" if write else "nothing is written; --write does it"
    sys.stderr.write(f"{len(changes)} price rows and {len(add or ())} models of {file}: {done}\n")


def _book_of(folder: Path, *, write: bool) -> tuple[Path, str]:
    """Return the book to change and its text; CI may look, and not write: a price is accepted by a person."""
    if write and os.environ.get("CI"):
        raise UsageError("prices are not changed in CI", cure="run it yourself, review the change, commit it")
    file = folder / BOOK
    if not file.is_file():
        raise UsageError(f"there is no {file}", cure="name the folder that holds the book")
    return file, file.read_text(encoding="utf-8")


def _diff(old: str, new: str) -> str:
    before, after = (text.splitlines(keepends=True) for text in (old, new))
    return "".join(difflib.unified_diff(before, after, BOOK, BOOK, n=2))


def _new_offer(report: FeedReport, name: str) -> Offer:
    known = {f"{offer.provider}/{offer.name}": offer for offer in report.new}
    if name not in known:
        near = difflib.get_close_matches(name, list(known), n=3)
        cure = f"did you mean {', '.join(near)}?" if near else "see `planner books verify --format json`"
        raise DataError(f"{report.source} has no offer {name!r} that the book lacks", cure=cure)
    return known[name]


def _report(own_books: tuple[Path, ...], day: date) -> FeedReport:
    api = load_books(*own_books).api
    return compare(api, read_feed(wanted_of(api), day), day)


def _refuse_faults(text: str, day: date) -> None:
    """Check the changed book as `planner books check` would, before anything is written."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / BOOK).write_text(text, encoding="utf-8")
        opened = OpenBooks(Path(folder))
        faults = (*opened.faults, *opened.row_faults(day))
    if faults:
        raise InputError(faults)
