"""How a number is derived, as data: a rule over named operands, each of which is a number of the report or a leaf.

A derivation never states a result. Its ``replay`` is evaluated on the operands that are shown, and the tests compare
the outcome with the report, so an explanation cannot say something else than what was computed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from planner.records import dataclass
from planner.specs.answers.explanation import Origin, Shown

Function: TypeAlias = Callable[..., Any]
Known = TypeVar("Known")


@dataclass(frozen=True, kw_only=True, slots=True)
class Derived:
    """A rule and its operands.

    ``formula`` is the function whose docstring holds the references. ``replay`` takes the operands' values in order;
    it is absent where the number comes from a model or a search that ``note`` names.
    """

    rule: str
    operands: tuple[Operand, ...]
    formula: Function | None = None
    replay: Function | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Operand:
    """One operand: a number of the report (``path``), a leaf (``origin``), or a number in between (``terms``)."""

    name: str
    value: Shown
    path: str | None = None
    origin: Origin | None = None
    terms: Derived | None = None


def between(name: str, value: Shown, terms: Derived) -> Operand:
    """Return a number that the report does not hold, with its own derivation."""
    return Operand(name=name, value=value, terms=terms)


def stated(operand: Operand, note: str | None = None) -> Derived:
    """Return a number that is taken as it stands."""
    return Derived(rule=operand.name, operands=(operand,), replay=lambda value: value, note=note)


def chosen(operand: Operand, *others: Operand, rule: str, note: str | None = None) -> Derived:
    """Return a number that is its first operand, picked by a rule that looks at the others."""
    return Derived(rule=rule, operands=(operand, *others), replay=lambda value, *_: value, note=note)


def product(*operands: Operand) -> Derived:
    """Return operands multiplied."""
    return Derived(rule=" × ".join(o.name for o in operands), operands=operands, replay=_multiplied)


def quotient(above: Operand, below: Operand) -> Derived:
    """Return one operand over another."""
    return Derived(
        rule=f"{above.name} ÷ {below.name}", operands=(above, below), replay=lambda top, bottom: top / bottom
    )


def difference(more: Operand, less: Operand) -> Derived:
    """Return one operand less another."""
    return Derived(
        rule=f"{more.name} − {less.name}",
        operands=(more, less),
        replay=lambda first, second: first - second,
    )


def total(*operands: Operand, rule: str | None = None) -> Derived:
    """Return operands added up."""
    names = tuple(dict.fromkeys(operand.name for operand in operands))
    written = f"Σ {names[0]}" if len(names) == 1 else " + ".join(names)
    return Derived(rule=rule or written, operands=operands, replay=lambda *values: sum(values))


def of(formula: Function, *operands: Operand, note: str | None = None) -> Derived:
    """Return a function of ``formulas/`` applied to operands in its own order."""
    names = ", ".join(dict.fromkeys(operand.name for operand in operands))
    return Derived(
        rule=f"{formula.__name__}({names})", operands=operands, formula=formula, replay=formula, note=note
    )


def modelled(formula: Function, *operands: Operand, note: str) -> Derived:
    """Return a number that a model or a search finds from its operands; it is not evaluated again here."""
    names = ", ".join(dict.fromkeys(operand.name for operand in operands))
    return Derived(rule=f"{formula.__name__}({names})", operands=operands, formula=formula, note=note)


def known(value: Known | None, what: str) -> Known:
    """Return a value that the number which is explained cannot do without.

    Raises
    ------
    LookupError
        When it is absent.
    """
    if value is None:
        raise LookupError(what)
    return value


def replayed(derived: Derived) -> Any:  # noqa: ANN401 - whatever the rule makes
    """Return what a rule gives on its operands.

    Raises
    ------
    LookupError
        When the rule cannot be evaluated.
    """
    if derived.replay is None:
        raise LookupError(derived.rule)
    return derived.replay(*(operand.value for operand in derived.operands))


def _multiplied(*values: float) -> float:
    result = 1.0
    for value in values:
        result *= value
    return result
