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
from planner.errors import UsageError
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
    given: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="A column that the table lacks: num_kv_tokens=41408."),
    ] = None,
    books: BooksOption = None,
    output_format: FormatOption = Format.table,
    output: OutputOption = "-",
    no_color: NoColorOption = False,
) -> None:
    """Predict every row of a measured table that can be, and report the errors by group.

    A table of requests rarely says how its engine was set up: --given engine_version=0.19.0, num_kv_tokens,
    max_num_seqs, max_num_batched_tokens, gpu_memory_utilization or any other column of the long layout.
    """
    tools = Tools(
        books=load_books(*(books or ())),
        profiles=load_serving_profiles(),
        memory_profile=load_vllm_memory(),
    )
    validation = judge(read_measured(table, columns_of(given or [])), tools)
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


def columns_of(given: list[str]) -> dict[str, str]:
    """Return columns that were stated beside a table.

    Raises
    ------
    UsageError
        For text without an equals sign.
    """
    columns = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (equals and name.strip() and value.strip()):
            raise UsageError(
                f"--given takes COLUMN=VALUE, found {text!r}", cure="--given engine_version=0.19.0"
            )
        columns[name.strip().casefold()] = value.strip()
    return columns
