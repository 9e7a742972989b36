from pathlib import Path

import pytest
from typer.testing import CliRunner

from planner.cli.main import app
from planner.inputs.templates import TEMPLATES


@pytest.mark.parametrize("template", TEMPLATES)
def test_each_template_estimates_as_it_is(template: str, tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    runner = CliRunner()
    assert runner.invoke(app, ["init", template, "--output", str(file)], prog_name="planner").exit_code == 0
    done = runner.invoke(app, ["estimate", str(file), "--as-of", "2026-11-23"], prog_name="planner")
    assert done.exit_code == 0, done.output


def test_a_file_is_not_overwritten_unless_forced(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text("mine")
    runner = CliRunner()
    assert runner.invoke(app, ["init", "chat", "--output", str(file)], prog_name="planner").exit_code == 2
    assert file.read_text() == "mine"
    assert (
        runner.invoke(app, ["init", "chat", "--output", str(file), "--force"], prog_name="planner").exit_code
        == 0
    )


def test_a_template_goes_to_stdout_or_beside_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(app, ["init", "rag", "--output", "-"], prog_name="planner")
    assert shown.exit_code == 0
    assert shown.stdout.count("traffic:") == 1
    written = CliRunner().invoke(app, ["init", "rag"], prog_name="planner")
    assert (tmp_path / "my-rag.yaml").read_text() == shown.stdout
    assert written.stderr == "wrote my-rag.yaml; next: planner estimate my-rag.yaml\n"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "s.yaml"
    done = CliRunner().invoke(app, ["init", "chat", "--output", str(file)], prog_name="planner")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: cannot write {file}: No such file or directory")
