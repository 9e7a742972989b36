"""``planner books retirements``: what the books know about the future of a scenario's models."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from planner.cli.options import (
    AsOfOption,
    BooksOption,
    Format,
    NoColorOption,
    OutputOption,
    date_or_none,
    emit,
    screen_of,
    today,
)
from planner.errors import UsageError
from planner.inputs.estimating import read_all
from planner.planning.bill.retirements import retirements
from planner.report.retirements import retirements_json, retirements_table
from planner.report.screen import render

DAYS_PER_MONTH = 30.44  # mean month, for dates only


def show_retirements(
    scenarios: Annotated[
        list[Path], typer.Argument(help="Scenario files, or folders of them.", show_default=False)
    ],
    months: Annotated[int, typer.Option(min=1, max=120, help="How far to look ahead.")] = 24,
    as_of: AsOfOption = None,
    books: BooksOption = None,
    output_format: Annotated[Format, typer.Option("--format", "-f", help="table or json.")] = Format.table,
    output: OutputOption = "-",
    no_color: NoColorOption = False,
) -> None:
    """Show which scenario loses a model when, and what the bill is with the successor."""
    if output_format not in (Format.table, Format.json):
        raise UsageError(f"a calendar is no {output_format.value}", cure="--format table or json")
    day = date_or_none(as_of) or today()
    cases = read_all(tuple(scenarios), (), tuple(books or ()))
    until = day + timedelta(days=months * DAYS_PER_MONTH)
    found = tuple(each for case in cases for each in retirements(case, day, until))
    if output_format is Format.json:
        emit(retirements_json(found, day), output)
        return
    width, color = screen_of(output, no_color=no_color)
    emit(render(retirements_table(found, day, len(cases)), width=width, color=color), output)
