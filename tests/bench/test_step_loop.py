from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from planner.bench.step_loop import LoopGoal, LoopResult, LoopState, StepLoop, calibrate_in_loop
from planner.bench.steps import STANDARD_PLAN
from planner.engines import llamacpp
from planner.engines.llamacpp import open_worker
from planner.engines.llamacpp_session import LlamaCppSettings
from planner.planning.prediction.calibrate import check_points, fit_profile, held_out_error, held_out_of
from planner.planning.prediction.host_speed import drift_of
from planner.planning.prediction.step_work import step_work
from planner.specs.measured.step_point import StepPoint
from planner.specs.measured.steps import StepRun, StepSamples
from tests.planning.prediction.test_calibrate import LLAMACPP, TRUTH

FAKE = (sys.executable, "-m", "tests.engines.fake_session")
SETTINGS = LlamaCppSettings(model="fake.gguf", threads=1)


@pytest.fixture(scope="module")
def worker() -> Iterator[llamacpp.LlamaCppWorker]:
    with open_worker(replace(SETTINGS, sequences=13), command=FAKE) as opened:
        yield opened


class Machine:
    """Steps of known truth; ``noise`` is its relative error, ``doubtful`` points are never steady."""

    def __init__(
        self, noise: float = 0.0, doubtful: tuple[StepPoint, ...] = (), stop_after: int = 99
    ) -> None:
        self.noise, self.doubtful, self.stop_after = noise, doubtful, stop_after
        self.asked: list[StepPoint] = []
        self.drawn = np.random.default_rng(5)

    def measure(self, _worker: object, point: StepPoint, **_: object) -> StepSamples:
        if len(self.asked) == self.stop_after:
            raise KeyboardInterrupt
        self.asked.append(point)
        time_s = float(step_work(point, LLAMACPP) @ TRUTH) * (1 + self.noise * self.drawn.normal())
        doubts = ("other processes took 50 % of the CPU",) if point in self.doubtful else ()
        return StepSamples(point=point, times_s=(time_s,) * 3, unsteady=doubts)


def run(
    worker: llamacpp.LlamaCppWorker,
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    goal: LoopGoal | None = None,
    kept: tuple[StepSamples, ...] = (),
) -> tuple[LoopResult, list[StepRun], list[LoopState]]:
    monkeypatch.setattr("planner.bench.step_loop.measure_steadily", machine.measure)
    loop = StepLoop(
        worker,
        goal or LoopGoal(),
        model="m",
        synthetic=True,
        started_at="2026-11-23T12:00:00+00:00",
        kept=kept,
    )
    runs: list[StepRun] = []
    states: list[LoopState] = []
    return loop.measure(runs.append, states.append), runs, states


