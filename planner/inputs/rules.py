"""The rules of thumb in."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from planner.inputs.validate import validate
from planner.inputs.yaml_marks import read_yaml
from planner.specs.books.rules import Rules
from planner.specs.books.tokenizer import TokenizerTable

RULES_FILE = Path(__file__).resolve().parent.parent / "rules" / "cheat_sheet.yaml"
TOKENIZERS_FILE = RULES_FILE.with_name("tokenizers.yaml")


@cache
def load_rules(file: Path = RULES_FILE) -> Rules:
    """Return the rules of one file, with the tokenizer families. Raises InputError where one is broken."""
    rules = validate(Rules, read_yaml(file))
    families = validate(TokenizerTable, read_yaml(TOKENIZERS_FILE))
    return rules.model_copy(update={"tokenizers": families.tokenizers})
