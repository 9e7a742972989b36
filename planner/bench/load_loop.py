"""Load points that calibrate a server: which come first, which prove the fit, and which tells most next.

A short reference load comes before each of them and after the last, so that a drift of the host's speed is seen. When
all loads are measured and the goal is not reached, they are visited again in the other order, as long as time is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from planner.bench.load import ramp_requests
from planner.bench.stream_steps import steps_of_records
from planner.errors import EngineError
from planner.planning.prediction.calibrate import (
    check_points,
    fit_profile,
    held_out_error,
    held_out_of,
    most_informative,
)
from planner.planning.prediction.host_speed import at_one_speed
from planner.records import dataclass
from planner.specs.measured.load import HELD_OUT_SETTING, REFERENCE_SETTING, LoadPoint, TokenLengths
from planner.specs.measured.measurement import PointFacts, RequestRecord, RunManifest, Setting
from planner.specs.measured.step_point import StepPoint
from planner.specs.measured.steps import StepRun
from planner.units import Count, percent

VISITS = 6  # of each load, where goal and budget leave the time (chosen)


@dataclass(frozen=True, slots=True)
class _Load:
    """A closed loop in short: clients, prompt lengths, answer length, requests."""

    concurrency: Count
    input_tokens: tuple[int, ...]
    output_tokens: int
    requests: Count
    held_out: bool = False

    @property
    def longest_tokens(self) -> int:
        """Return the longest prompt with the longest answer."""
        return max(self.input_tokens) + max(_answers(self))

    def step(self) -> StepPoint:
        """Return the step that stands for the load: everyone decodes beside one prompt, halfway through an answer."""
        prompt = max(self.input_tokens)
        others = self.concurrency - 1
        context = prompt + self.output_tokens // 2 if others else 0
        return StepPoint(sequences=others, context_tokens=context, prompt_tokens=prompt)


# One client at a time decodes and prefills alone; three short answers and their prompts take one to two seconds on a CPU.
REFERENCE = _Load(1, (64,), 20, 3)
# Those that prove the fit lie between those of the fit in prompt, clients and depth, and take their turns with them.
FIRST = (
    _Load(1, (32, 128, 512), 20, 9),
    _Load(1, (64, 256), 24, 6, held_out=True),
    _Load(4, (64, 256), 32, 12),
    _Load(3, (48, 160), 32, 9, held_out=True),
    _Load(8, (32, 128), 32, 20),
    _Load(6, (80,), 32, 15, held_out=True),
)
CANDIDATES = (
    _Load(2, (384,), 48, 6),
    _Load(2, (1024,), 64, 4),
    _Load(16, (64,), 32, 40),
)
LATER_HELD_OUT = (_Load(2, (640,), 48, 5, held_out=True), _Load(12, (48,), 32, 30, held_out=True))


class LoadLoop:
    """What to measure next on a server, from what its token streams have shown."""

    def __init__(
        self, goal_fraction: float, manifest: RunManifest, *, longest_tokens: int | None, seed: int
    ) -> None:
        self.held_out_error_fraction: float | None = None
        self._goal, self._seed = goal_fraction, seed
        self._room = longest_tokens
        self._run: StepRun | None = None
        self._loads = self._in_turn()
        self._held_out = list(held_out_points(manifest))
        self._references = list(reference_points(manifest))
        self._measured = len(manifest.points)  # of a run that goes on, some

    @property
    def settings(self) -> dict[str, Setting]:
        """Return which load points prove the fit and which are references, as the manifest keeps them."""
        return {
            HELD_OUT_SETTING: ",".join(map(str, self._held_out)),
            REFERENCE_SETTING: ",".join(map(str, self._references)),
        }

    def next_point(
        self, records: Sequence[RequestRecord], manifest: RunManifest, facts: Sequence[PointFacts] = ()
    ) -> LoadPoint | None:
        """Return the load to measure next; ``None`` when the goal is reached or nothing is left."""
        if not self._references or self._references[-1] < self._measured - 1:
            self._references.append(self._measured)
            return self._point(REFERENCE)
        self._run = at_one_speed(
            steps_of_records(
                records, manifest, held_out=self._held_out, references=self._references, facts=facts
            )
        )
        load = next(self._loads, None)
        if load is None:
            return None
        if load.held_out:
            self._held_out.append(self._measured)
        return self._point(load)

    @property
    def role(self) -> str:
        """Name the point that was asked for last, and what is known so far."""
        number = self._measured - 1
        if number in self._references:
            return "reference"
        error = self.held_out_error_fraction
        known = "" if error is None else f", held-out error {percent(error, 1)}"
        return f"{'held-out load' if number in self._held_out else 'load'}{known}"

    def _in_turn(self) -> Iterator[_Load]:
        """Yield the loads, those that prove the fit by turns with the others, then all again in the other order."""
        first, later, proof = map(self._fitting, (FIRST, CANDIDATES, LATER_HELD_OUT))
        done = list(first)
        yield from first
        while not self._is_proven() and (later or proof):
            done.append(self._best(later) if len(later) > len(proof) else proof[0])
            rest = later if done[-1] in later else proof
            rest.remove(done[-1])
            yield done[-1]
        for _ in range(VISITS - 1):
            done.reverse()
            for load in done:
                if self._is_proven():
                    return
                yield load

    def _fitting(self, loads: Sequence[_Load]) -> list[_Load]:
        return [load for load in loads if self._room is None or load.longest_tokens <= self._room]

    def _is_proven(self) -> bool:
        """Tell whether the steps held out are within the goal."""
        run = self._run
        held_out = held_out_of(run) if run and any(item.held_out for item in run.samples) else ()
        self.held_out_error_fraction = None
        try:
            if run is not None:
                checks = check_points(fit_profile(run, held_out=held_out), run, held_out=held_out)
                self.held_out_error_fraction = held_out_error(checks)
        except EngineError:  # too few steady steps so far: another load is the cure
            return False
        return self.held_out_error_fraction is not None and self.held_out_error_fraction <= self._goal

    def _best(self, loads: Sequence[_Load]) -> _Load:
        """Return the load that the measured steps support least; the first while they are too few for a fit."""
        if self._run is None or self.held_out_error_fraction is None:
            return loads[0]
        used = [item.point for item in self._run.samples if not item.held_out and not item.unsteady]
        fitted = fit_profile(self._run, held_out=held_out_of(self._run))
        chosen = most_informative([load.step() for load in loads], used, fitted)
        return next(load for load in loads if load.step() == chosen)

    def _point(self, load: _Load) -> LoadPoint:
        self._measured += 1
        return LoadPoint(
            kind="closed",
            requests=load.requests,
            input_tokens=TokenLengths(values=load.input_tokens),
            output_tokens=TokenLengths(values=_answers(load)),
            concurrency=load.concurrency,
            ramp_requests=ramp_requests(load.requests, load.concurrency),
            seed=self._seed + self._measured,
        )


def _answers(load: _Load) -> tuple[int, ...]:
    """Return answer lengths; several, so that requests drift apart and prompts meet decoding sequences."""
    middle = load.output_tokens
    return (middle,) if load.concurrency == 1 else (middle // 2, middle, middle * 3 // 2)


def held_out_points(manifest: RunManifest) -> tuple[int, ...]:
    """Return the load points of a run that prove the fit; none when it was not made for a calibration."""
    return _numbers(manifest, HELD_OUT_SETTING)


def reference_points(manifest: RunManifest) -> tuple[int, ...]:
    """Return the load points of a run that tell the host's speed; none when it was not made for a calibration."""
    return _numbers(manifest, REFERENCE_SETTING)


def _numbers(manifest: RunManifest, setting: str) -> tuple[int, ...]:
    text = str(manifest.settings.get(setting) or "")
    return tuple(int(number) for number in text.split(",") if number)


def with_point(manifest: RunManifest, point: LoadPoint, loop: LoadLoop) -> RunManifest:
    """Return the manifest with one point more."""
    return replace(manifest, points=(*manifest.points, point), settings=manifest.settings | loop.settings)
