from __future__ import annotations

import numpy as np
import pytest

from planner.bench.steps import STANDARD_PLAN
from planner.inputs.books import load_books
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.memory.architecture import unpack
from planner.planning.prediction.calibrate import fit_profile
from planner.planning.prediction.joined_profile import (
    _decodes,
    _load,
    _prompts,
    joined_profile,
    measured_stream,
    step_of,
)
from planner.planning.prediction.predict import choose_profile
from planner.planning.prediction.step_model import operands, step_s
from planner.planning.prediction.step_profiles import with_doubts
from planner.specs.measured.step_point import StepPoint
from planner.specs.profiles.step import ChosenStepProfile, ProfileIdentity
from tests.planning.prediction.test_calibrate import run_of


def measured() -> ChosenStepProfile:
    named = ProfileIdentity(model="llama-3.1-8b", quantization="bf16", hardware="h100-sxm")
    return with_doubts("profiles/mine.yaml", fit_profile(run_of(STANDARD_PLAN.fit), identity=named))


def test_the_scaled_model_takes_the_measured_times_at_the_middle_of_the_range() -> None:
    books = load_books()
    hardware = books.hardware.find("h100-sxm")
    operand = operands(unpack(books.models.find("llama-3.1-8b")), hardware, quantization="bf16")
    chosen = choose_profile(load_serving_profiles(), engine="vllm", hardware=hardware)
    joined = joined_profile(chosen, operand, measured())
    numbers, profile = joined.profile.numbers(), measured().profile
    for points, prefill in ((_decodes(profile), False), (_prompts(profile), True)):
        ratios = [
            step_of(profile, point) / float(step_s(operand, numbers, _load(point), prefill=prefill))
            for point in points
        ]
        assert np.median(ratios) == pytest.approx(1.0, abs=0.01)
    assert (joined.grade, joined.profile.id, joined.width) == ("interpolated", "profiles/mine.yaml", 1.0)
    assert joined.profile.concurrency_range == (1.0, 8.0)
    assert joined.profile.input_range == (16.0, 512.0)
    assert joined.profile.tpot == profile.decode


def test_a_lonely_request_gets_the_rates_of_single_steps() -> None:
    chosen = measured()
    found = measured_stream(chosen, input_tokens=256, output_tokens=64)
    assert found.prefill_tokens_per_s is not None
    prompt = StepPoint(prompt_tokens=256)
    assert found.prefill_tokens_per_s.value == pytest.approx(256 / step_of(chosen.profile, prompt))
    decode = StepPoint(sequences=1, context_tokens=288, repetitions=1)
    assert found.decode_tokens_per_s.value == pytest.approx(1 / step_of(chosen.profile, decode))
    assert found.decode_tokens_per_s.grade == "interpolated"
    far = measured_stream(chosen, input_tokens=8000, output_tokens=64)
    assert far.decode_tokens_per_s.grade == "extrapolated"
