"""Measured steps in rows like llama-bench's: tokens per second and their deviation, on the screen and as JSON."""

from __future__ import annotations

from statistics import median, stdev

from planner.records import dataclass
from planner.report.numbers import duration, rate
from planner.report.screen import grid, render
from planner.specs.measured.steps import StepRun, StepSamples
from planner.units import Count


@dataclass(frozen=True, kw_only=True, slots=True)
class StepRate:
    """The rate of one point: all tokens over all time, and how single steps deviate from it."""

    label: str
    steps: Count
    tokens_per_s: float
    deviation_tokens_per_s: float | None
    median_step_s: float
    unsteady: tuple[str, ...]


def step_rate(samples: StepSamples) -> StepRate:
    """Return the rate of a point; its deviation is ``None`` for a single step."""
    tokens = samples.point.sequences + samples.point.prompt_tokens
    rates = [tokens / time_s for time_s in samples.times_s]
    return StepRate(
        label=samples.point.label,
        steps=len(rates),
        tokens_per_s=tokens * len(rates) / sum(samples.times_s),
        deviation_tokens_per_s=stdev(rates) if len(rates) > 1 else None,
        median_step_s=median(samples.times_s),
        unsteady=samples.unsteady,
    )


def steps_table(run: StepRun, *, width: int, color: bool) -> str:
    """Lay out one row per point, then what was unsteady."""
    table = grid("test", "tok/s", "± deviation", "median step", "steps", "steady")
    found = [step_rate(samples) for samples in run.samples]
    for row in found:
        deviation = "-" if row.deviation_tokens_per_s is None else rate(row.deviation_tokens_per_s)
        steady = "no" if row.unsteady else "yes"
        table.add_row(
            row.label, rate(row.tokens_per_s), deviation, duration(row.median_step_s), str(row.steps), steady
        )
    weights = "synthetic weights" if run.engine.synthetic else "real weights"
    threads = run.settings.get("threads")
    title = f"{run.engine.model} ({weights}), {run.engine.version}, {threads} threads, {run.machine.cpu}"
    doubts = [f"unsteady: {row.label}: {'; '.join(row.unsteady)}" for row in found if row.unsteady]
    return render(title, "", table, *doubts, width=width, color=color)
