"""The engine model: it agrees with a token-by-token simulator and keeps the laws of queues."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from planner.errors import UsageError
from planner.simulation.compiled import compiled_kernel, is_worth_compiling
from planner.simulation.engine import simulate, simulate_closed_loop
from planner.simulation.step import StepCosts
from planner.specs.answers.simulation import EngineLimits, RequestBatch, SimulatedRequests
from tests.simulation.cases import random_batch, random_costs, random_limits, with_prefixes
from tests.simulation.reference import ReferenceEngine

TIMES = ("scheduled_s", "first_token_s", "last_token_s", "preemptions")
FLAT = StepCosts(serial_s=np.full(65, 0.01))


def assert_agree(found: SimulatedRequests, reference: ReferenceEngine) -> None:
    requests = reference.run()
    for name in TIMES:
        expected = np.array([getattr(request, name) for request in requests], dtype=np.float64)
        np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-9, atol=1e-9, err_msg=name)
    assert reference.most_used <= reference.capacity or reference.limits.pool_tokens is None


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_jumping_gives_the_times_of_looping_over_every_token(seed: int) -> None:
    rng = np.random.default_rng(seed)
    limits = random_limits(rng)
    costs, batch = random_costs(rng, limits.max_num_batched_tokens), random_batch(rng)
    found = simulate(batch, costs=costs, limits=limits, compiled=False)
    assert_agree(found, ReferenceEngine(batch, costs, limits))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), clients=st.integers(1, 15))
def test_a_closed_loop_agrees_with_the_token_loop(seed: int, clients: int) -> None:
    rng = np.random.default_rng(seed)
    limits = random_limits(rng)
    costs, batch = random_costs(rng, limits.max_num_batched_tokens), random_batch(rng)
    batch = RequestBatch(
        arrival_s=np.zeros(batch.size), input_tokens=batch.input_tokens, output_tokens=batch.output_tokens
    )
    found = simulate_closed_loop(
        costs=costs,
        limits=limits,
        concurrency=clients,
        input_tokens=batch.input_tokens,
        output_tokens=batch.output_tokens,
        compiled=False,
    )
    assert_agree(found, ReferenceEngine(batch, costs, limits, clients=clients))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_shared_prefix_is_found_kept_and_evicted_as_block_by_block(seed: int) -> None:
    rng = np.random.default_rng(seed)
    limits = replace(random_limits(rng), prefix_caching=True)
    costs = random_costs(rng, limits.max_num_batched_tokens)
    batch = with_prefixes(rng, random_batch(rng), limits.block_tokens)
    found = simulate(batch, costs=costs, limits=limits, compiled=False)
    reference = ReferenceEngine(batch, costs, limits)
    assert_agree(found, reference)
    assert found.cached_tokens.tolist() == [request.cached_tokens for request in reference.requests]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_preempted_requests_find_the_same_of_their_own_blocks_as_block_by_block(seed: int) -> None:
    rng = np.random.default_rng(seed)
    limits = replace(random_limits(rng), prefix_caching=True)
    costs, batch = random_costs(rng, limits.max_num_batched_tokens), random_batch(rng)
    found = simulate(batch, costs=costs, limits=limits, compiled=False)
    assert_agree(found, ReferenceEngine(batch, costs, limits))


def test_a_preempted_request_computes_again_only_what_others_took_of_it() -> None:
    """Two requests of 32 + 40 tokens in 8 blocks of 16: the second is preempted once, and loses blocks to the first."""
    batch = RequestBatch(
        arrival_s=np.zeros(2), input_tokens=np.array([32, 32]), output_tokens=np.array([40, 40])
    )
    costs = StepCosts(serial_s=1e-3 * np.arange(65.0))  # a millisecond a token: time counts tokens
    ends = []
    for kept in (False, True):
        limits = EngineLimits(max_num_seqs=4, max_num_batched_tokens=64, pool_tokens=128, prefix_caching=kept)
        found = simulate(batch, costs=costs, limits=limits)
        assert found.preemptions.tolist() == [0, 1]
        ends.append(found.last_token_s[1])
    # Both hold 4 blocks at 64 tokens; the first takes the second's last block for its 65th, and ends within it.
    # Three blocks of 16 are left of the second's 64 tokens: 48 tokens are not computed again.
    assert ends[0] - ends[1] == pytest.approx(0.048)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_tokens_are_conserved_and_the_same_input_gives_the_same_result(seed: int) -> None:
    rng = np.random.default_rng(seed)
    limits = replace(random_limits(rng), pool_tokens=None)
    costs, batch = random_costs(rng, limits.max_num_batched_tokens), random_batch(rng)
    once, again = (simulate(batch, costs=costs, limits=limits, compiled=False) for _ in range(2))
    for name in TIMES:
        np.testing.assert_array_equal(getattr(once, name), getattr(again, name))
    reference = ReferenceEngine(batch, costs, limits)
    reference.run()
    served = ~np.isnan(once.last_token_s)  # the last token of an answer is never put in again
    assert reference.tokens_computed == int((batch.input_tokens + batch.output_tokens - 1)[served].sum())


def test_without_numba_machine_code_is_refused_by_the_name_of_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled_kernel.cache_clear()
    monkeypatch.setattr("planner.simulation.compiled.find_spec", lambda _: None)
    with pytest.raises(UsageError, match="numba is not installed"):
        compiled_kernel()
    assert not is_worth_compiling(10**9)


@pytest.mark.slow
def test_machine_code_gives_the_very_same_times_as_python() -> None:
    pytest.importorskip("numba", reason="the extra fast is not installed")
    for seed in range(40):
        rng = np.random.default_rng(seed)
        limits = replace(random_limits(rng), prefix_caching=bool(seed % 2))
        costs = random_costs(rng, limits.max_num_batched_tokens)
        batch = with_prefixes(rng, random_batch(rng), limits.block_tokens)
        python, machine = (
            simulate(batch, costs=costs, limits=limits, compiled=compiled) for compiled in (False, True)
        )
        for name in (*TIMES, "cached_tokens"):
            np.testing.assert_array_equal(getattr(machine, name), getattr(python, name))


def test_at_a_vanishing_rate_every_request_has_the_latency_of_an_idle_engine() -> None:
    rng = np.random.default_rng(5)
    inputs, outputs = rng.integers(1, 60, 50), rng.integers(1, 60, 50)
    batch = RequestBatch(
        arrival_s=np.linspace(0.0, 49e4, 50, dtype=np.float64), input_tokens=inputs, output_tokens=outputs
    )
    found = simulate(batch, costs=FLAT, limits=EngineLimits(max_num_seqs=4, max_num_batched_tokens=64))
    np.testing.assert_allclose(found.ttft_s, 0.01, rtol=1e-6)  # each prompt fits into one step
    np.testing.assert_allclose(found.e2e_s, 0.01 * outputs, rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_every_request_ends_once_in_order_of_its_own_events_and_fcfs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    limits = random_limits(rng)
    costs, batch = random_costs(rng, limits.max_num_batched_tokens), random_batch(rng)
    found = simulate(batch, costs=costs, limits=limits, compiled=False)
    served = ~np.isnan(found.last_token_s)
    scheduled, first, last = (getattr(found, name)[served] for name in TIMES[:3])
    assert (batch.arrival_s[served] <= scheduled).all()
    assert (scheduled < first).all()
    assert (first <= last).all()
    assert all(earlier <= later for earlier, later in pairwise(scheduled))
    assert found.refused == int((~served).sum())


def test_one_request_alone_takes_its_prompt_step_and_a_step_per_further_token() -> None:
    batch = RequestBatch(arrival_s=np.array([1.0]), input_tokens=np.array([50]), output_tokens=np.array([11]))
    found = simulate(batch, costs=FLAT, limits=EngineLimits(max_num_seqs=4, max_num_batched_tokens=64))
    assert found.ttft_s[0] == pytest.approx(0.01)  # one step of 50 prompt tokens
    assert found.e2e_s[0] == pytest.approx(0.11)  # and ten steps of one token
    assert found.tpot_s[0] == pytest.approx(0.01)


def test_little_s_law_holds_between_rate_time_and_number_in_the_system() -> None:
    rng = np.random.default_rng(7)
    size = 4000
    batch = RequestBatch(
        arrival_s=np.cumsum(rng.exponential(0.2, size)),
        input_tokens=rng.integers(10, 60, size),
        output_tokens=rng.integers(5, 100, size),
    )
    found = simulate(batch, costs=FLAT, limits=EngineLimits(max_num_seqs=32, max_num_batched_tokens=64))
    grid = np.linspace(0, found.last_token_s.max(), 20_001)
    inside = np.searchsorted(batch.arrival_s, grid) - np.searchsorted(np.sort(found.last_token_s), grid)
    rate = size / found.last_token_s.max()
    assert inside.mean() == pytest.approx(rate * found.e2e_s.mean(), rel=0.01)


def test_a_prefix_that_is_in_the_pool_is_not_computed_again() -> None:
    batch = RequestBatch(
        arrival_s=np.array([0.0, 100.0]),
        input_tokens=np.array([40, 40]),
        output_tokens=np.array([2, 2]),
        prefix_hashes=np.array([1, 2, 1, 3]),
        prefix_starts=np.array([0, 2, 4]),
    )
    limits = EngineLimits(max_num_seqs=4, max_num_batched_tokens=64, pool_tokens=640, prefix_caching=True)
    found = simulate(batch, costs=FLAT, limits=limits)
    assert found.cached_tokens.tolist() == [0, 16]  # blocks 2 and 3 differ


def test_a_request_that_can_never_fit_is_refused_and_does_not_block_the_others() -> None:
    batch = RequestBatch(
        arrival_s=np.array([0.0, 0.0]), input_tokens=np.array([500, 10]), output_tokens=np.array([5, 5])
    )
    found = simulate(
        batch, costs=FLAT, limits=EngineLimits(max_num_seqs=4, max_num_batched_tokens=64, pool_tokens=160)
    )
    assert found.refused == 1
    assert np.isfinite(found.last_token_s[1])


def test_costs_that_end_before_the_token_limit_are_refused() -> None:
    batch = RequestBatch(arrival_s=np.zeros(1), input_tokens=np.ones(1, int), output_tokens=np.ones(1, int))
    with pytest.raises(UsageError, match="cover 64 tokens"):
        simulate(batch, costs=FLAT, limits=EngineLimits(max_num_seqs=4, max_num_batched_tokens=65))


def test_a_loop_without_clients_is_refused() -> None:
    with pytest.raises(UsageError, match="concurrency must be at least 1, found 0"):
        simulate_closed_loop(
            costs=FLAT,
            limits=EngineLimits(max_num_seqs=4, max_num_batched_tokens=64),
            concurrency=0,
            input_tokens=np.array([1]),
            output_tokens=np.array([1]),
        )


@pytest.mark.parametrize("prefix_block", [24, 8])
def test_prefix_blocks_that_the_engine_s_blocks_do_not_divide_are_refused(prefix_block: int) -> None:
    batch = RequestBatch(
        arrival_s=np.array([0.0]),
        input_tokens=np.array([50]),
        output_tokens=np.array([1]),
        prefix_hashes=np.array([7]),
        prefix_starts=np.array([0, 1]),
        prefix_block_tokens=prefix_block,
    )
    limits = EngineLimits(
        max_num_seqs=4, max_num_batched_tokens=64, pool_tokens=640, block_tokens=16, prefix_caching=True
    )
    with pytest.raises(UsageError, match=f"prefix blocks of {prefix_block} tokens are not a multiple") as no:
        simulate(batch, costs=FLAT, limits=limits)
    assert no.value.cure == f"set the engine's block size to a divisor of {prefix_block}"
