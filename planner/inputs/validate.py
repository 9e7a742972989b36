"""Plain values into documents; what pydantic refuses becomes faults with line, key and nearest key."""

from __future__ import annotations

import difflib
from datetime import date
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from planner.errors import Fault, InputError
from planner.inputs.yaml_marks import Path_, Tree, key_path

DocumentT = TypeVar("DocumentT", bound=BaseModel)

# pydantic's error type -> what the reader of the message needs to know was expected
_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "date_type": "a date as YYYY-MM-DD",
    "tuple_type": "a list",
    "model_type": "a mapping of keys",
    "dict_type": "a mapping of keys",
    "finite_number": "a finite number",
    "missing": "this key",
    "string_too_short": "text that is not empty",
    "string_pattern_mismatch": "letters, digits, dots, dashes and underscores",
}
_BOUNDS = {"greater_than": ">", "greater_than_equal": "≥", "less_than": "<", "less_than_equal": "≤"}


def validate(model: type[DocumentT], tree: Tree, data: object = None, at: Path_ = ()) -> DocumentT:
    """Build a document from a parsed file, or from the part of it that stands at ``at``.

    Raises
    ------
    InputError
        With every fault of the part, each with its place in the file.
    """
    try:
        return model.model_validate(tree.data if data is None else data)
    except ValidationError as error:
        raise InputError(faults_of(error, model, tree, at)) from None


def faults_of(
    error: ValidationError, model: type[BaseModel], tree: Tree, at: Path_ = ()
) -> tuple[Fault, ...]:
    """Translate pydantic's errors into faults, in the order of the file."""
    details = error.errors(include_url=False)
    within = {tuple(d["loc"][:n]) for d in details for n in range(len(d["loc"]))}
    # a list is called too short when one of its items was refused: only the item is at fault
    true = [d for d in details if d["type"] != "too_short" or tuple(d["loc"]) not in within]
    faults = {_fault(each, model, tree, at) for each in true}
    return tuple(sorted(faults, key=lambda fault: (fault.line or 0, fault.column or 0, fault.key)))


def _fault(details: ErrorDetails, model: type[BaseModel], tree: Tree, at: Path_) -> Fault:
    kind = details["type"]
    path = at + details["loc"]
    if kind not in {"missing", "extra_forbidden"}:
        path = tree.known(path)  # validators may look inside a value that the author wrote as one number
    mark = tree.key_mark(path) if kind == "extra_forbidden" else tree.mark(path)
    nearest = None
    if kind == "extra_forbidden":
        keys = keys_at(model, details["loc"][:-1])
        expected, found = "a known key", f"{details['loc'][-1]!r}"
        nearest = nearest_of(str(details["loc"][-1]), keys)
        if nearest is None and keys:
            expected = "one of " + ", ".join(keys)
    elif kind == "missing":
        expected, found = "this key", "nothing"
    else:
        expected, found = _expected(details), _found(details)
        if kind == "literal_error" and isinstance(details["input"], str):
            nearest = nearest_of(
                details["input"],
                details["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", "),
            )
    line, column = mark or (None, None)
    return Fault(
        file=tree.file,
        key=key_path(path),
        line=line,
        column=column,
        expected=expected,
        found=found,
        nearest=nearest,
    )


def _expected(details: ErrorDetails) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "value_error":
        return "values that go together"
    if kind == "literal_error" and " or " in context["expected"]:
        return f"one of {context['expected']}"
    if "expected" in context:
        return str(context["expected"])
    if kind == "too_short":
        return f"at least {context['min_length']} {'entry' if context['min_length'] == 1 else 'entries'}"
    if kind in _BOUNDS:
        bound = next(iter(context.values()))
        return f"a number {_BOUNDS[kind]} {bound:g}"
    return _EXPECTED.get(kind) or details["msg"].removeprefix("Input should be ").removeprefix(
        "Value error, "
    )


def _found(details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    if details["type"] == "value_error":
        return details["msg"].removeprefix("Value error, ")
    if "found" in context:
        return str(context["found"])
    return shown(details["input"])


def shown(value: object) -> str:
    """Write a value as the file's author would recognise it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the text "{value}"' if len(value) <= 60 else f'the text "{value[:57]}…"'
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, tuple | list):
        return "a list" if len(value) > 1 else f"a list of {len(value)}"
    return value.isoformat() if isinstance(value, date) else f"{value}"


def nearest_of(name: str, choices: list[str]) -> str | None:
    """Return the choice most like ``name``, or ``None`` when none is alike."""
    lowered = {choice.lower(): choice for choice in choices}
    match = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.6)
    return lowered[match[0]] if match else None


def keys_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Return the keys that the model allows at a place, following nested models through lists and unions."""
    current: type[BaseModel] | None = model
    for step in loc:
        if current is None or not isinstance(step, str) or step not in _fields(current):
            continue  # an index, or the tag of a union: the model stays the same
        current = _model_in(_fields(current)[step])
    return list(_fields(current)) if current else []


def _fields(model: type[BaseModel]) -> dict[str, object]:
    return {info.alias or name: info.annotation for name, info in model.model_fields.items()}


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found is not None:
            return found
    return None
