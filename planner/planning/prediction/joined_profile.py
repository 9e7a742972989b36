"""A measured step profile joined to the models that estimates are made with.

The shipped coefficients carry how time grows with load on a class of hardware; the measured profile carries how fast
this very model is on this very machine. Decode and prompt are each scaled to what was measured, over the range in which
it was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from planner.planning.prediction.predict import ChosenProfile
from planner.planning.prediction.predict_llamacpp import SingleStream
from planner.planning.prediction.step_model import Load, Operands, step_s
from planner.planning.prediction.step_profiles import ranged, support_of
from planner.planning.prediction.step_work import step_work, term_values
from planner.specs.measured.step_point import StepPoint
from planner.specs.profiles.serving import Coefficient, Fitted
from planner.specs.profiles.step import ChosenStepProfile, StepProfile

PROMPT_COEFFICIENTS: frozenset[Coefficient] = frozenset(
    ("compute", "expert_compute", "attention_compute", "prefill_step_s")
)
ROUNDS = 30  # the factors settle in a few; each round halves what is left at least
LOADS = 4  # sizes at which the two are compared, evenly spaced in the logarithm


def joined_profile(chosen: ChosenProfile, operand: Operands, measured: ChosenStepProfile) -> ChosenProfile:
    """Return the coefficients of a class of hardware, scaled to a profile measured on the machine itself."""
    profile = measured.profile
    decode, prompt = _factors(chosen.profile.numbers(), operand, profile)
    coefficients = {
        name: _scaled(each, prompt if name in PROMPT_COEFFICIENTS else decode)
        for name, each in chosen.profile.coefficients.items()
    }
    sequences, prompts = profile.range.sequences, profile.range.prompt_tokens
    return ChosenProfile(
        profile=chosen.profile.model_copy(
            update={
                "id": measured.name,
                "engine_versions": profile.engine_version or "unknown",
                "hardware": (profile.hardware or profile.machine,),
                "grade": "interpolated",
                "coefficients": coefficients,
                "points": profile.points,
                "models": (profile.model,),
                "tpot": profile.decode,
                "ttft": profile.prefill,
                "concurrency_range": (1.0, float(max(sequences[1], 1))),
                "input_range": (float(max(prompts[0], 1)), float(max(prompts[1], 1))),
                "provenance": f"measured on {profile.measured_on}: {measured.name}",
            }
        ),
        width=1.0,
        grade="interpolated",
        notices=measured.notices,
    )


def measured_stream(chosen: ChosenStepProfile, *, input_tokens: float, output_tokens: float) -> SingleStream:
    """Return the speed of one request that has the profiled engine to itself."""
    profile = chosen.profile
    prompt = StepPoint(prompt_tokens=max(1, round(input_tokens)), arrival=True)
    context = max(0, round(input_tokens + output_tokens / 2))
    decode = StepPoint(sequences=1, context_tokens=context, repetitions=1)
    support = support_of(profile, prompt_tokens=input_tokens, sequences=1, context_tokens=context)
    return SingleStream(
        prefill_tokens_per_s=ranged(
            prompt.prompt_tokens / step_of(profile, prompt), profile.prefill, support, rate=True
        ),
        decode_tokens_per_s=ranged(1.0 / step_of(profile, decode), profile.decode, support, rate=True),
    )


def _factors(numbers: Mapping[str, float], operand: Operands, profile: StepProfile) -> tuple[float, float]:
    """Return by how much decode and prompt coefficients have to grow; each is a part of the other's steps too."""
    decode = prompt = 1.0
    for _ in range(ROUNDS):
        scaled = {
            name: value * (prompt if name in PROMPT_COEFFICIENTS else decode)
            for name, value in numbers.items()
        }
        decode *= _ratio(profile, _decodes(profile), operand, scaled)
        prompt *= _ratio(profile, _prompts(profile), operand, scaled)
    return decode, prompt


def step_of(profile: StepProfile, point: StepPoint) -> float:
    """Return the time of a step by a profile's prices [s]."""
    return float(step_work(point, profile.shape) @ term_values(profile))


def _decodes(profile: StepProfile) -> list[StepPoint]:
    least, most = profile.range.sequences
    context = round(np.mean(profile.range.context_tokens))
    counts = np.unique(np.rint(np.geomspace(max(least, 1), max(most, 1), LOADS)).astype(int))
    return [StepPoint(sequences=int(count), context_tokens=context, repetitions=1) for count in counts]


def _prompts(profile: StepProfile) -> list[StepPoint]:
    least, most = profile.range.prompt_tokens
    sizes = np.unique(np.rint(np.geomspace(max(least, 1), max(most, 1), LOADS)).astype(int))
    return [StepPoint(prompt_tokens=int(size), repetitions=1) for size in sizes]


def _load(point: StepPoint) -> Load:
    return Load(
        sequences=float(point.sequences),
        context_tokens=float(point.context_tokens),
        prefill_tokens=float(point.prompt_tokens),
        prefill_prompts=1.0 if point.prompt_tokens else 0.0,
        attended_tokens=point.prompt_tokens / 2,
    )


def _ratio(
    profile: StepProfile, points: Sequence[StepPoint], operand: Operands, numbers: Mapping[str, float]
) -> float:
    """Return measured over modelled: the median over the loads."""
    return float(
        np.median(
            [
                step_of(profile, point)
                / float(step_s(operand, numbers, _load(point), prefill=point.prompt_tokens > 0))
                for point in points
            ]
        )
    )


def _scaled(coefficient: Fitted, factor: float) -> Fitted:
    return Fitted(
        value=coefficient.value * factor, low=coefficient.low * factor, high=coefficient.high * factor
    )
