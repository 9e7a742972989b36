"""Laws of a closed loop's steady state, whatever the coefficients."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from planner.inputs.books import load_books
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.memory.architecture import unpack
from planner.planning.prediction.closed_loop import BURST_FRACTION, Limits, LoopResult, Savings, closed_loop
from planner.planning.prediction.step_model import Operands, operands

NUMBERS = load_serving_profiles()[0].numbers()
PROMPTS, ANSWERS = st.floats(1, 30_000), st.floats(2, 4000)
quick = settings(max_examples=50, deadline=None)


@cache
def operand() -> Operands:
    books = load_books()
    return operands(unpack(books.models.find("llama-3.1-8b")), books.hardware.find("h100-sxm"))


def loop(limits: Limits | None = None, **asked: Any) -> LoopResult:
    load = {"concurrency": 32.0, "input_tokens": 1000.0, "output_tokens": 200.0} | asked
    return closed_loop(operand(), NUMBERS, limits or Limits(), **load)


@quick
@given(st.floats(1, 2000), PROMPTS, ANSWERS)
def test_requests_in_flight_are_rate_times_time(concurrency: float, prompt: float, answer: float) -> None:
    """Little's law, waiting included: everything that is asked is somewhere."""
    found = loop(concurrency=concurrency, input_tokens=prompt, output_tokens=answer)
    time_s = found.ttft_s + found.tpot_s * (answer - 1)
    assert float(found.requests_per_s * time_s) == pytest.approx(concurrency)


def test_the_pool_and_the_sequence_limit_hold_the_rest_back() -> None:
    """24,000 tokens hold 20 requests of 1,200, whatever is asked; the others wait before their first token."""
    free, full = loop(concurrency=64.0), loop(Limits(pool_tokens=24_000.0), concurrency=64.0)
    assert (free.running, full.running) == (64.0, 20.0)
    assert loop(Limits(max_sequences=8.0), concurrency=64.0).running == 8.0
    assert full.ttft_s > free.ttft_s
    assert full.tpot_s < free.tpot_s


def test_a_prefix_that_all_prompts_share_is_kept_once_and_not_computed() -> None:
    """900 of 1,000 tokens: a pool of 24,000 holds (24,000 - 900) / 300 requests instead of 20."""
    limits, shared = Limits(pool_tokens=24_000.0), Savings(cached_fraction=0.9)
    with_prefix = loop(limits, concurrency=200.0, savings=shared)
    assert with_prefix.running == pytest.approx(77.0)
    assert loop(savings=shared).ttft_s < loop().ttft_s


def test_two_accepted_tokens_a_step_halve_the_time_of_a_token_but_for_their_check() -> None:
    plain = loop(concurrency=1.0)
    drafted = loop(concurrency=1.0, savings=Savings(verified_tokens=2.0, tokens_per_step=2.0))
    assert drafted.tpot_alone_s == pytest.approx(plain.tpot_alone_s / 2, rel=0.05)


def test_a_published_mean_is_a_tenth_burst() -> None:
    found = loop(concurrency=64.0)
    assert found.ttft_published_s == pytest.approx(
        BURST_FRACTION * found.ttft_burst_s + (1 - BURST_FRACTION) * found.ttft_s
    )
    assert found.ttft_burst_s > found.ttft_s  # 64,000 tokens at once, against one prompt beside decoding


def test_many_loads_at_once_are_what_each_is_alone() -> None:
    many = loop(concurrency=np.array([1.0, 8.0, 64.0]), input_tokens=np.array([100.0, 1000.0, 9000.0]))
    for row, (clients, prompt) in enumerate(((1.0, 100.0), (8.0, 1000.0), (64.0, 9000.0))):
        one = loop(concurrency=clients, input_tokens=prompt)
        assert np.asarray(many.ttft_s)[row] == pytest.approx(float(one.ttft_s))
        assert np.asarray(many.requests_per_s)[row] == pytest.approx(float(one.requests_per_s))


def test_a_prompt_waits_half_the_time_between_two_looks() -> None:
    at_once, seldom = loop(), loop(Limits(inbox_steps=30.0))
    waited = seldom.ttft_s - at_once.ttft_s
    assert float(waited) >= 15 * float(seldom.tpot_s) * 0.99


def test_only_the_first_of_a_group_is_held_back_in_full() -> None:
    # One request at a time has nobody to wait for it: held for all 20 steps. Beside 199 others 20 come in 20 steps.
    alone, held = loop(concurrency=1.0), loop(Limits(batch_wait_steps=20.0), concurrency=1.0)
    assert float(held.ttft_s - alone.ttft_s) == pytest.approx(20 * float(held.tpot_s))
    many = loop(Limits(batch_wait_steps=20.0), concurrency=200.0)
    few = loop(Limits(batch_wait_steps=0.0), concurrency=200.0)
    assert float(many.ttft_s - few.ttft_s) < 20 * float(many.tpot_s)