def test_a_true_model_is_proven_after_the_seeds_and_six_points_held_out(
    worker: llamacpp.LlamaCppWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, kept, _ = run(worker, Machine(), monkeypatch)
    assert result.ending == "goal"
    assert (sum(item.held_out for item in result.run.samples), len(result.run.samples)) == (6, 14)
    assert result.held_out_error_fraction == pytest.approx(0.0, abs=1e-6)
    assert [len(each.samples) for each in kept] == list(range(1, 15))  # on disk after every point


def test_without_the_goal_every_point_is_visited_in_three_rounds(
    worker: llamacpp.LlamaCppWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(noise=0.05)
    result, _, states = run(worker, machine, monkeypatch, LoopGoal(error_fraction=0.0))
    assert result.ending == "all points"
    first, second, third = (machine.asked[start : start + 27] for start in (0, 27, 54))
    assert sorted(first, key=repr) == sorted(STANDARD_PLAN.points, key=repr)
    assert second == first[::-1]
    assert third == second[::-1]
    assert len(machine.asked) == 81
    assert states[-1].held_out_error_fraction == result.held_out_error_fraction


def test_an_unsteady_point_is_measured_again_in_every_round_and_never_fitted(
    worker: llamacpp.LlamaCppWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(doubtful=(STANDARD_PLAN.fit[0],))
    result, _, _ = run(worker, machine, monkeypatch, LoopGoal(error_fraction=-1.0))
    assert (
        machine.asked.count(STANDARD_PLAN.fit[0]) == 1 + 1 + 2
    )  # once, once more, and in both further rounds
    assert [item.point for item in result.run.samples if item.unsteady] == [STANDARD_PLAN.fit[0]]


def test_ctrl_c_keeps_what_was_measured(
    worker: llamacpp.LlamaCppWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, _, _ = run(worker, Machine(stop_after=5), monkeypatch)
    assert (result.ending, len(result.run.samples)) == ("interrupted", 5)
    assert result.held_out_error_fraction is None


def test_a_spent_budget_ends_the_loop(
    worker: llamacpp.LlamaCppWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, _, _ = run(worker, Machine(), monkeypatch, LoopGoal(budget_s=-1.0))
    assert (result.ending, len(result.run.samples)) == ("budget", 0)


def test_a_resumed_loop_measures_only_what_is_missing(
    worker: llamacpp.LlamaCppWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _, _ = run(worker, Machine(stop_after=9), monkeypatch)
    machine = Machine()
    second, _, _ = run(worker, machine, monkeypatch, kept=first.run.samples)
    assert (second.ending, len(machine.asked), len(second.run.samples)) == ("goal", 5, 14)


def test_the_loop_opens_and_closes_its_own_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.bench.step_loop.measure_steadily", Machine().measure)
    monkeypatch.setattr(
        "planner.bench.step_loop.open_worker", lambda settings: open_worker(settings, command=FAKE)
    )
    result = calibrate_in_loop(
        SETTINGS,
        LoopGoal(),
        model="m",
        synthetic=False,
        started_at="2026-11-23T12:00:00+00:00",
        keep=lambda _: None,
        progress=lambda _: None,
    )
    assert (result.ending, result.run.settings["sequences"]) == ("goal", 12)


class DriftingWorker:
    """A worker whose host gets slower by a half and faster again; time passes as it measures."""

    def __init__(self, worker: llamacpp.LlamaCppWorker, *, swing: float, noise: float = 0.01) -> None:
        self.facts, self.settings = worker.facts, worker.settings
        self.swing, self.noise, self.now_s = swing, noise, 0.0
        self.drawn = np.random.default_rng(3)

    def measure(self, point: StepPoint, **_: object) -> StepSamples:
        time_s = float(step_work(point, LLAMACPP) @ TRUTH)
        middle_s = self.now_s + time_s * (point.repetitions + 1) / 2
        time_s *= 1 + self.swing * float(np.sin(middle_s / 60.0)) + self.noise * self.drawn.normal()
        self.now_s += time_s * (point.repetitions + 1) + 0.2
        return StepSamples(point=point, times_s=(time_s,) * point.repetitions)


@pytest.mark.parametrize(("swing", "corrected"), [(0.3, True), (0.0, False)])
def test_a_drift_of_the_host_between_the_points_is_taken_out(
    worker: llamacpp.LlamaCppWorker, monkeypatch: pytest.MonkeyPatch, swing: float, corrected: bool
) -> None:
    monkeypatch.setattr("planner.engines.llamacpp.wait_for_quiet", lambda _: True)
    monkeypatch.setattr("planner.bench.step_loop.VISITS", 1)
    drifting = DriftingWorker(worker, swing=swing)
    loop = StepLoop(
        drifting,  # type: ignore[arg-type]  # a worker without a process
        LoopGoal(error_fraction=0.0),
        model="m",
        synthetic=True,
        started_at="2026-11-23T12:00:00+00:00",
    )
    result = loop.measure(lambda _: None, lambda _: None)
    drift = drift_of(result.run)
    assert drift is not None
    assert (drift.corrected, drift.decode.corrected, drift.prefill.corrected) == (corrected,) * 3
    assert result.held_out_error_fraction is not None
    assert result.held_out_error_fraction < 0.03
    if corrected:
        assert drift.together is not None
        assert drift.together > 0.9
        raw = fit_profile(result.run, held_out=held_out_of(result.run))
        missed = held_out_error(check_points(raw, result.run, held_out=held_out_of(result.run)))
        assert missed is not None
        assert missed > 0.08  # what the drift does where nobody looks
