"""``planner estimate`` with step profiles that the project has measured itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from planner.bench.steps import STANDARD_PLAN
from planner.cli.estimate import app
from planner.cli.predict import app as predict_app
from planner.cli.simulate import app as simulate_app
from planner.engines.host import gpus
from planner.inputs.books import load_books
from planner.planning.prediction.calibrate import fit_profile
from planner.report.bench.calibration import profile_yaml
from planner.specs.profiles.step import ProfileIdentity
from tests.engines.fake_nvml import fake_nvml
from tests.planning.prediction.test_calibrate import run_of

SCENARIO = """
name: measured
traffic: {requests_per_day: 2000}
prompt: {input_tokens: 200, output_tokens: 64}
models: [{model: openai/gpt-4o-mini, share: 1.0}]
hosting:
  api: {}
  edge: {model: llama-3.2-1b, devices: [l4], quantization: q4_0, quality_equivalent: true}
  self_hosted:
    {models: [llama-3.2-1b], gpus: [l4], quantization: [bf16], tensor_parallel: 1, quality_equivalent: true}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "s.yaml").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "profiles").mkdir()
    model = load_books().models.find("llama-3.2-1b").id
    for kind, quantization in (("llamacpp", "q4_0"), ("vllm", "bf16")):
        named = ProfileIdentity(model=model, quantization=quantization, hardware="l4")
        fitted = fit_profile(run_of(STANDARD_PLAN.fit), identity=named).model_copy(update={"kind": kind})
        (tmp_path / "profiles" / f"{kind}.yaml").write_text(profile_yaml(fitted), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def options(*arguments: str) -> dict[str, dict[str, Any]]:
    done = CliRunner().invoke(app, ["s.yaml", "--format", "json", *arguments])
    estimate = json.loads(done.stdout)
    rows = [row for row in estimate["recommendation"]["options"] if row.get("tpot_s")]
    return {row["kind"]: row for row in rows}


@pytest.mark.usefixtures("project")
def test_measured_profiles_of_the_folder_are_used_and_named() -> None:
    found = options()
    assert {kind: row["profile"] for kind, row in found.items()} == {
        "edge": "profiles/llamacpp.yaml",
        "self_hosted": "profiles/vllm.yaml",
    }
    assert found["self_hosted"]["grade"] == "interpolated"
    # one sequence at 232 tokens of context: 1 ms a pass, 12 ms a lone row, 9 ms an output, 233 · 7.5 µs of context
    assert found["edge"]["tpot_s"]["value"] == pytest.approx(0.001 + 0.012 + 0.009 + 233 * 7.5e-6, rel=1e-3)


@pytest.mark.usefixtures("project")
def test_profile_none_leaves_them_out_and_a_file_takes_one_only() -> None:
    without = options("--profile", "none")
    assert without["edge"]["grade"] in {"fitted", "datasheet"}
    assert without["self_hosted"]["profile"].startswith("vllm-")
    one = options("--profile", "profiles/llamacpp.yaml")
    assert one["edge"]["grade"] == "interpolated"
    assert one["self_hosted"] == without["self_hosted"]


@pytest.mark.usefixtures("project")
def test_the_screen_says_which_measurement_stands_behind_the_figures() -> None:
    screen = CliRunner().invoke(app, ["s.yaml"]).stdout
    assert "with profiles/" in screen


@pytest.mark.usefixtures("project")
def test_a_profile_of_this_gpu_with_another_driver_warns_in_every_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml())
    gpu, driver = gpus()[0].name, gpus()[0].driver
    path = Path("profiles/llamacpp.yaml")
    measured = (
        path.read_text(encoding="utf-8").replace("EPYC", gpu).replace("driver: null", "driver: '535.1'")
    )
    path.write_text(measured, encoding="utf-8")
    message = f"profiles/llamacpp.yaml was measured with driver 535.1, here is {driver}"
    question = ["--engine", "llamacpp", "--model", "llama-3.2-1b", "--gpu", "l4", "--quantization", "q4_0"]
    for command, arguments in (
        (app, ["s.yaml"]),
        (predict_app, question),
        (simulate_app, [*question, "--rate", "0.01", "--requests", "5", "--input-tokens", "128"]),
    ):
        shown = CliRunner().invoke(command, arguments)
        assert message in " ".join(shown.output.split())
    path.write_text(measured.replace(gpu, "NVIDIA T4"), encoding="utf-8")  # not a GPU of this machine
    assert "was measured with driver" not in CliRunner().invoke(app, ["s.yaml"]).output
