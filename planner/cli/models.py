"""``planner models``: rows for the model book from a model's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from planner.cli.options import OutputOption, emit, today
from planner.inputs.model_files import read_model
from planner.planning.memory.size_agreement import check_size

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def models() -> None:
    """Turn a model's own files into rows of the model book."""


@app.command("import")
def import_row(
    path: Annotated[Path, typer.Argument(help="A folder with config.json, or a .gguf file.")],
    *,
    output: OutputOption = "-",
) -> None:
    """Print a row for models.yaml; weights are not read."""
    import yaml

    model = read_model(path, checked=today())
    check_size(model)
    row = model.model_dump(mode="json", exclude_defaults=True)
    row["checked"] = today()
    emit(yaml.safe_dump({"models": [row]}, sort_keys=False, allow_unicode=True, width=110), output)
