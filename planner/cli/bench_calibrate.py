"""``planner bench --calibrate``: measure, fit, look at the held-out error, measure where it tells most, until proven."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import typer

from planner.bench.step_loop import LoopGoal, LoopResult, LoopState, calibrate_in_loop
from planner.bench.telemetry import on_gpus
from planner.cli.bench_options import Given
from planner.cli.bench_run import bench_run, run_from_options, take_gpus
from planner.cli.calibrate import fitted_text, folder_steps, identity_of, keep_run
from planner.cli.options import emit, screen_of
from planner.engines.llamacpp_engine import launch_settings
from planner.errors import EXIT_FINDING, EXIT_INTERRUPTED, UsageError
from planner.inputs.step_results import STEPS_FILE, read_step_run
from planner.planning.prediction.calibrate import FEWEST_POINTS
from planner.report.numbers import duration, percent
from planner.specs.measured.steps import StepRun, StepSamples

PROFILE_FILE = "profile.yaml"


def calibrate_from_options(given: Given) -> int:
    """Measure in a loop, show the fit, write it into the folder, and return the exit code."""
    folder = _folder(given)
    if given["engine"] == "llamacpp":
        run, interrupted = _steps(given, folder)
    else:
        interrupted = run_from_options(given).interrupted
        run = folder_steps(folder)
    if interrupted and sum(not item.unsteady for item in run.samples) < FEWEST_POINTS:
        return EXIT_INTERRUPTED  # too few to fit; they are in the folder
    identity = identity_of(
        run,
        model=given["book_model"] or given["synthetic"],
        quantization=given["quantization"] if given["synthetic"] and given["engine"] == "llamacpp" else None,
        hardware=given["hardware"],
        books=(),
    )
    width, color = screen_of("-", no_color=given["no_color"])
    text, error = fitted_text(run, identity, profile=str(folder / PROFILE_FILE), width=width, color=color)
    emit(text, "-")
    if interrupted:
        return EXIT_INTERRUPTED
    missed = error is None or error > given["goal"]
    return EXIT_FINDING if missed and given["strict"] else 0


def _folder(given: Given) -> Path:
    """Return where to keep what is measured.

    Raises
    ------
    UsageError
        If there is no such place, or the options are those of another kind of run.
    """
    folder: Path | None = given["output"]
    if folder is None:
        raise UsageError("--calibrate keeps what it measures", cure="add --output DIR")
    for option in ("find_max_rate", "trace", "scenario", "concurrency", "rate"):
        if given[option]:
            raise UsageError(
                f"--calibrate chooses its own loads, so --{option.replace('_', '-')} has no place",
                cure="leave it out",
            )
    return folder


def _steps(given: Given, folder: Path) -> tuple[StepRun, bool]:
    """Time steps of llama.cpp in process; what the folder holds already is not measured again."""
    run = bench_run(given | {"resume": False})  # a resumed loop has no manifest to go by: its steps say all
    if run.calibration is None:
        raise UsageError("--calibrate is missing")
    path = folder / STEPS_FILE
    kept = _kept(path, resume=given["resume"])
    folder.mkdir(parents=True, exist_ok=True)
    goal = run.calibration
    gpus = take_gpus(run) if given["gpu"] else ()

    def named(measured: StepRun) -> StepRun:
        return replace(measured, engine=on_gpus(measured.engine, gpus))

    result = calibrate_in_loop(
        launch_settings(run.options),
        goal,
        model=Path(run.options.model).stem,
        synthetic=run.options.synthetic,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        keep=lambda measured: keep_run(named(measured), path),
        progress=lambda state: None if given["quiet"] else _say(state, goal),
        kept=kept,
    )
    if not given["quiet"]:
        typer.echo(_ending(result, goal), err=True)
    return named(result.run), result.ending == "interrupted"


def _kept(path: Path, *, resume: bool) -> tuple[StepSamples, ...]:
    if not path.is_file():
        return ()
    if not resume:
        raise UsageError(
            f"{path.parent} already holds steps", cure="choose another --output, or add --resume"
        )
    return read_step_run(path).samples


def _say(state: LoopState, goal: LoopGoal) -> None:
    """Write one line about a measured point to stderr: its time, the error so far, the time left."""
    samples = state.samples
    middle_s = sorted(samples.times_s)[len(samples.times_s) // 2]
    role = "held out" if samples.held_out else "fit"
    error = (
        "" if state.held_out_error_fraction is None else f", error {percent(state.held_out_error_fraction)}"
    )
    doubt = f"  unsteady: {'; '.join(samples.unsteady)}" if samples.unsteady else ""
    left = duration(max(0.0, goal.budget_s - state.elapsed_s))
    typer.echo(
        f"[{state.measured}] {samples.point.label} ({role}): {duration(middle_s)}{error}, {left} left{doubt}",
        err=True,
    )


def _ending(result: LoopResult, goal: LoopGoal) -> str:
    reasons = {
        "goal": f"the held-out error is within {percent(goal.error_fraction)}",
        "budget": "the time is spent",
        "all points": "every point is measured",
        "interrupted": "interrupted; what was measured is kept",
    }
    return f"stopped: {reasons[result.ending]}"
