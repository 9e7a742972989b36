"""``--profile``: measured step profiles for the commands that predict."""

from __future__ import annotations

from typing import Annotated

import typer

from planner.errors import UsageError
from planner.inputs.step_profiles import NONE, load_step_profiles
from planner.planning.prediction.step_profiles import choose_step_profile, with_doubts
from planner.specs.step_profile import ChosenStepProfile, LocalEngine

ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="none|FILE",
        help="Measured step profile; by default the best match in ./profiles, where there is one.",
    ),
]
LATEST = "latest"
DISTRIBUTIONS = {"llamacpp": "llama-cpp-python", "vllm": "vllm"}


def chosen_profile(
    choice: str | None,
    *,
    kind: str,
    model: str | None,
    quantization: str,
    hardware: str | None,
    version: str = LATEST,
) -> ChosenStepProfile | None:
    """Return the profile that was named, or the best match in the folder; ``None`` where there is none.

    Raises
    ------
    UsageError
        If the named profile is of another model or engine.
    """
    profiles = load_step_profiles(choice)
    if choice in (None, NONE):
        if model is None or hardware is None:
            return None
        return choose_step_profile(
            profiles,
            kind=kind,
            model=model,
            quantization=quantization,
            hardware=hardware,
            local=local_engine(kind, version),
        )
    name, profile = next(iter(profiles.items()))
    for what, asked, has in (("model", model, profile.model), ("hardware", hardware, profile.hardware)):
        if asked is not None and has is not None and asked != has:
            raise UsageError(
                f"{name} is a profile of {what} {has}, asked for is {asked}",
                cure=f"use --profile none, or leave out the {what}",
            )
    return with_doubts(name, profile, local_engine(profile.kind, version))


def local_engine(kind: str, version: str = LATEST) -> LocalEngine:
    """Return the engine that is meant, or what is installed here, so that a profile of another version can say so."""
    from importlib.metadata import PackageNotFoundError, version as installed

    found: str | None = version
    if version == LATEST:
        try:
            found = installed(DISTRIBUTIONS.get(kind, kind))
        except PackageNotFoundError:
            found = None
    if found is not None and kind == "llamacpp":
        found = f"{DISTRIBUTIONS[kind]} {found}"
    return LocalEngine(engine_version=found)
