from __future__ import annotations

import numpy as np
import pytest

from planner.bench.steps import STANDARD_PLAN
from planner.errors import UsageError
from planner.planning.prediction.calibrate import fit_profile, predict_step_s
from planner.planning.prediction.predict_profile import predict_from_profile
from planner.planning.prediction.step_profiles import with_doubts
from planner.specs.answers.prediction import Prediction, PredictRequest
from planner.specs.measured.step_point import StepPoint
from planner.specs.profiles.step import StepProfile
from tests.planning.prediction.test_calibrate import run_of


def profile() -> StepProfile:
    return fit_profile(run_of(STANDARD_PLAN.fit))


def predict(request: PredictRequest, fitted: StepProfile | None = None) -> Prediction:
    chosen = with_doubts("p.yaml", fitted or profile())
    return predict_from_profile(chosen, request, np.random.default_rng(0))


def test_one_client_sees_a_prefill_and_single_decode_steps() -> None:
    found = predict(PredictRequest(input_tokens=128, output_tokens=33, concurrency=1))
    fitted = profile()
    prefill = predict_step_s(fitted, StepPoint(prompt_tokens=128)).value
    decode = predict_step_s(fitted, StepPoint(sequences=1, context_tokens=128, repetitions=32)).value
    assert found.ttft_s.value == pytest.approx(prefill)
    assert found.tpot_s.value == pytest.approx(decode, rel=1e-3)
    assert found.e2e_s.value == pytest.approx(prefill + 32 * decode, rel=0.02)
    assert found.requests_per_s.value == pytest.approx(1 / found.e2e_s.value)
    assert (found.grade, found.profile, found.bound_by) == ("interpolated", "p.yaml", "compute")


def test_four_slots_are_full_at_saturation() -> None:
    busy = predict(PredictRequest(input_tokens=128, output_tokens=64, concurrency=4))
    assert busy.requests_per_s.value == pytest.approx(busy.saturation_requests_per_s.value, rel=0.03)
    queued = predict(PredictRequest(input_tokens=128, output_tokens=64, concurrency=8))
    assert queued.bound_by == "max_num_seqs"
    assert queued.running == 4
    assert queued.ttft_s.value > 2 * busy.ttft_s.value
    assert queued.tpot_s.value == pytest.approx(busy.tpot_s.value, rel=0.05)


def test_an_arrival_rate_is_served_below_saturation_only() -> None:
    served = predict(PredictRequest(input_tokens=128, output_tokens=32, requests_per_s=0.1))
    assert served.requests_per_s.low == served.requests_per_s.value == 0.1
    assert served.concurrency == pytest.approx(0.1 * served.e2e_s.value)
    with pytest.raises(UsageError, match="50 requests/s exceed the saturation of"):
        predict(PredictRequest(input_tokens=128, output_tokens=32, requests_per_s=50))


def test_a_load_is_given_once() -> None:
    for request in (PredictRequest(), PredictRequest(concurrency=1, requests_per_s=1)):
        with pytest.raises(UsageError, match="give the load once"):
            predict(request)


def test_the_breakdown_is_one_decode_step_largest_part_first() -> None:
    found = predict(PredictRequest(input_tokens=256, output_tokens=1, concurrency=4))
    step = predict_step_s(profile(), StepPoint(sequences=4, context_tokens=256, repetitions=1)).value
    times = [part.time_s for part in found.breakdown]
    assert sum(times) == pytest.approx(step)
    assert times == sorted(times, reverse=True)
    assert sum(part.share_fraction for part in found.breakdown) == pytest.approx(1.0)


def test_memory_that_a_profile_does_not_tell_is_unknown_and_not_zero() -> None:
    found = predict(PredictRequest(input_tokens=128, output_tokens=8, concurrency=1))
    assert (found.pool_bytes_per_gpu, found.physical_bytes_per_gpu, found.kv_pool_tokens) == (
        None,
        None,
        None,
    )
    assert found.weights_bytes_per_gpu == 1  # the file's size in the run that was fitted
