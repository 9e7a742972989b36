"""``planner calibrate``: fit what a step costs on this machine, and prove it on points the fit has not seen."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.options import BooksOption, NoColorOption, OutputOption, QuietOption, emit, screen_of
from planner.cli.synthetic_model import CACHE, synthetic_model
from planner.errors import UsageError

if TYPE_CHECKING:
    from planner.specs.steps import StepRun, StepSamples

app = typer.Typer(rich_markup_mode=None)

ModelOption = Annotated[
    Path | None, typer.Option("--model", metavar="FILE.gguf", help="Measure this model file with llama.cpp.")
]
SyntheticOption = Annotated[
    str | None, typer.Option(metavar="MODEL", help="Measure this model of the book with random weights.")
]


@app.command()
def calibrate(
    results: Annotated[
        Path | None, typer.Argument(help="A file of measured steps; none: measure now.")
    ] = None,
    *,
    model: ModelOption = None,
    synthetic: SyntheticOption = None,
    quantization: Annotated[str, typer.Option(help="Storage of the synthetic weights.")] = "q4_0",
    threads: Annotated[int, typer.Option(min=0, help="Threads of the engine; 0: all processors.")] = 0,
    keep: Annotated[Path | None, typer.Option(help="Keep the measured steps in this JSON file.")] = None,
    profile: Annotated[str | None, typer.Option(help="Write the profile to this YAML file.")] = None,
    model_cache: Annotated[Path, typer.Option(help="Folder that keeps synthetic models.")] = CACHE,
    books: BooksOption = None,
    output: OutputOption = "-",
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> None:
    """Fit step times of llama.cpp from 12 measured points, and show the error on 15 points held out."""
    from planner.bench.steps import STANDARD_PLAN
    from planner.inputs.step_results import read_step_run
    from planner.planning.calibrate import check_points, fit_profile
    from planner.report.calibration import calibration_table, profile_yaml

    if sum(given is not None for given in (results, model, synthetic)) != 1:
        raise UsageError(
            "say what to fit", cure="give a results file, or --model, or --synthetic: one of them"
        )
    if results is not None:
        run = read_step_run(results)
    else:
        file = (
            model
            if model is not None
            else synthetic_model(synthetic or "", quantization, folder=model_cache, books=tuple(books or ()))
        )
        run = _measure(file, threads=threads, synthetic=model is None, quiet=quiet)
    if keep is not None:
        _keep(run, keep)
    held_out = [n for n, item in enumerate(run.samples) if item.point in STANDARD_PLAN.held_out]
    fitted = fit_profile(run, held_out=held_out)
    if profile is not None:
        emit(profile_yaml(fitted), profile)
    checks = check_points(fitted, run, held_out=held_out)
    unsteady = [item for item in run.samples if item.unsteady]
    width, color = screen_of(output, no_color=no_color)
    emit(calibration_table(fitted, checks, unsteady, width=width, color=color), output)


def _measure(file: Path, *, threads: int, synthetic: bool, quiet: bool) -> StepRun:
    from planner.bench.steps import STANDARD_PLAN, large_enough, measure_run
    from planner.engines.host import usable_cpus
    from planner.engines.llamacpp_session import LlamaCppSettings

    points = STANDARD_PLAN.fit + STANDARD_PLAN.held_out
    settings = large_enough(LlamaCppSettings(model=str(file), threads=threads or usable_cpus()), points)
    return measure_run(
        settings,
        points,
        model=file.stem,
        synthetic=synthetic,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        progress=None if quiet else show_progress,
    )


def show_progress(number: int, total: int, samples: StepSamples) -> None:
    """Write one line about a measured point to stderr."""
    doubt = f"  unsteady: {'; '.join(samples.unsteady)}" if samples.unsteady else ""
    middle_s = sorted(samples.times_s)[len(samples.times_s) // 2]
    typer.echo(f"[{number}/{total}] {samples.point.label}: {middle_s * 1e3:.1f} ms{doubt}", err=True)


def _keep(run: StepRun, path: Path) -> None:
    from planner.report.plain import plain, to_json

    emit(to_json(plain(run)), str(path))
