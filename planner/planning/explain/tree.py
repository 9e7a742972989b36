"""Where one number of an estimate comes from: its derivation, followed to the leaves."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Iterator, Mapping

from planner.errors import UsageError
from planner.planning.explain.advice import ADVICE
from planner.planning.explain.cost import COST
from planner.planning.explain.derivation import Derived, Function, Operand, replayed
from planner.planning.explain.failures import ERRORS
from planner.planning.explain.leaves import Scene, scene_of, value_at
from planner.planning.explain.machines import MACHINES
from planner.planning.explain.options import OPTIONS
from planner.planning.explain.plan import PLAN
from planner.planning.explain.prompt import TOKENS
from planner.planning.explain.uncertainty import UNCERTAINTY
from planner.planning.explain.workload import WORKLOAD
from planner.specs.answers.estimate import Estimate
from planner.specs.answers.explanation import Explained
from planner.specs.base import Grade
from planner.specs.case import Case

# pattern of a report path, [*] for the places in lists -> its derivation, called with those places
DERIVATIONS: Mapping[str, Function] = {
    **WORKLOAD,
    **COST,
    **OPTIONS,
    **MACHINES,
    **ADVICE,
    **PLAN,
    **ERRORS,
    **TOKENS,
    **UNCERTAINTY,
}
SECTIONS = ("workload", "cost", "uncertainty", "recommendation", "api", "tokens")
TOLERANCE = 1e-9  # relative: sums in another order differ in the last digits
SUGGESTIONS = 3
_PLACE = re.compile(r"\[(\d+)\]")
_REFERENCE = re.compile(r"^\s*\.\. \[\d+\] ")


def number_paths(estimate: Estimate) -> tuple[str, ...]:
    """Return the path of every number of the report, in its order."""
    return tuple(path for section in SECTIONS for path, _ in _numbers(getattr(estimate, section), section))


def headline_path(estimate: Estimate) -> str:
    """Return the path of the number that a reader asks about first: what the recommended option costs a month."""
    chosen = estimate.recommendation.hosting
    known = chosen is not None and chosen.usd_per_month is not None
    return "recommendation.hosting.usd_per_month" if known else "cost.usd_per_month"


def _numbers(value: object, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        if math.isfinite(value):
            yield path, value
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from _numbers(each, f"{path}[{index}]")
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _numbers(getattr(value, field.name), f"{path}.{field.name}")


def explain(
    case: Case, estimate: Estimate, path: str, overrides: tuple[str, ...] = ()
) -> tuple[Explained, ...]:
    """Return the tree under a number of the report, or under each number below a part of it.

    Parameters
    ----------
    case : what the estimate was made from.
    estimate : the report.
    path : such as ``cost.by_model[0].usd_per_month``, or ``cost.by_model[0]``.
    overrides : keys of the scenario that ``--set`` replaced.

    Raises
    ------
    UsageError
        When the report has no number there, with the nearest paths that have one.
    """
    scene = scene_of(case, estimate, overrides)
    paths = number_paths(estimate)
    if path in paths:
        return (_explained(scene, path),)
    below = [each for each in paths if each.startswith((f"{path}.", f"{path}["))]
    if not below:
        near = difflib.get_close_matches(path, paths, n=SUGGESTIONS, cutoff=0.5)
        cure = f"nearest: {', '.join(near)}" if near else "list all with --all"
        raise UsageError(f"the report of {estimate.scenario} has no number at {path!r}", cure=cure)
    return tuple(_explained(scene, each, depth=1) for each in below)


def explain_all(case: Case, estimate: Estimate, overrides: tuple[str, ...] = ()) -> tuple[Explained, ...]:
    """Return every number of the report with its own operands; those that are numbers of the report stand in it too."""
    scene = scene_of(case, estimate, overrides)
    return tuple(_explained(scene, path, depth=1) for path in number_paths(estimate))


def _explained(scene: Scene, path: str, *, depth: int | None = None) -> Explained:
    """Return one number of the report; ``depth`` counts how many further numbers of it are followed."""
    value = value_at(scene.estimate, path)
    derive = DERIVATIONS.get(_PLACE.sub("[*]", path))
    name = path.rsplit(".", 1)[-1]
    grade = _grade(scene.estimate, path)
    if derive is None:
        return Explained(name=name, value=value, path=path, grade=grade, note="no derivation is recorded")
    places = [int(place) for place in _PLACE.findall(path)]
    derived: Derived = derive(scene, *places)
    return _node(scene, Operand(name=name, value=value, path=path), derived, grade, depth)


def _node(
    scene: Scene, operand: Operand, derived: Derived, grade: Grade | None, depth: int | None
) -> Explained:
    return Explained(
        name=operand.name,
        value=operand.value,
        path=operand.path,
        rule=derived.rule,
        formula=_dotted(derived.formula),
        references=_references(derived.formula),
        operands=tuple(_operand(scene, each, depth) for each in derived.operands),
        grade=grade,
        replayed=agrees(derived, operand.value),
        note=derived.note,
    )


def _operand(scene: Scene, operand: Operand, depth: int | None) -> Explained:
    if operand.path is not None:
        if depth == 1:
            return Explained(name=operand.name, value=operand.value, path=operand.path)
        below = _explained(scene, operand.path, depth=None if depth is None else depth - 1)
        return dataclasses.replace(below, name=operand.name)
    if operand.terms is not None:
        return _node(scene, operand, operand.terms, None, depth)
    return Explained(name=operand.name, value=operand.value, origin=operand.origin)


def agrees(derived: Derived, value: object) -> bool:
    """Tell whether the rule, evaluated on the operands that are shown, gives the number that is shown."""
    if derived.replay is None:
        return False
    found = replayed(derived)
    if not isinstance(value, int | float):
        return bool(found == value)
    return math.isclose(float(found), value, rel_tol=TOLERANCE, abs_tol=1e-12)


def _dotted(formula: Function | None) -> str | None:
    return f"{formula.__module__}.{formula.__name__}" if formula is not None else None


def _references(formula: Function | None) -> tuple[str, ...]:
    """Return the numbered references of a function's docstring, each as one line."""
    text = (formula.__doc__ or "") if formula is not None else ""
    _, found, after = text.partition("References\n")
    if not found:
        return ()
    references: list[str] = []
    for line in after.splitlines()[1:]:
        if _REFERENCE.match(line):
            references.append(_REFERENCE.sub("", line))
        elif not line.strip():
            break
        elif references:
            references[-1] += f" {line.strip()}"
    return tuple(references)


def _grade(estimate: Estimate, path: str) -> Grade | None:
    """Return the grade that stands nearest above a number."""
    for end in reversed([match.start() for match in re.finditer(r"[.\[]", path)]):
        grade: Grade | None = getattr(value_at(estimate, path[:end]), "grade", None)
        if grade is not None:
            return grade
    return None
