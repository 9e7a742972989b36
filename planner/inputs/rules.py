"""The rules of thumb in."""

from __future__ import annotations

from pathlib import Path

from planner.inputs.validate import validate
from planner.inputs.yaml_marks import read_yaml
from planner.specs.rules import Rules

RULES_FILE = Path(__file__).resolve().parent.parent / "rules" / "cheat_sheet.yaml"


def load_rules(file: Path = RULES_FILE) -> Rules:
    """Return the rules of one file. Raises InputError where it is broken."""
    return validate(Rules, read_yaml(file))
