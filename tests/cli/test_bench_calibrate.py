from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from planner.cli.bench import app
from planner.cli.calibrate import app as calibrate_app
from planner.engines.llamacpp import open_worker
from planner.errors import EXIT_FINDING, EXIT_INTERRUPTED, UsageError
from planner.inputs.step_profiles import read_step_profile
from planner.inputs.step_results import read_step_run
from tests.bench.test_step_loop import FAKE, Machine
from tests.engines.fake_session import fake_gguf


def calibrate(
    folder: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch, *arguments: str, engine: str = "llamacpp"
) -> Result:
    monkeypatch.setattr("planner.bench.step_loop.measure_steadily", machine.measure)
    monkeypatch.setattr(
        "planner.bench.step_loop.open_worker", lambda settings: open_worker(settings, command=FAKE)
    )
    model = fake_gguf(folder.parent)
    given = ("--calibrate", "--engine", engine, "--model", str(model), "--output", str(folder))
    return CliRunner().invoke(app, [*given, *arguments])


def test_the_loop_shows_its_points_and_leaves_steps_and_a_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = calibrate(tmp_path / "run", Machine(), monkeypatch, "--book-model", "llama-3.2-1b")
    assert done.exit_code == 0
    assert "held-out decode: median error 0.0 %, worst 0.0 %, n 3" in done.stdout
    assert "[14] tg4 @ d128 (held out): 70 ms, error 0.0 %" in done.stderr
    assert "stopped: the held-out error is within 5.0 %" in done.stderr
    profile = read_step_profile(tmp_path / "run" / "profile.yaml")
    assert (profile.model, profile.points, profile.held_out_points) == ("llama-3.2-1b", 8, 6)
    again = CliRunner().invoke(calibrate_app, [str(tmp_path / "run")])
    assert "held-out decode: median error 0.0 %" in again.stdout


def test_ctrl_c_leaves_what_was_measured_and_resume_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    stopped = calibrate(folder, Machine(stop_after=9), monkeypatch)
    assert stopped.exit_code == EXIT_INTERRUPTED
    assert "interrupted; what was measured is kept" in stopped.stderr
    assert len(read_step_run(folder / "steps.json").samples) == 9
    refused = calibrate(folder, Machine(), monkeypatch)
    assert isinstance(refused.exception, UsageError)
    assert refused.exception.cure == "choose another --output, or add --resume"
    assert calibrate(folder, Machine(), monkeypatch, "--resume", "--quiet").exit_code == 0
    assert len(read_step_run(folder / "steps.json").samples) == 14


def test_ctrl_c_before_a_fit_is_possible_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = calibrate(tmp_path / "run", Machine(stop_after=3), monkeypatch)
    assert (stopped.exit_code, stopped.stdout) == (EXIT_INTERRUPTED, "")
    assert len(read_step_run(tmp_path / "run" / "steps.json").samples) == 3


def test_strict_makes_a_missed_goal_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noisy = Machine(noise=0.1)
    done = calibrate(tmp_path / "run", noisy, monkeypatch, "--goal", "0.001", "--strict", "--quiet")
    assert done.exit_code == EXIT_FINDING
    assert done.stderr == ""


@pytest.mark.parametrize("option", [("--rate", "1"), ("--concurrency", "4"), ("--find-max-rate",)])
def test_options_of_other_runs_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: tuple[str, ...]
) -> None:
    refused = calibrate(tmp_path / "run", Machine(), monkeypatch, *option)
    assert isinstance(refused.exception, UsageError)
    assert option[0] in refused.exception.message


def test_without_a_folder_nothing_is_measured() -> None:
    refused = CliRunner().invoke(app, ["--calibrate", "--engine", "llamacpp", "--model", "m.gguf"])
    assert isinstance(refused.exception, UsageError)
    assert refused.exception.cure == "add --output DIR"


@pytest.mark.slow
def test_a_server_is_calibrated_from_its_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = calibrate(tmp_path / "run", Machine(), monkeypatch, "--quiet", engine="fake")
    assert done.exit_code == 0
    # the fake engine gives the first token after 20 ms and every other after 5 ms, whatever the load
    profile = read_step_profile(tmp_path / "run" / "profile.yaml")
    assert profile.decode.median_error_fraction < 0.1
    assert (profile.kind, profile.range.prompt_tokens) == ("openai", (32, 512))
