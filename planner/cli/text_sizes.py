"""Sizes of a request as people know them, words, pages or a file, in the tokens of the model that is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from planner.errors import UsageError
from planner.inputs.scenario import measure
from planner.inputs.token_counts import file_counts
from planner.planning.workload.tokens import tokens_of_part
from planner.planning.workload.workload import text_amount
from planner.report.numbers import count
from planner.specs.base import Notice
from planner.specs.books.tokenizer import TokenizerFamily
from planner.specs.scenario.workload import PartSize, SizeUnit, TextSize

Size = tuple[float, Notice | None]  # tokens, and how they were found unless they were stated


def size_in_tokens(
    what: str, family: TokenizerFamily, given: dict[SizeUnit, float | None], file: Path | None = None
) -> Size:
    """Return the tokens of the prompt or the answer, from the one size that was given.

    Raises
    ------
    UsageError
        When no size is given or several, or the file cannot be read as text.
    """
    sizes = [(unit, amount) for unit, amount in given.items() if amount is not None]
    if len(sizes) + (file is not None) != 1:
        ways = [*(f"--{what}-{unit}" for unit in given), *((f"--{what}-file",) if what == "input" else ())]
        raise UsageError(f"how long is the {what}? Give exactly one size", cure=f"one of {', '.join(ways)}")
    if file is not None:
        text = _text(file, family)
        size = text_amount(text)
        return _counted(PartSize(name=what, unit="characters", amount=size, static=False, text=text), family)
    unit, amount = sizes[0]
    if amount < 0:
        raise UsageError(f"token counts must not be negative: --{what}-{unit} is {amount:g}")
    return _counted(PartSize(name=what, unit=unit, amount=amount, static=False), family)


def _text(file: Path, family: TokenizerFamily) -> TextSize:
    found = measure(file.name, file.parent)
    if isinstance(found, tuple):
        expected, seen = found
        raise UsageError(f"--input-file {file}: expected {expected}, found {seen}")
    return replace(found, counts=file_counts(file, (family,)))


def _counted(part: PartSize, family: TokenizerFamily) -> Size:
    found = tokens_of_part(part, family)
    if found.how == "stated":
        return found.tokens, None
    tokens = float(round(found.tokens))
    known = f"counted with {found.counter}"
    if found.how == "estimated":
        rule = "the vendor's rule" if family.published else "the common rule, none is published"
        kinds = " and the kinds of characters" if part.text is not None else ""
        known = f"{count(found.low)} to {count(found.high)} by {rule}{kinds}"
    amount = part.text.characters if part.text is not None else part.amount
    message = f"{count(amount)} {part.unit} of {part.name} are {count(tokens)} tokens of {family.id}: {known}"
    return tokens, Notice(code="TOKENS", message=message)
