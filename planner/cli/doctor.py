"""``planner doctor``: what this machine offers, and the install line of what is missing."""

from __future__ import annotations

import typer

from planner.cli.options import Format, FormatOption, NoColorOption, OutputOption, emit, screen_of
from planner.engines.host import host_facts
from planner.errors import UsageError
from planner.report.bench.host import host_table
from planner.report.plain import plain, to_json

app = typer.Typer(rich_markup_mode=None)


@app.command()
def doctor(
    *, format_: FormatOption = Format.table, output: OutputOption = "-", no_color: NoColorOption = False
) -> None:
    """Show processor, memory and its bandwidth (measured in a second), GPUs, engines and extras."""
    if format_ not in (Format.table, Format.json):
        raise UsageError(f"doctor does not write {format_.value}", cure="choose --format table or json")
    host = host_facts()
    if format_ is Format.json:
        emit(to_json({"schema": "planner.doctor/1", **plain(host)}), output)
        return
    width, color = screen_of(output, no_color=no_color)
    emit(host_table(host, width=width, color=color), output)
