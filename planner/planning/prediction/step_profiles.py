"""Which measured profile answers a question, what speaks against it, and how far its measurements carry."""

from __future__ import annotations

from collections.abc import Mapping

from planner.specs.base import Notice, Quantity
from planner.specs.profiles.serving import Spread
from planner.specs.profiles.step import ChosenStepProfile, LocalEngine, LocalMachine, StepProfile, Support

NEAR = 0.1  # a size within a tenth of a measured one counts as measured (chosen)
EXTRAPOLATED_WIDTH = 2.0  # in log space; as for a class of hardware that lends its profile
NOTHING_LOCAL = LocalEngine()
NO_MACHINE = LocalMachine()


def choose_step_profile(
    profiles: Mapping[str, StepProfile],
    *,
    kind: str,
    model: str,
    quantization: str,
    hardware: str,
    machine: LocalMachine = NO_MACHINE,
    version: str | None = None,
) -> ChosenStepProfile | None:
    """Return the best profile of this model on this engine and hardware, or ``None``.

    Several are compared by engine version (the one that is meant first), then by date and number of points.
    """
    found = {
        name: each
        for name, each in profiles.items()
        if (each.kind, each.model, each.hardware) == (kind, model, hardware)
        and quantization in {"auto", each.quantization}
    }
    if not found:
        return None

    meant = {name: engine_meant(each, machine, version=version) for name, each in found.items()}

    def rank(name: str) -> tuple[bool, str, int]:
        each = found[name]
        return each.engine_version == meant[name].engine_version, each.measured_on, each.points

    best = max(sorted(found), key=rank)
    return with_doubts(best, found[best], meant[best])


def engine_meant(
    profile: StepProfile, machine: LocalMachine, *, version: str | None = None, anywhere: bool = True
) -> LocalEngine:
    """Return the engine that a question about a profile is about, as far as it is known.

    It is the version that was asked for, else what is installed here where the profile was measured here or on a GPU
    that this machine has. A question that names no device (not ``anywhere``) is about this machine.
    """
    here = not anywhere or profile.host_id == machine.host_id or profile.machine in machine.gpus
    return LocalEngine(
        engine_version=version or (machine.engines.get(profile.kind) if here else None),
        driver=machine.driver if here else None,
    )


def with_doubts(name: str, profile: StepProfile, local: LocalEngine = NOTHING_LOCAL) -> ChosenStepProfile:
    """Return a profile with a notice for each way in which the engine of today differs from the measured one."""
    notices = []
    for what, then, now in (
        ("engine version", profile.engine_version, local.engine_version),
        ("driver", profile.driver, local.driver),
    ):
        if then is not None and now is not None and then != now:
            message = f"{name} was measured with {what} {then}, here is {now}"
            notices.append(
                Notice(code="old-profile", message=message, cure="measure again: planner calibrate")
            )
    return ChosenStepProfile(profile=profile, name=name, notices=tuple(notices))


def support_of(
    profile: StepProfile, *, prompt_tokens: float, sequences: float, context_tokens: float
) -> Support:
    """Say whether a load was measured, lies between measured points, or outside of them."""
    sizes = (
        ("prompt", prompt_tokens, profile.range.prompt_tokens),
        ("sequences", sequences, profile.range.sequences),
        ("context", context_tokens, profile.range.context_tokens),
    )
    outside = tuple(
        f"{name} {value:,.0f} is outside the measured {low:,} to {high:,}"
        for name, value, (low, high) in sizes
        if not low * (1 - NEAR) <= value <= high * (1 + NEAR)
    )
    if outside:
        return Support(grade="extrapolated", outside=outside)
    prompts = any(not n and not offset and _near(prompt_tokens, p) for n, _, p, offset in profile.measured)
    steps = any(
        not p and n == round(sequences) and _near(context_tokens, c) for n, c, p, _ in profile.measured
    )
    return Support(grade="measured" if prompts and steps else "interpolated")


def ranged(value: float, spread: Spread, support: Support, *, rate: bool = False) -> Quantity:
    """Return a prediction with its interval: prediction over error factor, turned over for a rate."""
    width = EXTRAPOLATED_WIDTH if support.grade == "extrapolated" else 1.0
    ends = (spread.low**width, spread.high**width) if rate else (spread.high**-width, spread.low**-width)
    low, high = min(1.0, *ends), max(1.0, *ends)
    return Quantity(value=value, low=value * low, high=value * high, grade=support.grade)


def support_notices(chosen: ChosenStepProfile, support: Support) -> tuple[Notice, ...]:
    """Return what must be said about a prediction of this profile."""
    outside = tuple(
        Notice(
            code="outside-profile", message=f"{chosen.name}: {each}", cure="measure there: planner calibrate"
        )
        for each in support.outside
    )
    return (*chosen.notices, *outside)


def _near(value: float, measured: float) -> bool:
    return abs(value - measured) <= NEAR * measured
