"""``planner init``: a commented scenario to start from."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from planner.cli.options import emit
from planner.errors import UsageError
from planner.inputs.templates import template_text

app = typer.Typer(rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})


class Template(StrEnum):
    """What kind of feature to start from."""

    chat = "chat"
    rag = "rag"
    batch = "batch"
    agent = "agent"
    edge = "edge"


@app.command()
def init(
    template: Annotated[Template, typer.Argument(help="What kind of feature to start from.")] = Template.chat,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File to write; my-TEMPLATE.yaml unless given."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it is there.")] = False,
) -> None:
    """Write a commented scenario from a template."""
    file = output or Path(f"my-{template.value}.yaml")
    text = template_text(template.value)
    if str(file) == "-":
        emit(text, "-")
        return
    if file.exists() and not force:
        raise UsageError(
            f"{file} is there already", cure="give --output another name, or --force to overwrite it"
        )
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from None
    sys.stderr.write(f"wrote {file}; next: planner estimate {file}\n")
