from __future__ import annotations

from pathlib import Path

import pytest

from planner.cli import bench_run, synthetic_model
from planner.cli.bench_run import with_synthetic_model
from planner.errors import UsageError

OPTIONS = {
    "model": None,
    "synthetic": "llama-3.2-1b",
    "quantization": "q4_0",
    "engine": "llamacpp",
    "engine_args": "",
}


def test_a_synthetic_gguf_is_taken_from_the_folder_that_has_it(tmp_path: Path) -> None:
    kept = tmp_path / "llama-3.2-1b-q4_0.gguf"
    kept.write_bytes(b"kept")
    assert synthetic_model.synthetic_model("llama-3.2-1b", "q4_0", folder=tmp_path) == kept
    assert kept.read_bytes() == b"kept"


def test_a_folder_for_vllm_is_written_from_the_model_book(tmp_path: Path) -> None:
    folder = synthetic_model.synthetic_folder("llama-3.2-1b", folder=tmp_path)
    assert (folder / "config.json").is_file()


def test_bench_names_the_synthetic_model_and_asks_vllm_for_dummy_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bench_run, "synthetic_model", lambda name, quantization: f"{name}-{quantization}")
    monkeypatch.setattr(bench_run, "synthetic_folder", lambda name: f"folder-{name}")
    assert with_synthetic_model(OPTIONS)["model"] == "llama-3.2-1b-q4_0"
    launched = with_synthetic_model(OPTIONS | {"engine": "vllm", "engine_args": "--enforce-eager"})
    assert launched["model"] == "folder-llama-3.2-1b"
    assert launched["engine_args"] == "--load-format dummy --enforce-eager"


@pytest.mark.parametrize("wrong", [{"engine": "openai"}, {"model": "named-as-well"}])
def test_a_synthetic_model_needs_an_engine_that_loads_it(wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="--synthetic"):
        with_synthetic_model(OPTIONS | wrong)


def test_without_a_synthetic_model_the_options_stay_as_they_are() -> None:
    plain = OPTIONS | {"synthetic": None, "model": "m"}
    assert with_synthetic_model(plain) == plain
