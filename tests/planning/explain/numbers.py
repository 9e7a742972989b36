"""One number of a report with what explains it, for the tests of the rooms that derive it."""

from __future__ import annotations

from functools import cache

import numpy as np

from planner.planning.estimate import estimate_scenario
from planner.planning.explain.tree import explain
from planner.specs.answers.estimate import Estimate
from planner.specs.answers.explanation import Explained, Origin, Shown
from planner.specs.case import Case
from tests.planning.scenes import CHAT, TODAY, case_of


@cache
def made(path: str, sets: tuple[str, ...] = ()) -> tuple[Case, Estimate]:
    """Return a scenario and its estimate, the range of its bill included."""
    case = case_of(path, *sets)
    return case, estimate_scenario(case, case.scenario.as_of or TODAY, rng=lambda: np.random.default_rng(0))


@cache
def number(place: str, path: str = CHAT, *sets: str) -> Explained:
    """Explain the number at a place of a scenario's report."""
    (found,) = explain(*made(path, sets), place, tuple(each.partition("=")[0] for each in sets))
    return found


def operands(found: Explained) -> dict[str, Shown]:
    """Return the operands' values by name; of several with one name the last."""
    return {each.name: each.value for each in found.operands}


def operand(found: Explained, name: str) -> Explained:
    """Return the one operand of a name."""
    (each,) = (each for each in found.operands if each.name == name)
    return each


def leaf(found: Explained, name: str) -> Origin:
    """Return where the operand of a name comes from."""
    origin = operand(found, name).origin
    assert origin is not None
    return origin
