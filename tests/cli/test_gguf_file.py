from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from planner.cli.bench import app as bench_app
from planner.cli.calibrate import app as calibrate_app
from planner.cli.gguf_file import gguf_file, model_folder
from planner.errors import UsageError


def refusal(path: Path) -> tuple[str, str | None]:
    with pytest.raises(UsageError) as refused:
        gguf_file(path)
    return refused.value.message, refused.value.cure


def test_a_missing_file_names_the_one_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "llama-q4_0.gguf").write_bytes(b"GGUF")
    message, cure = refusal(tmp_path / "lama-q4_0.gguf")
    assert message == f"cannot read the model {tmp_path}/lama-q4_0.gguf: No such file or directory"
    assert cure == "did you mean llama-q4_0.gguf?"
    assert refusal(tmp_path / "x")[1] == "there are: llama-q4_0.gguf"
    assert gguf_file(tmp_path / "llama-q4_0.gguf").name == "llama-q4_0.gguf"


def test_without_any_model_the_cure_is_to_write_one(tmp_path: Path) -> None:
    assert "bench --synthetic MODEL" in (refusal(tmp_path / "nowhere" / "m.gguf")[1] or "")


def test_a_folder_and_another_kind_of_file_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path)[0] == f"{tmp_path} is a folder, not a GGUF file"
    text = tmp_path / "model.gguf"
    text.write_text("not a model", encoding="utf-8")
    assert refusal(text)[0] == f"{text} is not a GGUF file: it does not begin with GGUF"


def test_a_path_that_vllm_cannot_load_is_refused_before_it_starts(tmp_path: Path) -> None:
    given = ["--engine", "vllm", "--model"]
    for path, why in ((tmp_path / "none", "is no folder"), (tmp_path, "has no config.json")):
        refused = CliRunner().invoke(bench_app, [*given, str(path)]).exception
        assert isinstance(refused, UsageError)
        assert refused.message == f"cannot load the model {path}: it {why}"
    (tmp_path / "config.json").touch()
    for path in (tmp_path, tmp_path / "config.json"):
        assert model_folder(str(path)) == str(path)
    assert model_folder("org/model") == "org/model"


@pytest.mark.parametrize(
    "arguments",
    [
        (bench_app, "--engine", "llamacpp"),
        (bench_app, "--calibrate", "--engine", "llamacpp", "--output", "out"),
        (calibrate_app,),
    ],
)
def test_every_command_that_loads_a_model_looks_at_the_file_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[object, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    app, *words = arguments
    refused = CliRunner().invoke(app, [*map(str, words), "--model", "m.gguf"])  # type: ignore[arg-type]  # one of two apps
    assert isinstance(refused.exception, UsageError)
    assert refused.exception.message == "cannot read the model m.gguf: No such file or directory"
    assert not (tmp_path / "out").exists()
