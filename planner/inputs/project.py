"""The project file ``planner.yaml``: gates, severities and waivers for all scenarios of a repository."""

from __future__ import annotations

from pathlib import Path

from planner.errors import UsageError
from planner.inputs.validate import validate
from planner.inputs.yaml_marks import Tree, parse_yaml, read_yaml
from planner.specs.scenario.gates import Gates, Project

PROJECT_FILE = "planner.yaml"


def read_project(path: Path | None) -> tuple[Project, str]:
    """Return a project's settings and the name of their file; the defaults where no file is named and none is there.

    Raises
    ------
    InputError
        With every fault of the file.
    """
    file = path or Path(PROJECT_FILE)
    if path is None and not file.is_file():
        return Project(), PROJECT_FILE
    tree = read_yaml(file)
    if tree.data is None:
        return Project(), str(file)
    return validate(Project, tree), str(file)


def gates_from(flags: tuple[str, ...]) -> Gates:
    """Return the gates that flags such as ``max_increase_fraction=0.1`` state.

    Raises
    ------
    UsageError
        When a flag is not of the form ``key=value``.
    InputError
        When there is no such gate, or the value is not one for it.
    """
    data: dict[str, object] = {}
    for flag in flags:
        name, equals, text = flag.partition("=")
        if not equals:
            cure = "--gate max_increase_fraction=0.1"
            raise UsageError(f"--gate {flag!r} is not of the form key=value", cure=cure)
        data[name.strip()] = parse_yaml(text, f"--gate {name}").data
    return validate(Gates, Tree(file="--gate", data=data, root=None))
