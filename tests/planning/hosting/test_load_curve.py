"""Many configurations at once: the same as one by one, and what the simulator sees."""

import math
from dataclasses import fields
from functools import cache

import numpy as np
import pytest

from planner.formulas.hosting import replicas_needed
from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.hosting.capacity import capacities, latency_at
from planner.planning.hosting.configurations import Configuration, Workbench, stacked, steady_states
from planner.planning.hosting.load_curve import load_curves
from planner.planning.hosting.load_steps import Demand, demand_of, spread_sigma
from planner.planning.hosting.peak_simulation import simulated_peak
from planner.planning.prediction.predict import predict
from planner.planning.workload.workload import token_stats, workload_of
from planner.specs.answers.prediction import PredictRequest
from planner.specs.books.books import Books
from planner.specs.scenario.scenario import Slo
from planner.specs.scenario.traffic import TokenSizes
from planner.specs.scenario.workload import TokenStats
from tests.strategies import built

ROWS = (
    ("llama-3.1-8b", "h100-sxm", "fp8", 1),
    ("llama-3.1-8b", "l40s", "bf16", 1),
    ("llama-3.1-70b", "h100-sxm", "fp8", 2),
    ("llama-3.1-70b", "h200-sxm", "bf16", 8),
    ("qwen3-30b-a3b", "b200-sxm", "bf16", 2),
)


@cache
def bookshelf() -> Books:
    return load_books()


@cache
def bench() -> Workbench:
    return Workbench(profiles=load_serving_profiles(), memory_profile=load_vllm_memory())


def configuration(model: str, gpu: str, quantization: str, gpus: int, engine: str = "vllm") -> Configuration:
    books = bookshelf()
    found = bench().configuration(
        books.models.find(model),
        books.hardware.find(gpu),
        engine=engine,
        quantization=quantization,
        kv_dtype="auto",
        gpus=gpus,
    )
    assert isinstance(found, Configuration), found
    return found


@cache
def rows() -> tuple[Configuration, ...]:
    return tuple(configuration(*row) for row in ROWS)


def sizes(mean: float, p95: float | None = None) -> TokenStats:
    return token_stats(TokenSizes(mean=mean, p95=p95))


CHAT = Demand(prompt=sizes(mean=1800, p95=4000), answer=sizes(mean=220, p95=400), burstiness=1.0)
PLAIN = Demand(prompt=sizes(mean=2000), answer=sizes(mean=400), burstiness=1.0)
BURSTS = Demand(prompt=sizes(mean=700, p95=1500), answer=sizes(mean=300, p95=700), burstiness=2.5)


def test_configurations_side_by_side_give_what_predict_gives_one_by_one() -> None:
    concurrency = np.array([1.0, 7.0, 64.0, 200.0])
    states = steady_states(
        stacked(rows(), tokens=2400.0), concurrency=concurrency, input_tokens=2000.0, output_tokens=400.0
    )
    for row, configured in enumerate(rows()):
        for column, running in enumerate(concurrency):
            alone = predict(
                bench().architecture(configured.model),
                configured.hardware,
                PredictRequest(
                    quantization=configured.quantization,
                    tensor_parallel=configured.gpus,
                    input_tokens=2000.0,
                    output_tokens=400.0,
                    concurrency=float(running),
                ),
                profiles=bench().profiles,
                memory_profile=bench().memory_profile,
            )
            assert np.broadcast_to(states.tpot_s, (5, 4))[row, column] == pytest.approx(
                alone.tpot_s.value, rel=1e-3
            )
            rate = np.broadcast_to(states.requests_per_s, (5, 4))[row, column]
            assert rate == pytest.approx(alone.requests_per_s.value, rel=1e-3)


def test_every_coefficient_and_operand_has_a_column() -> None:
    stack = stacked(rows(), tokens=2400.0)
    assert {np.shape(getattr(stack.operand, each.name)) for each in fields(stack.operand)} == {(5, 1)}
    assert {np.shape(value) for value in stack.coefficients.values()} == {(5, 1)}


def test_more_load_is_never_faster_and_the_whole_answer_takes_longer_than_its_first_token() -> None:
    curves = load_curves(rows(), CHAT)
    for times in (curves.ttft_s, curves.tpot_s, curves.e2e_s, curves.requests_per_s):
        assert (np.diff(times, axis=1) > -1e-9 * times[:, 1:]).all()
    assert (curves.e2e_s > curves.ttft_s).all()


