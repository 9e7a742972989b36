"""Bounds of a step's parts, and a burst of prompts served one after the other."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from planner.formulas.step_time import (
    burst_ttft_s,
    collision_s,
    experts_touched,
    operator_s,
)
from tests.quantities import FRACTIONS, SECONDS


@given(SECONDS, SECONDS)
def test_an_operator_takes_the_longer_part_and_at_most_41_percent_more(compute: float, memory: float) -> None:
    together, longer = float(operator_s(compute_s=compute, memory_s=memory)), max(compute, memory)
    assert longer <= together <= longer * math.sqrt(2) * (1 + 1e-12)


@given(st.integers(1, 512), st.integers(1, 16), st.integers(1, 10_000))
def test_touched_experts_lie_between_one_token_s_and_all(experts: int, each: int, tokens: int) -> None:
    touched = float(experts_touched(experts=experts, experts_per_token=each, tokens=tokens))
    assert min(each, experts) - 1e-9 <= touched <= experts
    assert touched <= tokens * each + 1e-6


def test_tokens_that_draw_experts_at_random_touch_as_many_as_the_formula_says() -> None:
    rng = np.random.default_rng(3)
    counts = [
        len(set(np.concatenate([rng.choice(64, 6, replace=False) for _ in range(16)]))) for _ in range(300)
    ]
    expected = float(experts_touched(experts=64, experts_per_token=6, tokens=16))
    assert np.mean(counts) == pytest.approx(expected, rel=0.01)


@given(st.integers(1, 64), st.sampled_from([512, 1024, 2048, 4096]))
def test_a_burst_waits_as_if_prompts_were_filled_into_steps_in_turn(prompts: int, length: int) -> None:
    batched, step = 4096, 0.25
    ends = [math.ceil((n + 1) * length / batched) for n in range(prompts)]
    found = float(
        burst_ttft_s(concurrency=prompts, input_tokens=length, batched_tokens=batched, full_step_s=step)
    )
    whole = prompts * length % batched == 0
    expected = sum(ends) / prompts * step
    # exact for full steps; a last step that is not full shifts the mean by less than half a step
    assert found == pytest.approx(expected, abs=1e-9 if whole else step / 2)


@given(st.floats(0, 5), SECONDS, st.integers(0, 1000))
def test_waiting_is_bounded_by_half_of_the_others(busy: float, service: float, others: int) -> None:
    wait = float(collision_s(utilization_fraction=busy, service_s=service, others=others))
    assert 0 <= wait <= others / 2 * service * (1 + 1e-12)


@given(FRACTIONS, FRACTIONS)
def test_a_busier_loop_waits_longer(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert float(collision_s(utilization_fraction=low, service_s=1.0, others=10)) <= float(
        collision_s(utilization_fraction=high, service_s=1.0, others=10)
    )


def test_alone_nobody_waits() -> None:
    assert collision_s(utilization_fraction=0.9, service_s=1.0, others=-1) == 0.0
