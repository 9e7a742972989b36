from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from planner.cli.doctor import app
from planner.engines import host
from planner.errors import EngineError
from planner.specs.measured.host import GpuFacts


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "BANDWIDTH_BUFFER_BYTES", 8 * 1024**2)
    monkeypatch.setattr(host.memory_bandwidth_bytes_per_s, "__defaults__", (0.01,))


def _no_gpu() -> tuple[GpuFacts, ...]:
    raise EngineError("looking at GPUs needs nvidia-ml-py")


def _one_gpu() -> tuple[GpuFacts, ...]:
    return (
        GpuFacts(
            index=0, name="NVIDIA L4", memory_bytes=24 * 1024**3, memory_used_bytes=1024**3, driver="575.1"
        ),
    )


def test_doctor_names_what_is_missing_with_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "gpus", _no_gpu)
    monkeypatch.setattr(host, "vllm_command", lambda: None)
    monkeypatch.setitem(host.EXTRAS, "vLLM", ("no-such-distribution", "vllm", "bench a vLLM"))
    shown = CliRunner().invoke(app, []).stdout
    assert "GB/s (one thread, copy, measured)" in shown
    assert "none: looking at GPUs needs nvidia-ml-py" in shown
    assert "pip install 'llm-capacity-planner[vllm]'" in shown


def test_doctor_knows_a_vllm_of_another_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "gpus", _no_gpu)
    monkeypatch.setitem(host.EXTRAS, "vLLM", ("no-such-distribution", "vllm", "bench a vLLM"))
    monkeypatch.delitem(host.EXTRAS, "NVML")  # of the same extra, and not installed everywhere
    monkeypatch.setenv(host.EXECUTABLE_VARIABLE, "/elsewhere/bin/vllm")
    shown = " ".join(CliRunner().invoke(app, []).stdout.split())
    assert "vLLM a command bench a vLLM" in shown
    assert "llm-capacity-planner[vllm]" not in shown


def test_doctor_lists_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "gpus", _one_gpu)
    assert "NVIDIA L4, 1.00 GiB of 24.00 GiB used, driver 575.1" in CliRunner().invoke(app, []).stdout


def test_doctor_writes_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "gpus", _no_gpu)
    document = json.loads(CliRunner().invoke(app, ["--format", "json"]).stdout)
    assert document["schema"] == "planner.doctor/1"
    assert document["memory_bandwidth_bytes_per_s"] > 1e8
    assert {extra["name"] for extra in document["extras"]} == set(host.EXTRAS)


def test_doctor_offers_only_formats_that_it_writes() -> None:
    assert "--format <table|json>" in " ".join(CliRunner().invoke(app, ["--help"]).stdout.split())
    refused = CliRunner().invoke(app, ["--format", "csv"])
    assert (refused.exit_code, "is not one of 'table', 'json'" in refused.stderr) == (2, True)
