"""Measured step profiles in: one file, or the project's own in the folder ``profiles``."""

from __future__ import annotations

from pathlib import Path

from planner.errors import UsageError
from planner.inputs.validate import validate
from planner.inputs.yaml_marks import read_yaml
from planner.specs.profiles.step import StepProfile

FOLDER = Path(
    "profiles"
)  #: beside where the command runs; what ``planner calibrate --profile`` writes is put there
NONE = "none"
MARK = b"format: planner.step-profile/"


def read_step_profile(path: Path) -> StepProfile:
    """Read one profile.

    Raises
    ------
    UsageError
        If there is no such file.
    InputError
        If it is not a profile, with each place.
    """
    if not path.is_file():
        raise UsageError(
            f"there is no profile {path}",
            cure="write one with planner calibrate --profile FILE, or use --profile none",
        )
    return validate(StepProfile, read_yaml(path))


def load_step_profiles(choice: str | None, folder: Path = FOLDER) -> dict[str, StepProfile]:
    """Return profiles by file name: none, the file that is named, or all of the folder.

    Raises
    ------
    UsageError
        If the named file does not exist.
    InputError
        If a file is not a profile.
    """
    if choice == NONE:
        return {}
    if choice is not None:
        return {choice: read_step_profile(Path(choice))}
    files = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    return {str(file): read_step_profile(file) for file in files if _says_it_is_one(file)}


def _says_it_is_one(file: Path) -> bool:
    """Tell profiles from other YAML that a folder of this name may hold."""
    return MARK in file.read_bytes()
