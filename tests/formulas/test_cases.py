"""Every formula against arithmetic written beside it in tests/cases/formulas, alone and in arrays."""

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.inputs.yaml_marks import read_yaml
from tests.arithmetic import arithmetic

CASES: list[dict[str, Any]] = [
    case for file in sorted(Path("tests/cases/formulas").glob("*.yaml")) for case in read_yaml(file).data
]
NAMES = [f"{case['formula']}-{case['source']}" for case in CASES]


def formula(case: dict[str, Any]) -> Callable[..., Any]:
    module, name = case["formula"].split(".")
    found: Callable[..., Any] = getattr(importlib.import_module(f"planner.formulas.{module}"), name)
    return found


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_formula_gives_what_the_arithmetic_gives(case: dict[str, Any]) -> None:
    expected = arithmetic(case["arithmetic"])
    assert float(formula(case)(**case["given"])) == pytest.approx(
        expected, rel=case.get("within", 1e-9), abs=1e-12
    )


def takes_arrays(case: dict[str, Any]) -> bool:
    return all(
        parameter.annotation in {"Numeric", "Numeric | None"}
        for parameter in inspect.signature(formula(case)).parameters.values()
    )


@pytest.mark.parametrize("case", [case for case in CASES if takes_arrays(case)], ids=str)
def test_an_array_gives_for_each_element_what_the_element_gives(case: dict[str, Any]) -> None:
    one = float(formula(case)(**case["given"]))
    arrays = {name: np.full((2, 3), value, dtype=float) for name, value in case["given"].items()}
    found = formula(case)(**arrays)
    assert found.shape == (2, 3)
    assert found == pytest.approx(np.full((2, 3), one))


def test_every_case_says_where_its_number_comes_from() -> None:
    assert {frozenset(case) - {"within"} for case in CASES} == {
        frozenset({"formula", "given", "arithmetic", "source"})
    }
