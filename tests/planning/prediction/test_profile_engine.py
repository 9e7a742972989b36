from __future__ import annotations

import numpy as np
import pytest

from planner.bench.steps import STANDARD_PLAN
from planner.errors import UsageError
from planner.planning.prediction.calibrate import fit_profile, predict_step_s
from planner.planning.prediction.profile_engine import profile_costs, profile_limits, simulate_profile
from planner.planning.prediction.step_profiles import with_doubts
from planner.simulation.step import cost_table, step_time_s
from planner.specs.answers.simulation import RequestBatch
from planner.specs.measured.agreement import Slowness
from planner.specs.measured.step_point import StepPoint
from planner.specs.profiles.step import FittedTerm, StepProfile
from tests.planning.prediction.test_calibrate import run_of


def profile() -> StepProfile:
    return fit_profile(run_of(STANDARD_PLAN.fit))


def tiled(fitted: StepProfile) -> StepProfile:
    """Return a profile of an engine whose kernels work in tiles."""
    price = FittedTerm(value_s=0.04, low_s=0.03, high_s=0.05)
    return fitted.model_copy(update={"terms": fitted.terms | {"tile_pass_s": price}})


@pytest.mark.parametrize("prompt", [64, 511, 512, 600, 1300])
def test_a_prompt_step_of_the_simulator_costs_what_the_profile_says(prompt: int) -> None:
    fitted = tiled(profile())
    costs = cost_table(profile_costs(fitted, profile_limits(fitted)), as_lists=True)
    expected = predict_step_s(fitted, StepPoint(prompt_tokens=prompt)).value
    pairs = prompt * (prompt + 1) / 2
    assert step_time_s(costs, prompt, 1, 0, pairs, prefill=True) == pytest.approx(expected)


@pytest.mark.parametrize("sequences", [1, 2, 3, 4])
def test_a_decode_step_of_the_simulator_costs_what_the_profile_says(sequences: int) -> None:
    fitted = tiled(profile())
    costs = cost_table(profile_costs(fitted, profile_limits(fitted)), as_lists=True)
    point = StepPoint(sequences=sequences, context_tokens=99, repetitions=1)
    expected = predict_step_s(fitted, point).value
    assert step_time_s(costs, sequences, sequences, sequences * 100, 0.0, prefill=False) == pytest.approx(
        expected
    )


@pytest.mark.parametrize(("sequences", "prompt"), [(4, 128), (1, 64), (3, 400)])
def test_a_mixed_step_of_llama_cpp_takes_two_passes_in_the_simulator_too(sequences: int, prompt: int) -> None:
    fitted = tiled(profile())
    costs = cost_table(profile_costs(fitted, profile_limits(fitted)), as_lists=True)
    point = StepPoint(sequences=sequences, context_tokens=99, prompt_tokens=prompt)
    expected = predict_step_s(fitted, point).value
    pairs = prompt * (prompt + 1) / 2
    time_s = step_time_s(costs, sequences + prompt, sequences + 1, sequences * 100, pairs, prefill=True)
    # the simulator counts the cache that a prompt reads to a few tokens
    assert time_s == pytest.approx(expected, rel=1e-3)


def test_a_slower_host_stretches_steps_that_read_and_steps_that_compute_each_by_its_own() -> None:
    fitted = profile()
    slow = profile_costs(fitted, profile_limits(fitted), Slowness(few_rows=1.5, more_rows=1.2))
    costs = [
        cost_table(each, as_lists=True) for each in (profile_costs(fitted, profile_limits(fitted)), slow)
    ]

    def ratio(tokens: int, sequences: int, *, prefill: bool) -> float:
        before, after = (step_time_s(each, tokens, sequences, 0, 0.0, prefill) for each in costs)
        return after / before

    assert [ratio(count, count, prefill=False) for count in (1, 3, 4, 8)] == pytest.approx(
        [1.5, 1.5, 1.2, 1.2]
    )
    assert ratio(256, 1, prefill=True) == pytest.approx(1.2)


def batch(prompt: int, answer: int, requests: int = 20, gap_s: float = 30.0) -> RequestBatch:
    return RequestBatch(
        arrival_s=np.linspace(0.0, (requests - 1) * gap_s, requests),
        input_tokens=np.full(requests, prompt),
        output_tokens=np.full(requests, answer),
    )


def test_requests_that_do_not_meet_see_single_steps() -> None:
    fitted = profile()
    chosen = with_doubts("p.yaml", fitted)
    done = simulate_profile(chosen, batch(128, 11), profile_limits(fitted))
    assert done.ttft_s.mean == pytest.approx(predict_step_s(fitted, StepPoint(prompt_tokens=128)).value)
    decode = StepPoint(sequences=1, context_tokens=128, repetitions=10)
    assert done.tpot_s.mean == pytest.approx(predict_step_s(fitted, decode).value)
    assert (done.profile, done.grade, done.notices) == ("p.yaml", "interpolated", ())


def test_a_longer_prompt_than_was_measured_is_extrapolated_and_said() -> None:
    chosen = with_doubts("p.yaml", profile())
    done = simulate_profile(chosen, batch(1500, 4), profile_limits(chosen.profile))
    assert done.grade == "extrapolated"
    assert [notice.code for notice in done.notices] == [
        "outside-profile",
        "outside-profile",
    ]  # prompt and context


def test_requests_longer_than_a_slot_are_refused() -> None:
    chosen = with_doubts("p.yaml", profile())
    with pytest.raises(UsageError, match="no request fits into a slot"):
        simulate_profile(chosen, batch(128, 11), profile_limits(chosen.profile, slot_tokens=100))


def test_llama_servers_own_number_of_slots_is_the_default() -> None:
    assert profile_limits(profile()).max_num_seqs == 4
    assert profile_limits(profile(), max_sequences=9, batched_tokens=64).max_num_batched_tokens == 64
