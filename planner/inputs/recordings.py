"""The recorded trace that a scenario names."""

from __future__ import annotations

from planner.errors import InputError
from planner.inputs.scenario import ScenarioFile, fault_at
from planner.inputs.traces import read_trace
from planner.specs.case import Recording


def read_recording(file: ScenarioFile) -> Recording | None:
    """Read the scenario's trace, whose file must lie inside the scenario's folder; ``None`` where it names none.

    Raises
    ------
    InputError
        When the file is missing, broken or outside the folder.
    """
    name = file.scenario.traffic.trace
    if name is None:
        return None
    path = (file.folder / name).resolve()
    at = ("traffic", "trace")
    if not path.is_relative_to(file.folder.resolve()):
        raise InputError((fault_at(file.tree, at, "a path inside the scenario's folder", repr(name)),))
    if not path.is_file():
        raise InputError((fault_at(file.tree, at, "a trace file that exists", f"nothing at {name!r}"),))
    return Recording(file=name, **read_trace(path)._asdict())
