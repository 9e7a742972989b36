"""Measure the steps of llama.cpp that a calibration needs: which points, in which context, by whom."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, replace

from planner import __version__
from planner.bench.reference import ReferencedWorker
from planner.engines.host import machine_facts
from planner.engines.llamacpp import LlamaCppWorker, StepWorker, engine_facts, measure_steadily, open_worker
from planner.engines.llamacpp_session import LlamaCppSettings
from planner.engines.synthetic import SYNTHETIC_NAME
from planner.records import dataclass
from planner.specs.measured.step_point import StepPoint
from planner.specs.measured.steps import StepRun, StepSamples

PATIENCE_S = 20.0  # waiting for a quiet machine before each attempt at a point
ProgressFn = Callable[[int, int, StepSamples], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class StepPlan:
    """The points of a calibration: those the fit may use, and those held out to prove it."""

    fit: tuple[StepPoint, ...]
    held_out: tuple[StepPoint, ...]

    @property
    def points(self) -> tuple[StepPoint, ...]:
        """Return all points, in the order in which they are measured."""
        return self.fit + self.held_out


# 12 points that move each term of the step model on its own: prompts short and long, fresh and continued; one to
# eight sequences, shallow and deep, with sequence counts that do and do not fill the kernels' rows of four; one mixed.
STANDARD_PLAN = StepPlan(
    fit=(
        StepPoint(prompt_tokens=16, repetitions=8),
        StepPoint(prompt_tokens=128, repetitions=4),
        StepPoint(prompt_tokens=512, repetitions=3),
        StepPoint(prompt_tokens=128, prompt_offset_tokens=512, repetitions=4),
        StepPoint(sequences=1, repetitions=24),
        StepPoint(sequences=1, context_tokens=1024, repetitions=16),
        StepPoint(sequences=2, context_tokens=256, repetitions=12),
        StepPoint(sequences=3, context_tokens=64, repetitions=12),
        StepPoint(sequences=4, context_tokens=512, repetitions=12),
        StepPoint(sequences=7, context_tokens=64, repetitions=10),
        StepPoint(sequences=8, context_tokens=256, repetitions=10),
        StepPoint(sequences=8, context_tokens=256, prompt_tokens=64, repetitions=4),
    ),
    held_out=(
        StepPoint(prompt_tokens=32, repetitions=5),
        StepPoint(prompt_tokens=64, repetitions=4),
        StepPoint(prompt_tokens=256, repetitions=3),
        StepPoint(prompt_tokens=384, repetitions=3),
        StepPoint(prompt_tokens=256, prompt_offset_tokens=256, repetitions=3),
        StepPoint(prompt_tokens=64, prompt_offset_tokens=768, repetitions=4),
        StepPoint(sequences=1, context_tokens=512, repetitions=16),
        StepPoint(sequences=1, context_tokens=768, repetitions=16),
        StepPoint(sequences=2, context_tokens=512, repetitions=12),
        StepPoint(sequences=4, context_tokens=128, repetitions=12),
        StepPoint(sequences=5, context_tokens=256, repetitions=10),
        StepPoint(sequences=6, context_tokens=128, repetitions=10),
        StepPoint(sequences=8, context_tokens=512, repetitions=8),
        StepPoint(sequences=12, context_tokens=128, repetitions=8),
        StepPoint(sequences=4, context_tokens=256, prompt_tokens=128, repetitions=4),
    ),
)


def large_enough(settings: LlamaCppSettings, points: tuple[StepPoint, ...]) -> LlamaCppSettings:
    """Return the settings with a context that is just large enough for every point."""
    sequences = max(point.sequences + (1 if point.prompt_tokens else 0) for point in points)
    longest = max(_longest(point) for point in points)
    return replace(settings, sequences=sequences, context_tokens=sequences * (longest + 1))


def measure_run(
    settings: LlamaCppSettings,
    points: tuple[StepPoint, ...],
    *,
    model: str,
    synthetic: bool,
    started_at: str,
    held_out: Collection[StepPoint] = (),
    patience_s: float = PATIENCE_S,
    references: bool = False,
    progress: ProgressFn | None = None,
) -> StepRun:
    """Measure every point in one fresh worker process and return the run, with references between them if wanted.

    It is labelled synthetic when the caller says so, or when the file itself does.
    """
    with open_worker(settings) as worker:
        measuring: StepWorker = ReferencedWorker(worker) if references else worker
        samples = []
        for number, point in enumerate(points):
            measured = measure_steadily(measuring, point, patience_s=patience_s)
            samples.append(replace(measured, held_out=point in held_out))
            if progress:
                progress(number + 1, len(points), samples[-1])
        return run_of_worker(worker, samples, model=model, synthetic=synthetic, started_at=started_at)


def run_of_worker(
    worker: LlamaCppWorker, samples: Sequence[StepSamples], *, model: str, synthetic: bool, started_at: str
) -> StepRun:
    """Return the run that a worker has measured."""
    made_up = synthetic or worker.facts.name.startswith(SYNTHETIC_NAME)
    return StepRun(
        started_at=started_at,
        planner_version=__version__,
        machine=machine_facts(),
        engine=engine_facts(worker, model=model, synthetic=made_up),
        model_bytes=worker.facts.model_bytes,
        model_parameters=worker.facts.parameters,
        settings={key: value for key, value in asdict(worker.settings).items() if key != "model"},
        samples=tuple(samples),
    )


def _longest(point: StepPoint) -> int:
    """Context one sequence of the point needs, the untimed first step included."""
    return max(point.context_tokens + point.repetitions, point.prompt_offset_tokens + point.prompt_tokens)
