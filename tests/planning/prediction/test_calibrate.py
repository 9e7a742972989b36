from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import Literal

import numpy as np
import pytest

from planner.bench.steps import STANDARD_PLAN
from planner.errors import EngineError
from planner.planning.prediction.calibrate import (
    check_points,
    fit_profile,
    held_out_error,
    held_out_of,
    most_informative,
    predict_step_s,
    proposed_point,
)
from planner.planning.prediction.step_work import TERMS, step_work, tile_passes
from planner.specs.measured.measurement import EngineFacts, MachineFacts
from planner.specs.measured.step_point import StepPoint
from planner.specs.measured.steps import StepRun, StepSamples
from planner.specs.profiles.step import ProfileIdentity, StepShape

# close to the fit of a 1B q4_0 model on 2 cores
TRUTH = np.array([0.001, 0.029, 0.012, 0.009, 7.5e-6, 0.4e-6, 160e-6, 0.0, 0.0])
LLAMACPP = StepShape(ubatch_tokens=512, kernel_rows=4, apart=True, batch_tokens=2048, sequences=13)
VLLM = StepShape(ubatch_tokens=2048, kernel_rows=1, batch_tokens=2048, sequences=256)


def run_of(points: tuple[StepPoint, ...], *, noise: float = 0.0, unsteady: tuple[int, ...] = ()) -> StepRun:
    generator = np.random.default_rng(1)
    samples = tuple(
        StepSamples(
            point=point,
            times_s=(float(step_work(point, LLAMACPP) @ TRUTH * (1 + noise * generator.normal())),),
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
        settings={"ubatch_tokens": 512, "batch_tokens": 2048, "sequences": 13},
        samples=samples,
    )


def test_the_work_of_a_mixed_step_is_counted_by_hand() -> None:
    # 5 sequences and 6 prompt tokens are 11 rows in one pass; 5 · (100 + 1) context; 6 · 10 + 6 · 7 / 2 pairs;
    # the pass reads 16 tokens of the prompt
    point = StepPoint(sequences=5, context_tokens=100, prompt_tokens=6, prompt_offset_tokens=10)
    assert step_work(point, VLLM).tolist() == [1, 11, 0, 6, 505, 81, 16, 0, 0]


def test_llama_cpp_leaves_the_rest_of_a_prompt_beside_sequences_to_a_second_pass() -> None:
    # 5 + 1 rows (a four and two), then 5 rows (a four and one): four passes of tiles; the passes read 11 and 16 tokens of the prompt
    point = StepPoint(sequences=5, context_tokens=100, prompt_tokens=6, prompt_offset_tokens=10)
    assert step_work(point, LLAMACPP).tolist() == [2, 2, 3, 6, 505, 81, 27, 0, 4]


def test_the_work_of_a_decode_point_is_that_of_its_middle_step() -> None:
    point = StepPoint(sequences=2, context_tokens=100, repetitions=11)  # contexts 101 to 111
    assert step_work(point, LLAMACPP)[4] == 2 * 106


def test_a_prompt_longer_than_a_ubatch_takes_several_passes() -> None:
    # 512, 1,024 and 1,025 tokens are in the cache after the three passes
    work = step_work(StepPoint(prompt_tokens=1025), LLAMACPP)
    assert (work[0], work[6]) == (3, 512 + 1024 + 1025)


def test_the_fit_recovers_a_known_truth_exactly() -> None:
    fitted = fit_profile(run_of(STANDARD_PLAN.fit))
    assert [fitted.terms[name].value_s for name in TERMS] == pytest.approx(TRUTH.tolist(), rel=1e-6)
    assert fitted.points == 12
    assert (fitted.range.prompt_tokens, fitted.range.sequences) == ((16, 512), (1, 8))
    assert (fitted.prefill.low, fitted.decode.high) == pytest.approx((1.0, 1.0))


def test_held_out_points_are_predicted_within_the_noise_of_the_measurement() -> None:
    points = STANDARD_PLAN.fit + STANDARD_PLAN.held_out
    held_out = range(len(STANDARD_PLAN.fit), len(points))
    run = run_of(points, noise=0.02)
    checks = check_points(fit_profile(run, held_out=held_out), run, held_out=held_out)
    errors = [abs(check.error_fraction) for check in checks if not check.used_in_fit]
    assert len(errors) == 15
    assert median(errors) < 0.03
    worst = held_out_error(checks)
    assert worst is not None
    assert 0 < worst < 0.05
    assert held_out_error(checks[:12]) is None


def test_a_profile_carries_the_names_of_the_books() -> None:
    named = ProfileIdentity(model="llama-3.2-1b", quantization="q4_0", hardware="l4")
    fitted = fit_profile(run_of(STANDARD_PLAN.fit), identity=named)
    assert (fitted.model, fitted.quantization, fitted.hardware) == ("llama-3.2-1b", "q4_0", "l4")


def test_what_a_run_says_is_held_out_else_every_third_of_a_kind() -> None:
    run = run_of(STANDARD_PLAN.fit)
    assert held_out_of(run) == {
        1,
        5,
        8,
    }  # of prefills 0 to 3 the second, of decodes 4 to 10 the second and fifth
    stated = replace(run, samples=(replace(run.samples[0], held_out=True), *run.samples[1:]))
    assert held_out_of(stated) == {0}


def test_unsteady_points_are_neither_fitted_nor_judged() -> None:
    run = run_of(STANDARD_PLAN.fit, unsteady=(0, 3))
    fitted = fit_profile(run)
    assert fitted.points == 10
    assert len(check_points(fitted, run)) == 10


def test_the_proposed_point_is_new_and_at_most_twice_as_large() -> None:
    run = run_of(STANDARD_PLAN.fit)
    proposed = proposed_point(run, fit_profile(run))
    assert proposed.sequences <= 16
    assert max(proposed.context_tokens, proposed.prompt_tokens) <= 2048
    assert proposed.label not in {item.point.label for item in run.samples}


def test_too_few_steady_points_are_an_error() -> None:
    with pytest.raises(EngineError, match="5 steady points are too few"):
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


@pytest.mark.parametrize(("rows", "passes"), [(1, 0), (2, 1), (4, 1), (5, 2), (8, 1), (11, 2)])
def test_tiles_go_over_the_weights_for_full_groups_and_for_the_rest(rows: int, passes: int) -> None:
    assert tile_passes(rows, 4) == passes
    assert tile_passes(rows, 1) == 0  # without groups there are no tiles


def test_a_price_of_tiles_is_found_where_there_is_one_and_stays_0_in_mere_noise() -> None:
    truth = TRUTH.copy()
    truth[TERMS.index("tile_pass_s")] = 0.040
    run = run_of(STANDARD_PLAN.fit)
    tiled = replace(
        run,
        samples=tuple(
            replace(item, times_s=(float(step_work(item.point, LLAMACPP) @ truth),)) for item in run.samples
        ),
    )
    assert fit_profile(tiled).terms["tile_pass_s"].value_s == pytest.approx(0.040)
    found = [
        fit_profile(run_of(STANDARD_PLAN.fit, noise=noise)).terms["tile_pass_s"] for noise in (0.0, 0.03)
    ]
    assert [each.value_s for each in found] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert predict_step_s(fit_profile(tiled), StepPoint(sequences=5)).value > 0.040 * 2


@pytest.mark.parametrize(
    ("kind", "name", "scheduler"),
    [
        ("llamacpp", "llama.cpp in process", "llamacpp"),
        ("vllm", "vllm", "vllm"),
        ("openai", "vllm", "vllm"),  # only reached, and it says what it is
        ("openai", "a server", "openai"),
    ],
)
def test_a_profile_has_the_scheduler_of_the_engine_that_was_measured(
    kind: Literal["llamacpp", "vllm", "openai"], name: str, scheduler: str
) -> None:
    run = run_of(STANDARD_PLAN.fit)
    engine = replace(run.engine, kind=kind, name=name)
    assert fit_profile(replace(run, engine=engine)).kind == scheduler
