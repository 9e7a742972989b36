"""Faults and errors as values."""

import pytest

from planner import errors
from planner.errors import Fault, InputError, PlannerError


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault(file="a", key="k", line=3, column=4, expected="x", found="y"), "a:3:4 k: expected x, found y"),
        (Fault(file="a", key="k", line=3, expected="x", found="y"), "a:3 k: expected x, found y"),
        (Fault(file="a", key="", expected="x", found="y"), "a: expected x, found y"),
        (
            Fault(file="a", key="k", expected="x", found="y", nearest="z"),
            "a k: expected x, found y; did you mean 'z'?",
        ),
    ],
)
def test_a_fault_is_place_key_expected_found_and_nearest(fault: Fault, text: str) -> None:
    assert str(fault) == text


def test_an_input_error_carries_every_fault() -> None:
    faults = tuple(Fault(file=name, key="", expected="x", found="y") for name in "ab")
    error = InputError(faults, cure="c")
    assert error.faults == faults
    assert str(error) == "a: expected x, found y\nb: expected x, found y"
    assert error.cure == "c"


def test_every_kind_of_error_has_its_documented_code() -> None:
    kinds = (kind for kind in PlannerError.__subclasses__() if kind.__module__ == errors.__name__)
    codes = {kind.__name__: kind.exit_code for kind in kinds}
    assert codes == {"UsageError": 2, "InputError": 2, "DataError": 3, "EngineError": 4, "LockStaleError": 5}
    assert (errors.EXIT_OK, errors.EXIT_FINDING, errors.EXIT_BUG, errors.EXIT_INTERRUPTED) == (0, 1, 70, 130)
