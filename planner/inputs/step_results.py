"""Measured steps in: the files that ``planner calibrate`` wrote, read strictly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from planner.errors import Fault, InputError, UsageError
from planner.specs.measured.steps import STEPS_SCHEMA, StepRun

STEPS_FILE = "steps.json"  #: in the folder of ``planner bench --calibrate``


def read_step_run(path: Path) -> StepRun:
    """Read one run.

    Raises
    ------
    InputError
        If the file is missing or is not a run of steps.
    """
    try:
        run = TypeAdapter(StepRun).validate_json(path.read_bytes())
    except OSError as error:
        raise _wrong(path, "", "a readable file", error.strerror or "an error") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _wrong(path, place, f"a run of schema {STEPS_SCHEMA}", first["msg"].lower()) from error
    if run.schema != STEPS_SCHEMA:
        raise _wrong(path, "schema", STEPS_SCHEMA, run.schema)
    return run


def joined_runs(runs: Sequence[tuple[str, StepRun]]) -> StepRun:
    """Return the points of several runs, with their names, as one run.

    Raises
    ------
    UsageError
        If they are of different engines, models or machines.
    """
    name, first = runs[0]
    for other, run in runs[1:]:
        for what, mine, theirs in (
            (
                "engine",
                f"{first.engine.name} {first.engine.version}",
                f"{run.engine.name} {run.engine.version}",
            ),
            ("model", first.engine.model, run.engine.model),
            ("machine", first.machine.host_id, run.machine.host_id),
        ):
            if mine != theirs:
                raise UsageError(
                    f"{name} and {other} are of different {what}s: {mine} and {theirs}",
                    cure="fit them one by one",
                )
    return replace(first, samples=tuple(item for _, run in runs for item in run.samples))


def _wrong(path: Path, key: str, expected: str, found: str) -> InputError:
    fault = Fault(file=str(path), key=key, expected=expected, found=found)
    return InputError(
        (fault,), cure="measure one: planner calibrate --synthetic llama-3.2-1b --keep FILE.json"
    )
