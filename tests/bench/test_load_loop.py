from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.bench.load import plan_point
from planner.bench.load_loop import CANDIDATES, FIRST, LoadLoop, held_out_points, with_point
from planner.specs.measured.load import LoadPoint
from planner.specs.measured.measurement import RequestRecord, RunManifest
from tests.bench.priced_server import manifest, serve

TRUTH = np.array([0.020, 0.002, 0.0, 0.001, 8e-6, 1e-6, 0.0, 0.004, 0.0])


def records_of(point: LoadPoint, number: int, noise: float = 0.0) -> list[RequestRecord]:
    """Serve a closed loop as arrivals that keep its clients busy, more or less."""
    plans = plan_point(point, np.random.default_rng(point.seed))
    gap_s = 8.0 / (point.concurrency or 1) + (20.0 if point.concurrency == 1 else 0.0)
    arrival_s = np.linspace(0.0, gap_s * (len(plans) - 1), len(plans))
    sizes = [(plan.input_tokens, plan.output_tokens) for plan in plans]
    prices = TRUTH * (1 + noise * np.random.default_rng(number).normal(size=len(TRUTH)))
    return serve(prices, arrival_s, sizes, slots=point.concurrency or 1, point=number)


def climb(goal: float, noise: float = 0.0) -> tuple[LoadLoop, RunManifest]:
    loop, told = LoadLoop(goal, longest_tokens=None, seed=3), manifest()
    records: list[RequestRecord] = []
    while (point := loop.next_point(records, told)) is not None:
        records += records_of(point, len(told.points), noise)
        told = with_point(told, point, loop)
    return loop, told


def test_a_true_model_is_proven_with_the_first_loads() -> None:
    loop, told = climb(goal=0.05)
    assert len(told.points) == len(FIRST)
    assert loop.held_out_error_fraction == pytest.approx(0.0, abs=0.01)
    assert held_out_points(told) == (2, 3)


def test_a_model_that_is_not_proven_gets_every_load() -> None:
    loop, told = climb(goal=0.0, noise=0.1)
    assert len(told.points) == len(FIRST) + len(CANDIDATES)
    assert loop.held_out_error_fraction is not None
    assert loop.held_out_error_fraction > 0.005


def test_requests_of_a_loop_drift_apart() -> None:
    loop = LoadLoop(0.05, longest_tokens=None, seed=3)
    points = [loop.next_point([], manifest()) for _ in FIRST]
    assert [len(point.output_tokens.values) for point in points if point] == [1, 3, 1, 3]


def test_loads_longer_than_the_server_takes_are_left_out() -> None:
    loop = LoadLoop(0.05, longest_tokens=300, seed=3)
    points = [loop.next_point([], manifest()) for _ in range(2)]
    assert [max(point.input_tokens.values) for point in points if point] == [256, 160]


def test_a_run_that_was_not_made_for_a_calibration_holds_nothing_out() -> None:
    assert held_out_points(manifest()) == ()
    assert held_out_points(replace(manifest(), settings={"held_out_points": "1,4"})) == (1, 4)
