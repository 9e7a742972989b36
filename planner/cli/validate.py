"""``planner validate``: how wrong predictions are on a measured table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from planner.cli.options import (
    BooksOption,
    Format,
    FormatOption,
    NoColorOption,
    OutputOption,
    emit,
    screen_of,
)
from planner.inputs.books import load_books
from planner.inputs.measured_table import read_measured
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.judge.validate import Tools, validate as judge
from planner.report import validate as report

app = typer.Typer(rich_markup_mode=None)


@app.command()
def validate(
    table: Annotated[
        Path, typer.Argument(help="Measured numbers, one a row (engine, model, gpu, metric …).")
    ],
    *,
    books: BooksOption = None,
    output_format: FormatOption = Format.table,
    output: OutputOption = "-",
    no_color: NoColorOption = False,
) -> None:
    """Predict every row of a measured table that can be, and report the errors by group."""
    tools = Tools(
        books=load_books(*(books or ())),
        profiles=load_serving_profiles(),
        memory_profile=load_vllm_memory(),
    )
    validation = judge(read_measured(table), tools)
    width, color = screen_of(output, no_color=no_color)
    if output_format is Format.table:
        emit(report.validate_table(validation, width=width, color=color), output)
        return
    writers = {
        Format.json: report.validate_json,
        Format.csv: report.validate_csv,
        Format.md: report.validate_markdown,
    }
    emit(writers[output_format](validation), output)
