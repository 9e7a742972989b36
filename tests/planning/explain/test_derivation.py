"""Derivations as data: what can be evaluated is, what cannot says so, and references are read from docstrings."""

import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from planner.inputs.estimating import read_all
from planner.planning.estimate import estimate_scenario
from planner.planning.explain import tree as explaining
from planner.planning.explain.derivation import (
    Derived,
    Operand,
    between,
    known,
    of,
    product,
    replayed,
    stated,
    total,
)
from planner.planning.explain.leaves import value_at
from planner.planning.explain.tree import agrees, explain, number_paths

TWO, THREE = Operand(name="two", value=2.0), Operand(name="three", value=3.0)


def described(value: float) -> float:
    """Return it.

    References
    ----------
    A sentence before the first.
    .. [1] First source,
       on two lines.
    .. [2] Second source.
    """
    return value


def test_a_rule_is_written_from_the_names_of_its_operands() -> None:
    assert product(TWO, THREE).rule == "two × three"
    assert total(TWO, THREE).rule == "two + three"
    assert total(TWO, TWO).rule == "Σ two"
    assert of(math.hypot, TWO, THREE).rule == "hypot(two, three)"


def test_a_rule_agrees_with_what_it_gives_and_with_nothing_else() -> None:
    assert agrees(product(TWO, THREE), 6.0)
    assert not agrees(product(TWO, THREE), 5.0)
    assert not agrees(Derived(rule="a model", operands=(TWO,)), 2.0)
    assert agrees(stated(Operand(name="tier", value="tier_1")), "tier_1")
    assert replayed(total(TWO, between("five", 5.0, total(TWO, THREE)))) == 7.0


def test_what_is_absent_or_cannot_be_evaluated_is_an_error_with_its_name() -> None:
    with pytest.raises(LookupError, match="a model"):
        replayed(Derived(rule="a model", operands=()))
    with pytest.raises(LookupError, match="a trace"):
        known(None, "a trace")
    with pytest.raises(LookupError, match="9"):
        value_at({"models": (1,)}, "models[9]")
    with pytest.raises(LookupError, match="volume"):
        value_at(TWO, "volume")
    with pytest.raises(LookupError, match="share"):
        value_at({"models": {}}, "models.share")


def test_the_references_of_a_docstring_are_read_one_a_line() -> None:
    assert explaining._references(described) == ("First source, on two lines.", "Second source.")
    assert explaining._references(lambda: None) == ()
    last = type("Last", (), {"__doc__": "R.\n\nReferences\n----------\n.. [1] Only one."})
    assert explaining._references(last) == ("Only one.",)


def test_a_number_without_a_derivation_says_so_and_an_endless_one_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (case,) = read_all((Path("scenarios/support-chatbot.yaml"),))
    made = estimate_scenario(case, date(2025, 6, 15))
    endless = replace(made, workload=replace(made.workload, burstiness=math.inf))
    assert "workload.burstiness" not in number_paths(endless)
    monkeypatch.setattr(explaining, "DERIVATIONS", {})
    (number,) = explain(case, made, "cost.usd_per_month")
    assert (number.rule, number.note) == (None, "no derivation is recorded")
