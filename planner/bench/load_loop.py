"""Load points that calibrate a server: which come first, which prove the fit, and which tells most next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planner.bench.load import ramp_requests
from planner.bench.stream_steps import steps_of_records
from planner.errors import EngineError
from planner.planning.prediction.calibrate import check_points, fit_profile, held_out_error, most_informative
from planner.records import dataclass
from planner.specs.measured.load import LoadPoint, TokenLengths
from planner.specs.measured.measurement import RequestRecord, RunManifest
from planner.specs.measured.step_point import StepPoint
from planner.units import Count

HELD_OUT_SETTING = "held_out_points"  # of the manifest, so that a later calibrate holds out the same


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


FIRST = (
    _Load(1, (32, 128, 512), 32, 15),
    _Load(4, (64, 256), 64, 24),
    _Load(1, (64, 256), 32, 10, held_out=True),
    _Load(3, (48, 160), 48, 18, held_out=True),
)
CANDIDATES = (
    _Load(2, (384,), 64, 10),
    _Load(8, (32, 128), 96, 32),
    _Load(2, (1024,), 96, 8),
    _Load(16, (64,), 64, 48),
)


class LoadLoop:
    """What to measure next on a server, from what its token streams have shown."""

    def __init__(self, goal_fraction: float, *, longest_tokens: int | None, seed: int) -> None:
        self.held_out_error_fraction: float | None = None
        self._goal, self._seed = goal_fraction, seed
        room = longest_tokens or max(load.longest_tokens for load in CANDIDATES)
        self._first = [load for load in FIRST if load.longest_tokens <= room]
        self._later = [load for load in CANDIDATES if load.longest_tokens <= room]
        self._held_out: list[int] = []
        self._measured = 0

    @property
    def held_out(self) -> str:
        """Return the numbers of the load points that prove the fit, as the manifest keeps them."""
        return ",".join(str(number) for number in self._held_out)

    def next_point(self, records: Sequence[RequestRecord], manifest: RunManifest) -> LoadPoint | None:
        """Return the load to measure next; ``None`` when the goal is reached or nothing is left."""
        if self._first:
            return self._point(self._first.pop(0))
        run = steps_of_records(records, manifest, held_out=self._held_out)
        numbers = [number for number, item in enumerate(run.samples) if item.held_out]
        try:
            fitted = fit_profile(run, held_out=numbers)
        except EngineError:  # too few steady steps so far: another load is the cure
            return self._point(self._later.pop(0)) if self._later else None
        self.held_out_error_fraction = held_out_error(check_points(fitted, run, held_out=numbers))
        reached = self.held_out_error_fraction is not None and self.held_out_error_fraction <= self._goal
        if reached or not self._later:
            return None
        used = [item.point for item in run.samples if not item.held_out and not item.unsteady]
        chosen = most_informative([load.step() for load in self._later], used, fitted)
        best = next(load for load in self._later if load.step() == chosen)
        self._later.remove(best)
        return self._point(best)

    def _point(self, load: _Load) -> LoadPoint:
        if load.held_out:
            self._held_out.append(self._measured)
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
    text = str(manifest.settings.get(HELD_OUT_SETTING) or "")
    return tuple(int(number) for number in text.split(",") if number)


def with_point(manifest: RunManifest, point: LoadPoint, loop: LoadLoop) -> RunManifest:
    """Return the manifest with one point more."""
    return replace(
        manifest,
        points=(*manifest.points, point),
        settings=manifest.settings | {HELD_OUT_SETTING: loop.held_out},
    )