def test_an_idle_replica_is_as_fast_as_the_steady_state_of_one_request() -> None:
    curves = load_curves(rows(), PLAIN)
    alone = steady_states(
        stacked(rows(), tokens=2400.0), concurrency=1.0, input_tokens=2000.0, output_tokens=400.0
    )
    assert curves.tpot_s[:, 0] == pytest.approx(np.ravel(alone.tpot_s), rel=0.05)
    assert curves.ttft_s[:, 0] == pytest.approx(np.ravel(alone.ttft_s), rel=0.15)


def test_percentiles_by_formula_are_those_of_the_simulator() -> None:
    """At 30 and 85 % of what the pool lets in, bursts included. Over 448 points of seven configurations and
    workloads like these the formula is off by 7 % (TTFT), 5 % (TPOT) and 3 % (e2e) at the median."""
    errors = []
    for demand in (PLAIN, CHAT, BURSTS):
        curves = load_curves(rows(), demand)
        for row in (0, 2):
            full = curves.requests_per_s[row][curves.used_fraction[row] <= 1][-1]
            for share in (0.3, 0.85):
                formula = latency_at(rows()[row], curves, row, full * share)
                seen = simulated_peak(rows()[row], demand, full * share, Slo(), requests=2000)
                errors.append(
                    [
                        formula.ttft_s.value / seen.ttft_s - 1,
                        formula.tpot_s.value / seen.tpot_s - 1,
                        formula.e2e_s.value / seen.e2e_s - 1,
                    ]
                )
    assert (np.median(np.abs(errors), axis=0) < (0.08, 0.07, 0.05)).all()
    assert (np.abs(np.median(errors, axis=0)) < (0.07, 0.05, 0.04)).all()
    assert (np.max(np.abs(errors), axis=0) < (0.3, 0.3, 0.2)).all()


def test_prompts_that_take_most_of_the_time_delay_answers_which_then_meet_more_of_them() -> None:
    """Two steps a prompt on an A100, half of the time and more: without the delay cycle 42 % low at 80 % of the pool."""
    demand = Demand(prompt=sizes(mean=3000, p95=8000), answer=sizes(mean=150, p95=400), burstiness=1.0)
    busy = (configuration("llama-3.1-8b", "a100-80-sxm", "bf16", 1),)
    curves = load_curves(busy, demand)
    full = curves.requests_per_s[0][curves.used_fraction[0] <= 1][-1]
    for share in (0.6, 0.8):
        formula = latency_at(busy[0], curves, 0, full * share)
        seen = simulated_peak(busy[0], demand, full * share, Slo(), requests=3000)
        assert 0.68 < formula.tpot_s.value / seen.tpot_s < 1.15
        assert 0.85 < formula.e2e_s.value / seen.e2e_s < 1.15


def test_hidden_tokens_are_answered_like_visible_ones_and_listed_sizes_keep_their_spread() -> None:
    document = {
        "name": "chat",
        "traffic": {"requests_per_day": 1000.0},
        "prompt": {
            "input_tokens": {"values": (500.0, 3000.0), "weights": (9.0, 1.0)},
            "output_tokens": 100.0,
            "reasoning_tokens": 300.0,
        },
        "models": ({"model": "openai/gpt-4o-mini"},),
    }
    demand = demand_of(workload_of(built(document), {}))
    assert (demand.prompt.mean, demand.answer.mean) == (750.0, 400.0)
    assert spread_sigma(demand.prompt) == pytest.approx(np.log(6.0) / 1.645, rel=1e-3)
    assert spread_sigma(demand.answer) == 0.0


def test_a_configuration_is_worked_out_once_and_an_impossible_one_says_why() -> None:
    assert configuration(*ROWS[0]) is configuration(*ROWS[0])
    books = bookshelf()
    refused = bench().configuration(
        books.models.find("llama-3.1-8b"),
        books.hardware.find("h100-sxm"),
        engine="vllm",
        quantization="bf16",
        kv_dtype="auto",
        gpus=3,
    )
    assert isinstance(refused, str)


@pytest.mark.parametrize(("row", "peak_requests_per_s"), [(0, 100.0), (1, 20.0), (2, 20.0)])
def test_the_replicas_by_formula_are_those_that_the_simulator_finds(
    row: int, peak_requests_per_s: float
) -> None:
    """With the plan's headroom of a fifth the formula asks for at least as many, and for few more."""
    slo = Slo(ttft_p95_ms=2000, tpot_p95_ms=60)

    def holds(replicas: int) -> bool:
        each = peak_requests_per_s / replicas
        return simulated_peak(rows()[row], CHAT, each, slo, requests=1200).holds

    simulated = next(replicas for replicas in range(1, 50) if holds(replicas))
    each = capacities(rows(), load_curves(rows(), CHAT), slo)[row].requests_per_s.value
    planned = replicas_needed(peak_requests_per_s, each, 0.8)
    assert simulated <= planned <= math.ceil(simulated * 1.5) + 1
