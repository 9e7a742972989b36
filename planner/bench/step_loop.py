"""Measure steps until the fit is proven: seeds first, then by turns the most informative point and one held out.

References are measured between the points. When all points are measured and the goal is not reached, they are visited
again in the other order, as long as the budget lasts, so that what a drift did to one visit is seen in the others.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from planner.bench.reference import ReferencedWorker
from planner.bench.steps import PATIENCE_S, STANDARD_PLAN, large_enough, run_of_worker
from planner.engines.llamacpp import LlamaCppWorker, measure_steadily, open_worker
from planner.engines.llamacpp_session import LlamaCppSettings
from planner.planning.prediction.calibrate import (
    FEWEST_POINTS,
    check_points,
    fit_profile,
    held_out_error,
    held_out_of,
    most_informative,
)
from planner.planning.prediction.host_speed import at_one_speed
from planner.records import dataclass
from planner.specs.measured.step_point import StepPoint
from planner.specs.measured.steps import StepRun, StepSamples
from planner.units import Count

FIRST_HELD_OUT = 6
VISITS = 3  # of each point, where goal and budget leave the time (chosen)
ATTEMPTS = 2  # at a visit: an unsteady point comes again later, when the host may be quieter (chosen)
POINTS_IN_A_BUDGET = 30  # so that waiting for a quiet machine before one point cannot take the whole budget
# Cheap points that span every term: short and long prompts, a continued one, one to eight sequences, two depths.
SEEDS = tuple(STANDARD_PLAN.fit[number] for number in (0, 1, 2, 3, 4, 5, 7, 10))
HELD_OUT = tuple(
    STANDARD_PLAN.held_out[number] for number in (1, 10, 3, 6, 4, 9, 0, 12, 2, 8, 5, 11, 14, 7, 13)
)

Ending = Literal["goal", "budget", "all points", "interrupted"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopGoal:
    """When to stop: the worse of the held-out medians of prefill and decode, or the time."""

    error_fraction: float = 0.05
    budget_s: float = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopState:
    """How far a loop has come: what was measured last, the error on held-out points, the time since its start."""

    samples: StepSamples
    measured: Count
    held_out_error_fraction: float | None
    elapsed_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopResult:
    """All that was measured, why the loop ended, and the last error on held-out points."""

    run: StepRun
    ending: Ending
    held_out_error_fraction: float | None


Keep = Callable[[StepRun], None]
Progress = Callable[[LoopState], None]


class StepLoop:
    """The loop over one worker. What was measured before (``kept``) is not measured again."""

    def __init__(
        self,
        worker: LlamaCppWorker,
        goal: LoopGoal,
        *,
        model: str,
        synthetic: bool,
        started_at: str,
        kept: Sequence[StepSamples] = (),
    ) -> None:
        self._worker, self._goal = worker, goal
        self._labels = {"model": model, "synthetic": synthetic, "started_at": started_at}
        self._measuring = ReferencedWorker(worker)
        self._samples = [item for item in kept if not item.unsteady]
        self._start_s = time.monotonic()

    @property
    def run(self) -> StepRun:
        """Return what was measured so far."""
        return run_of_worker(self._worker, self._samples, **self._labels)  # type: ignore[arg-type]  # as in __init__

    def measure(self, keep: Keep, progress: Progress, *, patience_s: float = PATIENCE_S) -> LoopResult:
        """Measure until the goal, the budget or Ctrl-C; ``keep`` is called after each point."""
        ending: Ending = "all points"
        try:
            for point, held_out in self._next_points():
                if self._elapsed_s() > self._goal.budget_s:
                    ending = "budget"
                    break
                found = measure_steadily(self._measuring, point, attempts=ATTEMPTS, patience_s=patience_s)
                measured = replace(found, held_out=held_out)
                self._take(measured)
                keep(self.run)
                error = self._error()
                progress(self._state(measured, error))
                if error is not None and error <= self._goal.error_fraction and self._is_proven():
                    ending = "goal"
                    break
        except KeyboardInterrupt:
            ending = "interrupted"
        return LoopResult(run=self.run, ending=ending, held_out_error_fraction=self._error())

    def _next_points(self) -> Iterator[tuple[StepPoint, bool]]:
        """Yield what to measure next, and whether it is held out; then what was unsteady, and all in rounds."""
        yield from ((point, False) for point in SEEDS if not self._has(point))
        yield from ((point, True) for point in HELD_OUT[:FIRST_HELD_OUT] if not self._has(point))
        while True:
            fit = [point for point in STANDARD_PLAN.fit if not self._has(point, steady=False)]
            proof = [point for point in HELD_OUT if not self._has(point, steady=False)]
            if not fit and not proof:
                break
            if fit:
                yield self._best(fit), False
            if proof:
                yield proof[0], True
        yield from ((item.point, item.held_out) for item in tuple(self._samples) if item.unsteady)
        order = tuple({item.point: item.held_out for item in self._samples}.items())
        for _ in range(VISITS - 1):
            order = order[::-1]
            visits = Counter(item.point for item in self._samples)
            yield from ((point, held_out) for point, held_out in order if visits[point] < VISITS)

    def _take(self, measured: StepSamples) -> None:
        """Keep a visit, unless it was unsteady where another was steady."""
        rest = [item for item in self._samples if item.point != measured.point or not item.unsteady]
        if not measured.unsteady or all(item.point != measured.point for item in rest):
            self._samples = [*rest, measured]

    def _best(self, candidates: Sequence[StepPoint]) -> StepPoint:
        run = at_one_speed(self.run)
        used = [item.point for item in run.samples if not item.held_out and not item.unsteady]
        if len(used) < FEWEST_POINTS:
            return candidates[0]
        return most_informative(candidates, used, fit_profile(run, held_out=held_out_of(run)))

    def _has(self, point: StepPoint, *, steady: bool = True) -> bool:
        return any(item.point == point and not (steady and item.unsteady) for item in self._samples)

    def _error(self) -> float | None:
        """Return the held-out error, ``None`` while there are too few steady points."""
        run = at_one_speed(self.run)
        held_out = held_out_of(run) if any(item.held_out for item in run.samples) else frozenset()
        used = [
            item for number, item in enumerate(run.samples) if number not in held_out and not item.unsteady
        ]
        if len(used) < FEWEST_POINTS:
            return None
        return held_out_error(check_points(fit_profile(run, held_out=held_out), run, held_out=held_out))

    def _is_proven(self) -> bool:
        proof = {item.point for item in self._samples if item.held_out and not item.unsteady}
        return len(proof) >= FIRST_HELD_OUT

    def _state(self, last: StepSamples, error: float | None) -> LoopState:
        return LoopState(
            samples=last,
            measured=len(self._samples),
            held_out_error_fraction=error,
            elapsed_s=self._elapsed_s(),
        )

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._start_s


def calibrate_in_loop(
    settings: LlamaCppSettings,
    goal: LoopGoal,
    *,
    model: str,
    synthetic: bool,
    started_at: str,
    keep: Keep,
    progress: Progress,
    kept: Sequence[StepSamples] = (),
) -> LoopResult:
    """Measure in one fresh worker until the goal is reached, the budget ends, or Ctrl-C."""
    with open_worker(large_enough(settings, STANDARD_PLAN.points)) as worker:
        loop = StepLoop(worker, goal, model=model, synthetic=synthetic, started_at=started_at, kept=kept)
        patience_s = min(PATIENCE_S, goal.budget_s / POINTS_IN_A_BUDGET)
        return loop.measure(keep, progress, patience_s=patience_s)
