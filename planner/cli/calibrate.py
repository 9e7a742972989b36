"""``planner calibrate``: fit what a step costs on this machine, and prove it on points the fit has not seen."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.bench.load_loop import held_out_points, reference_points
from planner.bench.records import read_facts, read_manifest, read_records
from planner.bench.steps import STANDARD_PLAN, large_enough, measure_run
from planner.bench.stream_steps import steps_of_records
from planner.cli.gguf_file import gguf_file
from planner.cli.options import BooksOption, NoColorOption, OutputOption, QuietOption, emit, screen_of
from planner.cli.synthetic_model import CACHE, synthetic_model
from planner.engines.host import usable_cpus
from planner.engines.llamacpp_session import LlamaCppSettings
from planner.errors import UsageError
from planner.inputs.books import load_books
from planner.inputs.step_results import STEPS_FILE, joined_runs, read_step_run
from planner.planning.judge.device_names import device_names
from planner.planning.judge.model_names import model_names, quantization_of
from planner.planning.prediction.calibrate import (
    check_points,
    fit_profile,
    held_out_error,
    held_out_of,
    proposed_point,
)
from planner.planning.prediction.host_speed import at_one_speed, drift_of, pooled, reference_of
from planner.report.bench.calibration import calibration_table, drift_lines, profile_yaml
from planner.report.plain import plain, to_json
from planner.specs.measured.steps import StepRun, StepSamples
from planner.specs.profiles.step import PointCheck, ProfileIdentity, ReferenceTimes, StepProfile

if TYPE_CHECKING:
    from collections.abc import Sequence


app = typer.Typer(rich_markup_mode=None)

ModelOption = Annotated[
    Path | None, typer.Option("--model", metavar="FILE.gguf", help="Measure this model file with llama.cpp.")
]
SyntheticOption = Annotated[
    str | None, typer.Option(metavar="MODEL", help="Measure this model of the book with random weights.")
]
ResultsArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Measured steps: files of steps or calibrate, folders of bench. None: measure now.",
        show_default=False,
    ),
]


@app.command()
def calibrate(
    results: ResultsArgument = None,
    *,
    model: ModelOption = None,
    synthetic: SyntheticOption = None,
    quantization: Annotated[
        str | None, typer.Option(help="Storage of the weights; q4_0 when synthetic, else read from the name.")
    ] = None,
    threads: Annotated[int, typer.Option(min=0, help="Threads of the engine; 0: all processors.")] = 0,
    keep: Annotated[Path | None, typer.Option(help="Keep the measured steps in this JSON file.")] = None,
    profile: Annotated[
        str | None, typer.Option(help="Write the profile to this YAML file; ./profiles is looked into.")
    ] = None,
    hardware: Annotated[
        str | None, typer.Option(help="The device of the book that this is, so that it is found for --gpu.")
    ] = None,
    book_model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="The model of the book that this is.")
    ] = None,
    model_cache: Annotated[Path, typer.Option(help="Folder that keeps synthetic models.")] = CACHE,
    books: BooksOption = None,
    output: OutputOption = "-",
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> None:
    """Fit step times from measured points, and show the error on points held out.

    Without results 12 points of llama.cpp are measured and fitted, and 15 others held out.
    """
    if (model is not None) + (synthetic is not None) + bool(results) != 1:
        raise UsageError(
            "say what to fit", cure="give measured results, or --model, or --synthetic: one of them"
        )
    own_books = tuple(books or ())
    if results:
        run = _read(results)
    else:
        storage = quantization or "q4_0"
        file = (
            gguf_file(model)
            if model
            else synthetic_model(synthetic or "", storage, folder=model_cache, books=own_books)
        )
        run = _measure(file, threads=threads, synthetic=model is None, keep=keep, quiet=quiet)
    identity = identity_of(
        run, model=book_model or synthetic, quantization=quantization, hardware=hardware, books=own_books
    )
    width, color = screen_of(output, no_color=no_color)
    text, _ = fitted_text(run, identity, profile=profile, width=width, color=color)
    emit(text, output)


def fitted_text(
    run: StepRun, identity: ProfileIdentity, *, profile: str | None, width: int, color: bool
) -> tuple[str, float | None]:
    """Fit the run, write the profile where one is wanted, and return the screen and the held-out error."""
    drift, even = drift_of(run), at_one_speed(run)
    fitted, checks = _fit(even, identity, reference_of(drift))
    if profile is not None:
        emit(profile_yaml(fitted), profile)
    uncorrected = _fit(pooled(run), identity)[1] if drift is not None and drift.corrected else ()
    screen = calibration_table(
        fitted,
        checks,
        [item for item in even.samples if item.unsteady],
        host=drift_lines(drift, uncorrected),
        proposed=proposed_point(even, fitted, held_out=held_out_of(even)),
        width=width,
        color=color,
    )
    return screen, held_out_error(checks)


def _fit(
    run: StepRun, identity: ProfileIdentity, reference: ReferenceTimes | None = None
) -> tuple[StepProfile, tuple[PointCheck, ...]]:
    """Fit the points of a run that are not held out, and set all of them beside the fit."""
    held_out = held_out_of(run)
    fitted = fit_profile(run, held_out=held_out, identity=identity, reference=reference)
    return fitted, check_points(fitted, run, held_out=held_out)


def identity_of(
    run: StepRun,
    *,
    model: str | None,
    quantization: str | None,
    hardware: str | None,
    books: tuple[Path, ...],
) -> ProfileIdentity:
    """Return the names of the books for what was measured: as stated, else as the names of model and GPU say."""
    shelves = load_books(*books)
    gpu = str(run.engine.flags.get("gpu") or "")
    return ProfileIdentity(
        model=shelves.models.find(model).id if model else model_names(shelves.models).find(run.engine.model),
        quantization=quantization or quantization_of(run.engine.model),
        hardware=shelves.hardware.find(hardware).id
        if hardware
        else device_names(shelves.hardware).find(gpu)
        if gpu
        else None,
    )


def _read(results: Sequence[Path]) -> StepRun:
    """Read files of steps, or the token streams of bench folders, as one run."""
    return joined_runs(
        tuple((str(path), folder_steps(path) if path.is_dir() else read_step_run(path)) for path in results)
    )


def folder_steps(folder: Path) -> StepRun:
    """Return the steps in a folder of bench: timed ones, else those found in the token streams."""
    if (folder / STEPS_FILE).is_file():
        return read_step_run(folder / STEPS_FILE)
    manifest = read_manifest(folder)
    return steps_of_records(
        read_records(folder),
        manifest,
        held_out=held_out_points(manifest),
        references=reference_points(manifest),
        facts=read_facts(folder),
    )


def _measure(file: Path, *, threads: int, synthetic: bool, keep: Path | None, quiet: bool) -> StepRun:
    settings = LlamaCppSettings(model=str(file), threads=threads or usable_cpus())
    run = measure_run(
        large_enough(settings, STANDARD_PLAN.points),
        STANDARD_PLAN.points,
        model=file.stem,
        synthetic=synthetic,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        held_out=STANDARD_PLAN.held_out,
        references=True,
        progress=None if quiet else show_progress,
    )
    if keep is not None:
        keep_run(run, keep)
    return run


def show_progress(number: int, total: int, samples: StepSamples) -> None:
    """Write one line about a measured point to stderr."""
    doubt = f"  unsteady: {'; '.join(samples.unsteady)}" if samples.unsteady else ""
    middle_s = sorted(samples.times_s)[len(samples.times_s) // 2]
    typer.echo(f"[{number}/{total}] {samples.point.label}: {middle_s * 1e3:.1f} ms{doubt}", err=True)


def keep_run(run: StepRun, path: Path) -> None:
    """Write the measured steps as JSON."""
    emit(to_json(plain(run)), str(path))
