"""``planner doctor``: what this machine offers, and the install line of what is missing."""

from __future__ import annotations

import typer

from planner.cli.options import (
    NoColorOption,
    OutputOption,
    ScreenFormat,
    ScreenFormatOption,
    emit,
    screen_of,
)
from planner.engines.host import host_facts
from planner.report.bench.host import host_table
from planner.report.plain import plain, to_json

app = typer.Typer(rich_markup_mode=None)


@app.command()
def doctor(
    *,
    format_: ScreenFormatOption = ScreenFormat.table,
    output: OutputOption = "-",
    no_color: NoColorOption = False,
) -> None:
    """Show processor, memory and its bandwidth (measured in a second), GPUs, engines and extras."""
    host = host_facts()
    if format_ is ScreenFormat.json:
        emit(to_json({"schema": "planner.doctor/1", **plain(host)}), output)
        return
    width, color = screen_of(output, no_color=no_color)
    emit(host_table(host, width=width, color=color), output)
