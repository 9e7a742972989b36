from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import sin

import numpy as np
import pytest

from planner.bench.load import plan_point
from planner.bench.load_loop import (
    CANDIDATES,
    FIRST,
    LATER_HELD_OUT,
    REFERENCE,
    LoadLoop,
    held_out_points,
    reference_points,
    with_point,
)
from planner.bench.stream_steps import steps_of_records
from planner.planning.prediction.calibrate import check_points, fit_profile, held_out_error, held_out_of
from planner.planning.prediction.host_speed import at_one_speed, drift_of
from planner.specs.measured.load import LoadPoint
from planner.specs.measured.measurement import RequestRecord, RunManifest
from planner.specs.measured.steps import StepRun
from tests.bench.priced_server import manifest, serve

TRUTH = np.array([0.020, 0.002, 0.0, 0.001, 8e-6, 1e-6, 0.0, 0.004, 0.0])
LOADS = len(FIRST) + len(CANDIDATES) + len(LATER_HELD_OUT)
Slowness = Callable[[int], float]


def still(_number: int) -> float:
    return 1.0


def records_of(point: LoadPoint, number: int, slowness: Slowness = still) -> list[RequestRecord]:
    """Serve a closed loop as arrivals that keep its clients busy, more or less."""
    plans = plan_point(point, np.random.default_rng(point.seed))
    gap_s = 8.0 / (point.concurrency or 1) + (20.0 if point.concurrency == 1 else 0.0)
    arrival_s = np.linspace(0.0, gap_s * (len(plans) - 1), len(plans))
    sizes = [(plan.input_tokens, plan.output_tokens) for plan in plans]
    return serve(TRUTH * slowness(number), arrival_s, sizes, slots=point.concurrency or 1, point=number)


def climb(
    goal: float, slowness: Slowness = still, *, most: int = 1000
) -> tuple[LoadLoop, RunManifest, list[RequestRecord]]:
    told = manifest()
    loop = LoadLoop(goal, told, longest_tokens=None, seed=3)
    records: list[RequestRecord] = []
    while len(told.points) < most and (point := loop.next_point(records, told)) is not None:
        records += records_of(point, len(told.points), slowness)
        told = with_point(told, point, loop)
    return loop, told, records


def test_a_true_model_is_proven_with_the_first_loads() -> None:
    loop, told, _ = climb(goal=0.05)
    assert len(told.points) == 2 * len(FIRST) + 1  # a reference before each load, and after the last
    assert loop.held_out_error_fraction == pytest.approx(0.0, abs=0.01)
    assert held_out_points(told) == (3, 7, 11)
    assert reference_points(told) == tuple(range(0, 13, 2))


def test_a_model_that_is_not_proven_gets_every_load_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.bench.load_loop.VISITS", 2)
    loop, told, _ = climb(goal=0.0, slowness=lambda number: 1 + 0.1 * sin(9.0 * number))
    assert len(told.points) == 2 * LOADS * 2 + 1
    assert loop.held_out_error_fraction is not None
    assert loop.held_out_error_fraction > 0.005
    loads = told.points[1::2]
    first, second = ([each.input_tokens for each in loads[at : at + LOADS]] for at in (0, LOADS))
    assert second == first[::-1]
    assert len({each.seed for each in told.points}) == len(told.points)  # no prompt comes twice


def drifting(number: int) -> float:
    """Return a host that becomes 35 % slower over the first half of a round, and fast again."""
    return 1.0 + 0.35 * sin(number / 7.0) ** 2


def step_run(told: RunManifest, records: list[RequestRecord], *, references: bool) -> StepRun:
    numbers = reference_points(told)
    loads = [each for each in records if references or each.point not in numbers]
    return steps_of_records(
        loads, told, held_out=held_out_points(told), references=numbers if references else ()
    )


def test_references_take_the_drift_of_a_host_out_of_the_prices_of_a_server() -> None:
    _, told, records = climb(goal=0.0, slowness=drifting, most=2 * LOADS + 1)
    run = step_run(told, records, references=True)
    drift = drift_of(run)
    assert drift is not None
    assert (drift.references, drift.decode.corrected, drift.prefill.corrected) == (LOADS + 1, True, True)
    assert drift.decode.swing > 1.2

    def error(run: StepRun) -> float:
        held_out = held_out_of(run)
        return (
            held_out_error(check_points(fit_profile(run, held_out=held_out), run, held_out=held_out)) or 0.0
        )

    without = step_run(told, records, references=False)
    assert error(at_one_speed(without)) > 0.05
    assert error(at_one_speed(run)) < 0.03
    found = fit_profile(at_one_speed(run)).terms
    fixed_s = drift.decode.middle_s / (TRUTH[0] + TRUTH[1] + TRUTH[3] + 74 * TRUTH[4]) * TRUTH[0]
    assert found["pass_s"].value_s == pytest.approx(fixed_s, rel=0.05)


def test_requests_of_a_loop_drift_apart() -> None:
    loop = LoadLoop(0.05, manifest(), longest_tokens=None, seed=3)
    points = [loop.next_point([], manifest()) for _ in range(7)][1::2]
    assert [len(point.output_tokens.values) for point in points if point] == [1, 1, 3]


def test_loads_longer_than_the_server_takes_are_left_out() -> None:
    loop = LoadLoop(0.05, manifest(), longest_tokens=300, seed=3)
    points = [loop.next_point([], manifest()) for _ in range(4)][1::2]
    assert [max(point.input_tokens.values) for point in points if point] == [256, 160]


def test_a_server_that_shows_no_steps_gets_every_load_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.bench.load_loop.VISITS", 1)
    loop, told = LoadLoop(0.05, manifest(), longest_tokens=None, seed=3), manifest()
    while (point := loop.next_point([], told)) is not None:
        told = with_point(told, point, loop)
    assert len(told.points) == 2 * LOADS + 1
    assert loop.held_out_error_fraction is None


def test_a_run_that_goes_on_begins_with_a_reference_and_keeps_its_numbers() -> None:
    _, told, _ = climb(goal=0.0, most=4)
    assert (held_out_points(told), reference_points(told)) == ((3,), (0, 2))
    loop = LoadLoop(0.0, told, longest_tokens=None, seed=3)
    point = loop.next_point([], told)
    assert point is not None
    assert point.input_tokens.values == REFERENCE.input_tokens
    assert loop.role == "reference"
    told = with_point(told, point, loop)
    assert reference_points(told) == (0, 2, 4)
    assert loop.next_point([], told) is not None
    assert loop.role == "load"


def test_the_error_so_far_is_told_beside_a_load() -> None:
    loop, told, _ = climb(goal=0.0, most=2 * len(FIRST) + 4)
    assert held_out_points(told)[-1] == 15  # the second load after the first ones proves them
    assert loop.role.startswith("held-out load, held-out error ")


def test_a_run_that_was_not_made_for_a_calibration_holds_nothing_out() -> None:
    assert held_out_points(manifest()) == reference_points(manifest()) == ()
    assert held_out_points(replace(manifest(), settings={"held_out_points": "1,4"})) == (1, 4)
