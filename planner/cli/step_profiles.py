"""``--profile``: measured step profiles for the commands that predict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from planner.errors import UsageError
from planner.inputs.step_profiles import NONE, load_step_profiles
from planner.planning.prediction.step_profiles import choose_step_profile, engine_meant, with_doubts
from planner.specs.profiles.step import ChosenStepProfile, LocalMachine, StepProfile

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
    profiles, asked = load_step_profiles(choice), None if version == LATEST else version
    machine = local_machine(profiles)
    if choice in (None, NONE):
        if model is None or hardware is None:
            return None
        return choose_step_profile(
            profiles,
            kind=kind,
            model=model,
            quantization=quantization,
            hardware=hardware,
            machine=machine,
            version=_full_version(kind, asked),
        )
    name, profile = next(iter(profiles.items()))
    for what, wanted, has in (("model", model, profile.model), ("hardware", hardware, profile.hardware)):
        if wanted is not None and has is not None and wanted != has:
            raise UsageError(
                f"{name} is a profile of {what} {has}, asked for is {wanted}",
                cure=f"use --profile none, or leave out the {what}",
            )
    full = _full_version(profile.kind, asked)
    meant = engine_meant(profile, machine, version=full, anywhere=hardware is not None)
    return with_doubts(name, profile, meant)


def local_machine(profiles: Mapping[str, StepProfile]) -> LocalMachine:
    """Return what of this machine the profiles can be held against: its engines, and its GPUs where one had a driver."""
    if not profiles:
        return LocalMachine()
    # only a project with profiles pays for these
    from planner.engines.host import engine_versions, gpus_or_note, host_id

    gpus = gpus_or_note()[0] if any(each.driver for each in profiles.values()) else ()
    return LocalMachine(
        host_id=host_id(),
        engines={
            kind: _full_version(kind, found) or found
            for kind, found in engine_versions(DISTRIBUTIONS).items()
        },
        gpus=tuple(gpu.name for gpu in gpus),
        driver=gpus[0].driver if gpus else None,
    )


def _full_version(kind: str, version: str | None) -> str | None:
    """Return a version as profiles have it: that of llama.cpp names the package that brings it."""
    return f"{DISTRIBUTIONS[kind]} {version}" if version is not None and kind == "llamacpp" else version
