"""A scenario with faults, without the keys that are at fault: so that names in the rest are checked in the same call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from planner.errors import PlannerError
from planner.inputs.scenario import ScenarioFile, put_overrides
from planner.inputs.yaml_marks import read_yaml
from planner.specs.scenario.scenario import Scenario

ROUNDS = 4  #: a key that is taken out may leave its mapping without one that it needs, and so on upwards

#: parts that name nothing in the books, by what passes in their place
NAMELESS: dict[str, Any] = {
    "name": "unnamed",
    "traffic": {"requests_per_day": 1.0},
    "prompt": {"input_tokens": 1.0, "output_tokens": 1.0},
}

Steps = tuple[str | int, ...]


def readable_part(path: Path, sets: tuple[str, ...] = ()) -> ScenarioFile | None:
    """Return what can be read of a scenario whose reading failed; ``None`` when that is nothing."""
    try:
        tree = read_yaml(path)
        put_overrides(tree, sets)
    except PlannerError:
        return None
    data = tree.data
    if not isinstance(data, dict):
        return None
    for _ in range(ROUNDS):
        try:
            scenario = Scenario.model_validate(data)
        except ValidationError as error:
            places = {_held(data, each["loc"]) for each in error.errors(include_url=False)}
            if () in places:  # parts that do not go together, or one that is missing
                data = data | NAMELESS
            for place in sorted(places - {()}, key=str, reverse=True):  # of a list, the last entry first
                data = data | NAMELESS if place[0] in NAMELESS else _without(data, place)
        else:
            return ScenarioFile(scenario=scenario, tree=tree, path=path, texts={})
    return None


def _held(data: Any, loc: Steps) -> Steps:  # noqa: ANN401 - any YAML value
    """Return the part of a place that the data has; pydantic names alternatives of a type in between."""
    held: Steps = ()
    for step in loc:
        is_entry = isinstance(data, tuple) and isinstance(step, int) and step < len(data)
        if is_entry or (isinstance(data, dict) and step in data):
            data, held = data[step], (*held, step)
    return held


def _without(data: Any, place: Steps) -> Any:  # noqa: ANN401 - any YAML value
    """Return the data without what stands at a place; unchanged when it is gone already."""
    if _held(data, place) != place:
        return data
    step, rest = place[0], place[1:]
    if isinstance(data, tuple):
        here = int(step)
        inner = (_without(data[here], rest),) if rest else ()
        return data[:here] + inner + data[here + 1 :]
    others = {key: value for key, value in data.items() if key != step}
    return others | {step: _without(data[step], rest)} if rest else others
