from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from planner.bench.steps import STANDARD_PLAN, large_enough
from planner.cli.calibrate import app
from planner.engines.llamacpp_session import LlamaCppSettings
from planner.errors import InputError, UsageError
from planner.inputs.step_profiles import read_step_profile
from planner.inputs.step_results import joined_runs, read_step_run
from planner.report.plain import plain, to_json
from planner.specs.measured.step_point import StepPoint
from planner.specs.measured.steps import StepRun
from tests.planning.prediction.test_calibrate import run_of


@pytest.fixture
def results(tmp_path: Path) -> Path:
    path = tmp_path / "steps.json"
    path.write_text(to_json(plain(proving_run())), encoding="utf-8")
    return path


def proving_run() -> StepRun:
    run = run_of(STANDARD_PLAN.points)
    marked = (replace(item, held_out=item.point in STANDARD_PLAN.held_out) for item in run.samples)
    return replace(run, samples=tuple(marked))


def test_a_run_survives_being_written_and_read(results: Path) -> None:
    assert read_step_run(results) == proving_run()


def test_calibrate_shows_held_out_points_and_writes_a_profile(results: Path, tmp_path: Path) -> None:
    profile = tmp_path / "profile.yaml"
    shown = CliRunner().invoke(app, [str(results), "--profile", str(profile)]).stdout
    assert "m (synthetic weights), 0.3.36, EPYC" in shown
    assert "held-out decode: median error 0.0 %, worst 0.0 %, n 8" in shown
    assert "tg12 @ d128" in shown
    written = yaml.safe_load(profile.read_text(encoding="utf-8"))
    assert written["terms"]["row_group_s"]["value_s"] == pytest.approx(0.029)
    assert read_step_profile(profile).terms["row_group_s"].value_s == pytest.approx(0.029)


def test_calibrate_wants_exactly_one_thing_to_fit(results: Path) -> None:
    for arguments in ([], [str(results), "--synthetic", "llama-3.2-1b"]):
        assert isinstance(CliRunner().invoke(app, arguments).exception, UsageError)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{}", "a run of schema planner.steps/1"),
        (None, "a readable file"),
    ],
)
def test_a_file_that_is_no_run_is_refused_at_its_place(
    content: str | None, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "steps.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_step_run(path)
    assert refused.value.faults[0].expected == expected


def test_the_context_is_just_large_enough_for_every_point() -> None:
    points = (
        StepPoint(sequences=8, context_tokens=256, repetitions=10),
        StepPoint(sequences=4, context_tokens=500, prompt_tokens=64, repetitions=4),
    )
    made = large_enough(LlamaCppSettings(model="m", threads=2), points)
    assert (made.sequences, made.context_tokens) == (8, 8 * 505)


def test_several_results_are_fitted_together_when_they_are_of_one_engine() -> None:
    run = run_of(STANDARD_PLAN.fit)
    assert len(joined_runs([("a", run), ("b", run)]).samples) == 24
    other = replace(run, engine=replace(run.engine, version="0.3.37"))
    with pytest.raises(UsageError, match=r"a and b are of different engines: .* 0.3.36 and .* 0.3.37"):
        joined_runs([("a", run), ("b", other)])
