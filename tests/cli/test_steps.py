from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from planner.bench import steps as bench_steps
from planner.cli.steps import app, points_of
from planner.engines.llamacpp import open_worker
from planner.engines.synthetic import write_gguf
from planner.errors import UsageError
from planner.inputs.step_results import read_step_run
from planner.report.bench.steps import step_rate
from planner.specs.measured.step_point import StepPoint
from planner.specs.measured.steps import StepSamples
from tests.engines.fake_session import fake_gguf
from tests.engines.shapes import tiny

FAKE = (sys.executable, "-m", "tests.engines.fake_session")


@pytest.fixture
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_steps, "open_worker", lambda settings: open_worker(settings, command=FAKE))


def test_a_rate_is_all_tokens_over_all_time() -> None:
    # 4 tokens in 0.1 s and in 0.3 s: 8 tokens in 0.4 s; the single rates 40 and 13.3 deviate by 26.7/sqrt(2)
    found = step_rate(StepSamples(point=StepPoint(sequences=4, repetitions=2), times_s=(0.1, 0.3)))
    assert found.tokens_per_s == pytest.approx(20.0)
    assert found.deviation_tokens_per_s == pytest.approx(18.856, rel=1e-3)


def test_one_step_has_no_deviation() -> None:
    single = StepSamples(point=StepPoint(prompt_tokens=8, repetitions=1), times_s=(0.5,))
    assert step_rate(single).deviation_tokens_per_s is None


def test_points_are_prompts_then_batches_at_every_depth() -> None:
    points = points_of("64,128", "2", "0,32", generate=7, repetitions=3)
    labels = [point.label for point in points]
    assert labels == ["pp64", "pp64 @ d32", "pp128", "pp128 @ d32", "tg2", "tg2 @ d32"]
    assert [point.repetitions for point in points] == [3, 3, 3, 3, 7, 7]


@pytest.mark.parametrize(("prompt", "depth"), [("0", "0"), ("a", "0"), ("8", "-1"), ("8,", "0")])
def test_a_bad_list_is_refused(prompt: str, depth: str) -> None:
    with pytest.raises(UsageError, match="bad --"):
        points_of(prompt, "1", depth, generate=1, repetitions=1)


@pytest.mark.usefixtures("_fake")
def test_the_table_shows_rates_of_known_step_times(tmp_path: Path) -> None:
    model = fake_gguf(tmp_path)
    arguments = [
        str(model),
        "--prompt",
        "3000",
        "--batch",
        "4",
        "--generate",
        "6",
        "--patience",
        "0",
        "--quiet",
    ]
    shown = CliRunner().invoke(app, arguments).stdout
    assert "fake (real weights), fake 1" in shown
    assert (
        next(line for line in shown.splitlines() if line.startswith("pp3000")).split()[1] == "997"
    )  # 3000 / 3.01 s
    assert (
        next(line for line in shown.splitlines() if line.startswith("tg4")).split()[1] == "286"
    )  # 4 / 14 ms


def test_a_file_that_is_not_there_is_named_before_the_engine_starts() -> None:
    error = CliRunner().invoke(app, ["m.gguf"]).exception
    assert isinstance(error, UsageError)
    assert error.message == "cannot read the model m.gguf: No such file or directory"


def test_only_formats_that_it_writes_are_offered() -> None:
    refused = CliRunner().invoke(app, ["m.gguf", "--format", "csv"])
    assert refused.exit_code == 2
    assert "'csv' is not one of 'table', 'json'" in refused.stderr


@pytest.mark.llamacpp
def test_llama_cpp_is_timed_and_a_synthetic_file_is_labelled(tmp_path: Path) -> None:
    model = write_gguf(tiny("llama"), "q4_0", tmp_path / "model.gguf", seed=1)
    out = tmp_path / "steps.json"
    arguments = [str(model), "--prompt", "16,2500", "--batch", "1,3", "--depth", "0,8", "--generate", "8"]
    result = CliRunner().invoke(app, [*arguments, "--patience", "0", "--format", "json", "-o", str(out)])
    assert result.exit_code == 0, result.exception
    run = read_step_run(out)
    assert run.engine.synthetic
    assert len(run.samples) == 8
    assert all(min(samples.times_s) > 0 for samples in run.samples)
