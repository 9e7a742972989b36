"""A configuration of the books as an engine that can be simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from planner.errors import UsageError
from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.memory.architecture import unpack
from planner.planning.prediction.predict import choose_profile
from planner.planning.prediction.simulate import (
    latency_points,
    simulate_replica,
    slowed,
    step_costs,
)
from planner.planning.prediction.step_model import Load, Operands, operands, step_s
from planner.simulation.engine import simulate
from planner.specs.answers.prediction import PredictRequest
from planner.specs.answers.simulated import ReplicaSimulation
from planner.specs.answers.simulation import EngineLimits, RequestBatch

ASKED = PredictRequest()


def configuration(gpu: str) -> tuple[Operands, Mapping[str, float]]:
    books = load_books()
    hardware = books.hardware.find(gpu)
    chosen = choose_profile(load_serving_profiles(), engine="vllm", hardware=hardware)
    return operands(unpack(books.models.find("llama-3.1-8b-instruct")), hardware), chosen.profile.numbers()


def test_the_simulator_s_costs_are_the_step_model_s_times() -> None:
    operand, numbers = configuration("h100-sxm")
    costs = step_costs(operand, numbers, max_tokens=2048, mean_context_tokens=1000.0, separate_prefill=False)
    for sequences in (1, 32, 200):
        load = Load(sequences=float(sequences), context_tokens=1000.0)
        expected = float(step_s(operand, numbers, load, prefill=False))
        found = costs.serial_s[sequences] + costs.sequence_s * sequences
        found += costs.kv_token_s * sequences * 1000
        assert found == pytest.approx(expected, rel=0.03)


def batch(tokens: int, **prefixes: Any) -> RequestBatch:
    return RequestBatch(
        arrival_s=np.array([0.0, 1.0]),
        input_tokens=np.array([tokens, 64]),
        output_tokens=np.array([8, 8]),
        **prefixes,
    )


def replica(
    requests: RequestBatch,
    gpu: str = "h100-sxm",
    model: str = "llama-3.1-8b",
    asked: PredictRequest = ASKED,
) -> ReplicaSimulation:
    books = load_books()
    return simulate_replica(
        unpack(books.models.find(model)),
        books.hardware.find(gpu),
        asked,
        requests,
        profiles=load_serving_profiles(),
        memory_profile=load_vllm_memory(),
    )


def test_a_request_longer_than_the_pool_is_counted_and_one_notice_says_so() -> None:
    found = replica(batch(10_000_000))
    assert found.requests.refused == 1
    assert found.notices[-1].message == (
        "1 of 2 requests are longer than the KV pool or the context and were refused"
    )


def test_a_request_beyond_the_models_context_is_refused_though_the_pool_would_hold_it() -> None:
    found = replica(batch(131_072))  # with its answer of 8 tokens beyond the 131,072 of Llama-3.1-8B
    assert found.limits.pool_tokens is not None
    assert found.limits.pool_tokens > 2 * 131_072
    assert found.requests.refused == 1


def test_a_batch_that_never_fits_and_a_model_without_a_pool_are_refused() -> None:
    long = RequestBatch(
        arrival_s=np.array([0.0]), input_tokens=np.array([10_000_000]), output_tokens=np.array([1])
    )
    with pytest.raises(UsageError, match=r"no request fits into the .* tokens of KV cache"):
        replica(long)
    with pytest.raises(UsageError, match=r"llama-3\.1-70b leaves no KV cache on 1 ×"):
        replica(batch(64), model="llama-3.1-70b")


def test_hashes_of_prefixes_turn_the_cache_on() -> None:
    shared = {"prefix_hashes": np.array([1, 2, 1, 2]), "prefix_starts": np.array([0, 2, 4])}
    assert replica(batch(64, **shared)).requests.cached_tokens.tolist() == [0, 32]
    assert replica(batch(64)).requests.cached_tokens.tolist() == [0, 0]


def test_times_that_nobody_has_are_no_percentiles() -> None:
    assert np.isnan(latency_points(np.array([np.nan])).p99)
    points = latency_points(np.array([1.0, np.nan, 3.0]))
    assert (points.mean, points.p50) == (2.0, 2.0)


def test_the_version_of_vllm_decides_when_a_step_is_planned_and_who_is_admitted() -> None:
    old, newer, new, other = (
        replica(batch(64), asked=asked).limits
        for asked in (
            PredictRequest(version="0.13.0"),
            PredictRequest(version="0.14.1"),
            PredictRequest(version="0.19.0"),
            PredictRequest(engine="sglang"),
        )
    )
    assert (old.async_scheduling, old.reserve_full_input) == (False, False)
    assert (newer.async_scheduling, newer.reserve_full_input) == (True, False)
    assert (new.async_scheduling, new.reserve_full_input) == (True, True)
    assert (other.async_scheduling, other.prefix_caching) == (False, True)


def test_a_pool_that_the_engine_printed_comes_before_the_computed_one() -> None:
    assert replica(batch(64), asked=PredictRequest(pool_tokens=41_408)).limits.pool_tokens == 41_408


def test_prompts_in_steps_of_their_own_take_the_time_of_both_passes() -> None:
    operand, numbers = configuration("h100-sxm")
    together, apart = (
        step_costs(operand, numbers, max_tokens=2048, mean_context_tokens=1000.0, separate_prefill=separate)
        for separate in (False, True)
    )
    assert (together.apart, apart.apart) == (False, True)
    assert slowed(apart, 2.0).apart
    busy = batch(1024)
    slow, fast = (
        simulate(busy, costs=costs, limits=EngineLimits(max_num_batched_tokens=2048))
        for costs in (apart, together)
    )
    assert slow.e2e_s[0] >= fast.e2e_s[0]
