from __future__ import annotations

from statistics import median

import numpy as np
import pytest

from planner.bench.steps import STANDARD_PLAN
from planner.errors import EngineError
from planner.planning.calibrate import (
    TERMS,
    check_points,
    fit_profile,
    most_informative,
    predict_step_s,
    step_work,
)
from planner.specs.measurement import EngineFacts, MachineFacts
from planner.specs.steps import StepPoint, StepRun, StepSamples

TRUTH = np.array(
    [0.001, 0.029, 0.012, 0.009, 7.5e-6, 1.5e-6]
)  # close to the fit of a 1B q4_0 model on 2 cores


def run_of(points: tuple[StepPoint, ...], *, noise: float = 0.0, unsteady: tuple[int, ...] = ()) -> StepRun:
    generator = np.random.default_rng(1)
    samples = tuple(
        StepSamples(
            point=point,
            times_s=(float(step_work(point, ubatch_tokens=512) @ TRUTH * (1 + noise * generator.normal())),),
            unsteady=("p90 of the steps is 9.0 times their median",) if number in unsteady else (),
        )
        for number, point in enumerate(points)
    )
    return StepRun(
        started_at="2026-11-23T11:30:00+00:00",
        planner_version="0",
        machine=MachineFacts(
            host_id="0", system="Linux", cpu="EPYC", cpu_count=2, memory_bytes=None, python="3.11"
        ),
        engine=EngineFacts(
            kind="llamacpp", name="llama.cpp in process", version="0.3.36", model="m", synthetic=True
        ),
        model_bytes=1,
        model_parameters=1,
        settings={"ubatch_tokens": 512},
        samples=samples,
    )


def test_the_work_of_a_mixed_step_is_counted_by_hand() -> None:
    # 5 sequences and 6 prompt tokens are 11 rows: 2 fours and 3 left; 5 · (100 + 1) context; 6 · 10 + 6 · 7 / 2 pairs
    point = StepPoint(sequences=5, context_tokens=100, prompt_tokens=6, prompt_offset_tokens=10)
    assert step_work(point, ubatch_tokens=512).tolist() == [1, 2, 3, 6, 505, 81]


def test_the_work_of_a_decode_point_is_that_of_its_middle_step() -> None:
    point = StepPoint(sequences=2, context_tokens=100, repetitions=11)  # contexts 101 to 111
    assert step_work(point, ubatch_tokens=512)[4] == 2 * 106


def test_a_prompt_longer_than_a_ubatch_takes_several_passes() -> None:
    assert step_work(StepPoint(prompt_tokens=1025), ubatch_tokens=512)[0] == 3


def test_the_fit_recovers_a_known_truth_exactly() -> None:
    fitted = fit_profile(run_of(STANDARD_PLAN.fit))
    assert [getattr(fitted, name).value_s for name in TERMS] == pytest.approx(TRUTH.tolist(), rel=1e-6)
    assert fitted.points == 12


def test_held_out_points_are_predicted_within_the_noise_of_the_measurement() -> None:
    points = STANDARD_PLAN.fit + STANDARD_PLAN.held_out
    held_out = range(len(STANDARD_PLAN.fit), len(points))
    run = run_of(points, noise=0.02)
    checks = check_points(fit_profile(run, held_out=held_out), run, held_out=held_out)
    errors = [abs(check.error_fraction) for check in checks if not check.used_in_fit]
    assert len(errors) == 15
    assert median(errors) < 0.03


def test_unsteady_points_are_neither_fitted_nor_judged() -> None:
    run = run_of(STANDARD_PLAN.fit, unsteady=(0, 3))
    fitted = fit_profile(run)
    assert fitted.points == 10
    assert len(check_points(fitted, run)) == 10


def test_too_few_steady_points_are_an_error() -> None:
    with pytest.raises(EngineError, match="5 steady points are too few to fit 6 terms"):
        fit_profile(run_of(STANDARD_PLAN.fit[:5]))


def test_an_interval_holds_its_prediction_and_widens_with_noise() -> None:
    point = StepPoint(sequences=6, context_tokens=300)
    exact = predict_step_s(fit_profile(run_of(STANDARD_PLAN.fit)), point)
    noisy = predict_step_s(fit_profile(run_of(STANDARD_PLAN.fit, noise=0.05)), point)
    assert noisy.low < noisy.value < noisy.high
    assert noisy.high - noisy.low > exact.high - exact.low
    assert exact.grade == "fitted"


def test_the_most_informative_point_is_the_one_least_like_the_measured_ones() -> None:
    shallow = tuple(StepPoint(sequences=count, context_tokens=8, repetitions=3) for count in range(1, 9))
    fitted = fit_profile(run_of(STANDARD_PLAN.fit))
    candidates = (
        shallow[2],
        StepPoint(sequences=8, context_tokens=4000),
        StepPoint(sequences=3, context_tokens=9),
    )
    assert most_informative(candidates, shallow, fitted) == candidates[1]
