"""A scenario's workload for the commands that need no books: what it states, and what its trace says."""

from __future__ import annotations

from pathlib import Path

from planner.inputs.recordings import read_recording
from planner.inputs.scenario import read_scenario
from planner.planning.workload.trace import summary_of_recording
from planner.planning.workload.workload import workload_of
from planner.specs.scenario.scenario import Scenario
from planner.specs.scenario.workload import Workload


def read_workload(path: Path, sets: tuple[str, ...] = ()) -> tuple[Scenario, Workload]:
    """Read a scenario with the files that it names, overridden by ``sets``.

    Raises
    ------
    InputError
        When the scenario or its trace is missing or broken.
    """
    file = read_scenario(path, sets)
    recording = read_recording(file)
    trace = summary_of_recording(recording) if recording is not None else None
    return file.scenario, workload_of(file.scenario, file.texts, trace)
