"""An explanation as a tree for the terminal, as JSON and as Markdown."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Literal

from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree

from planner.records import dataclass
from planner.report.plain import to_json
from planner.report.screen import grid
from planner.specs.answers.estimate import Estimate
from planner.specs.answers.explanation import Explained, Origin, Shown
from planner.specs.base import Grade

SCHEMA = "planner.explain/1"
ALIKE = 4  # operands of one name beyond this many are counted, not listed: 24 hours, 12 months


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """What was asked about one scenario, explained."""

    estimate: Estimate
    numbers: tuple[Explained, ...]


def explanation_parts(explanation: Explanation) -> Iterator[RenderableType]:
    """Yield the parts of the screen: one number as a tree, several as a table."""
    yield _headline(explanation.estimate)
    if len(explanation.numbers) > 1:
        yield _listing(explanation.numbers)
    else:
        for number in explanation.numbers:
            yield _tree(number, set())
    formulas = dict(_formulas(explanation.numbers))
    if formulas and len(explanation.numbers) == 1:
        yield Text("")
        yield _formula_table(formulas)
    yield Text("")


def _headline(estimate: Estimate) -> Text:
    return Text.assemble(
        (estimate.scenario, "head"),
        (f" · {estimate.file} · prices as of {estimate.as_of.isoformat()}", "dim"),
    )


def _tree(number: Explained, seen: set[str]) -> Tree:
    tree = Tree(_label(number, number.path or number.name, 1, None), guide_style="dim")
    _grow(tree, number, seen)
    return tree


def _grow(tree: Tree, number: Explained, seen: set[str]) -> None:
    """Add the operands of a number below it."""
    if number.path is not None:
        seen.add(number.path)
    if number.note:
        tree.add(Text(number.note, style="dim"))
    for operand, alike in _grouped(_below(number)):
        again = operand.path in seen and bool(_below(operand))
        branch = tree.add(_label(operand, operand.name, alike, number.grade, again=again))
        if alike == 1 and not again:
            _grow(branch, operand, seen)


def _below(number: Explained) -> tuple[Explained, ...]:
    """Return the operands; a number that is a leaf taken as it stands has none of its own."""
    return () if _taken(number) is not None else number.operands


def _taken(number: Explained) -> Origin | None:
    """Return the origin of a number that is taken from one leaf."""
    if number.origin is not None:
        return number.origin
    only = number.operands[0] if len(number.operands) == 1 else None
    return only.origin if only is not None and only.value == number.value else None


def _grouped(operands: Sequence[Explained]) -> Iterator[tuple[Explained, int]]:
    """Yield each operand, or one of many of the same name with how many they are."""
    counts: dict[str, int] = {}
    for operand in operands:
        counts[operand.name] = counts.get(operand.name, 0) + 1
    shown: set[str] = set()
    for operand in operands:
        if counts[operand.name] <= ALIKE:
            yield operand, 1
        elif operand.name not in shown:
            shown.add(operand.name)
            yield operand, counts[operand.name]


def _label(
    number: Explained, name: str, alike: int, grade_above: Grade | None, *, again: bool = False
) -> Text:
    label = Text.assemble(name, " = ", (exact(number.value), "number"))
    kind, words = _making(number, alike, again=again)
    if kind == "rule" and number.rule != number.name:
        label.append(f" {words}", style="good" if number.replayed else "warn")
    elif kind in {"told", "origin"}:
        label.append(f"  {words}" if kind == "origin" else f" {words}", style="dim")
    if number.grade is not None and number.grade != grade_above and kind != "told":
        label.append(f" ({number.grade})", style="dim")
    return label


def _making(
    number: Explained, alike: int, *, again: bool
) -> tuple[Literal["told", "origin", "rule", "unsaid"], str]:
    """Return how a number is made in words: told elsewhere, taken from somewhere, or by a rule that was replayed."""
    if alike > 1 or again:
        return "told", f"and {alike - 1} more like it" if alike > 1 else "(as above)"
    origin = _taken(number)
    if origin is not None:
        return "origin", origin_words(origin)
    if number.rule is not None:
        return "rule", f"{'=' if number.replayed else '←'} {number.rule}"
    return "unsaid", ""


def exact(value: Shown) -> str:
    """Write a value with the digits that tell it apart: up to six significant ones, or cents."""
    if value is None:
        return "not stated"
    if isinstance(value, str | bool):
        return str(value)
    if abs(value) >= 1000:
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    return f"{value:.6g}"


def origin_words(origin: Origin) -> str:
    """Write where a leaf comes from in one line."""
    words = {"default": "default of ", "profile": "profile ", "constant": "constant ", "file": "file "}
    parts = [f"{words.get(origin.kind, '')}{origin.place}"]
    if origin.kind == "scenario" and origin.file_line:
        parts = [f"{origin.file_line} {origin.place}"]
    if origin.since:
        parts.append(f"since {origin.since.isoformat()}")
    if origin.checked:
        parts.append(f"checked {origin.checked.isoformat()}")
    if origin.trust:
        parts.append(origin.trust)
    if origin.source:
        parts.append(origin.source)
    return ", ".join(parts)


def _listing(numbers: Sequence[Explained]) -> RenderableType:
    table = grid("number", "value", "rule", "grade", left=4)
    for number in numbers:
        rule = Text(number.rule or number.note or "", style="" if number.rule else "bad")
        origin = _taken(number)
        if origin is not None:
            rule = Text(origin_words(origin), style="dim")
        table.add_row(Text(number.path or number.name), exact(number.value), rule, number.grade or "")
    return table


def _formulas(numbers: Sequence[Explained]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for number in numbers:
        if number.formula is not None:
            yield number.formula, number.references
        yield from _formulas(number.operands)


def _formula_table(formulas: dict[str, tuple[str, ...]]) -> RenderableType:
    table = grid("formula", "references", left=2)
    for name, references in formulas.items():
        table.add_row(name, Text("; ".join(references) or "see its docstring"))
    return table


def explanations_json(explanations: Sequence[Explanation]) -> str:
    """Return the explanation of one scenario, or of several, as JSON text."""
    documents = [_document(each) for each in explanations]
    if len(documents) == 1:
        return to_json({"schema": SCHEMA, **documents[0]})
    return to_json({"schema": SCHEMA, "scenarios": documents})


def _document(explanation: Explanation) -> dict[str, object]:
    estimate = explanation.estimate
    return {
        "scenario": estimate.scenario,
        "file": estimate.file,
        "as_of": estimate.as_of,
        "numbers": [_node(number) for number in explanation.numbers],
    }


def _node(number: Explained) -> dict[str, object]:
    """Return a node without what it does not have."""
    node: dict[str, object] = {"name": number.name, "value": number.value}
    rest = {
        "path": number.path,
        "grade": number.grade,
        "rule": number.rule,
        "replayed": number.replayed if number.rule is not None else None,
        "formula": number.formula,
        "references": list(number.references) or None,
        "note": number.note,
        "origin": _origin(number.origin) if number.origin is not None else None,
        "operands": [_node(operand) for operand in number.operands] or None,
    }
    return node | {key: value for key, value in rest.items() if value is not None}


def _origin(origin: Origin) -> dict[str, object]:
    values = {field.name: getattr(origin, field.name) for field in dataclasses.fields(origin)}
    return {key: value for key, value in values.items() if value is not None}


def explanations_markdown(explanations: Sequence[Explanation]) -> str:
    """Return the explanations as nested Markdown lists, references at the end."""
    return "\n".join(_markdown(each) for each in explanations)


def _markdown(explanation: Explanation) -> str:
    estimate = explanation.estimate
    lines = [
        f"## {estimate.scenario}",
        "",
        f"`{estimate.file}`, prices as of {estimate.as_of.isoformat()}",
        "",
    ]
    seen: set[str] = set()
    for number in explanation.numbers:
        lines.extend(_bullets(number, "", seen))
    formulas = {name: references for name, references in _formulas(explanation.numbers) if references}
    if formulas:
        lines.extend(["", "| formula | references |", "|---|---|"])
        lines.extend(f"| `{name}` | {'; '.join(references)} |" for name, references in formulas.items())
    return "\n".join([*lines, ""])


def _bullets(number: Explained, indent: str, seen: set[str], alike: int = 1) -> Iterator[str]:
    kind, words = _making(number, alike, again=number.path in seen)
    said = f" — {words}" if kind == "origin" else f" {words}".rstrip()
    grade = f" ({number.grade})" if number.grade is not None and not indent else ""
    yield f"{indent}- `{number.name if indent else number.path}` = **{exact(number.value)}**{said}{grade}"
    if kind == "told":
        return
    if number.path is not None:
        seen.add(number.path)
    if number.note:
        yield f"{indent}  - _{number.note}_"
    for operand, times in _grouped(_below(number)):
        yield from _bullets(operand, f"{indent}  ", seen, times)
