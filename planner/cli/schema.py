"""``planner schema``: the JSON Schema of the scenario file, made from the same types that read it."""

from __future__ import annotations

import json

import typer

from planner.cli.options import OutputOption, emit
from planner.report.schema import scenario_schema

app = typer.Typer(rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})


@app.command()
def schema(output: OutputOption = "-") -> None:
    """Write the JSON Schema of the scenario file, for completion and checks in editors.

    Put this line first in a scenario: # yaml-language-server: $schema=scenario.schema.json
    """
    emit(json.dumps(scenario_schema(), indent=2, ensure_ascii=False) + "\n", output)
