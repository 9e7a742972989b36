"""Which defaults filled gaps of a scenario, and which of its keys no calculator uses yet."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from planner.specs.answers.estimate import Default
from planner.specs.scenario.scenario import Scenario

# Keys that are read and validated, and that no calculator looks at yet. Shown as "noted, not yet used".
NOT_USED: tuple[str, ...] = ()


def defaults_used(scenario: Scenario) -> Iterator[Default]:
    """Yield every default that filled a place which the scenario left open, with what it means."""
    yield from _defaults(scenario, "")


def _defaults(document: BaseModel, at: str) -> Iterator[Default]:
    for name, field in type(document).model_fields.items():
        value = getattr(document, name)
        if isinstance(value, BaseModel):
            yield from _defaults(value, f"{at}{name}.")
        elif name not in document.model_fields_set and value not in (None, ()) and value != {}:
            yield Default(key=f"{at}{name}", value=_shown(value), meaning=field.description or "")


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def keys_not_used(scenario: Scenario) -> Iterator[str]:
    """Yield the keys that the scenario sets and no calculator looks at yet."""
    for path in NOT_USED:
        if _is_set(scenario, path.split(".")):
            yield path


def _is_set(document: BaseModel | None, steps: list[str]) -> bool:
    if document is None or steps[0] not in document.model_fields_set:
        return False
    value = getattr(document, steps[0])
    return value is not None if len(steps) == 1 else _is_set(value, steps[1:])
