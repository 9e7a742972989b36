"""Options that several commands share, declared once."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from planner.cli.edge import let_reader_go
from planner.errors import UsageError

PIPE_WIDTH = 100  #: where nobody says how wide: a log, a file, a pager


class Format(StrEnum):
    """How results are written."""

    table = "table"
    json = "json"
    csv = "csv"
    md = "md"


class ScreenFormat(StrEnum):
    """How results are written that have no rows of their own."""

    table = "table"
    json = "json"


def _as_of(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        raise typer.BadParameter(f"expected a date as YYYY-MM-DD, found {text!r}") from None


ScreenFormatOption = Annotated[ScreenFormat, typer.Option("--format", "-f", help="How to write the result.")]
FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How to write the result.")]
OutputOption = Annotated[
    str, typer.Option("--output", "-o", metavar="FILE", help="Where to write the result; - is stdout.")
]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        metavar="YYYY-MM-DD", help="Date whose prices and limits apply; the scenario's own, else today."
    ),
]
BooksOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--books", metavar="DIR", help="Folder with own books, laid over ours row by row. May repeat."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override one value of the scenario. May repeat."),
]
NoColorOption = Annotated[
    bool, typer.Option("--no-color", help="No colour; so does the environment's NO_COLOR.")
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Only the result: no progress, no warnings.")
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Exit with 1 when the answer is no or has warnings.")
]


def date_or_none(text: str | None) -> date | None:
    """Return the date that ``--as-of`` names; typer words the error of a bad one."""
    return _as_of(text)


def today() -> date:
    """Return today's date: the one place where a command reads the calendar."""
    return date.today()  # noqa: DTZ011 - prices change by local date; a day's error is documented


def emit(text: str, output: str) -> None:
    """Write a result to stdout or a file; where the reader of stdout has gone, the command goes on.

    Raises
    ------
    UsageError
        When the file cannot be written.
    """
    if output == "-":
        with reader_may_leave():
            sys.stdout.write(text)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from None


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """Go on when whoever reads stdout has gone, as in ``planner check | head``: a verdict keeps its exit code."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        let_reader_go()


def screen_of(output: str, *, no_color: bool) -> tuple[int, bool]:
    """Return the width to lay out for, and whether to colour."""
    to_terminal = output == "-" and sys.stdout.isatty()
    width = (
        shutil.get_terminal_size((PIPE_WIDTH, 24)).columns
        if to_terminal or "COLUMNS" in os.environ
        else PIPE_WIDTH
    )
    color = (
        to_terminal and not no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )
    return width, color
