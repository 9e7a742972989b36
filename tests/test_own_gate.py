"""The project's own gate: its scenarios, its lock and its workflow."""

import re
from datetime import date
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from planner.cli.main import app

WORKFLOW = yaml.safe_load(Path(".github/workflows/ci.yml").read_text())


def call(*args: str) -> Result:
    return CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1"}).invoke(app, args, prog_name="planner")


def test_the_committed_lock_says_what_the_scenarios_cost(update_golden: bool) -> None:
    """After a change that is meant: `pytest tests/test_own_gate.py --update-golden`, and look at the diff."""
    if update_golden:
        assert call("lock", "--update").exit_code == 0
    done = call("lock", "--check")
    assert done.exit_code == 0, done.output


def test_the_scenarios_pass_their_own_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("planner.cli.check.today", lambda: date(2026, 11, 23))
    done = call("check")
    assert done.exit_code == 0, done.output
    assert "waived LIMIT of traced-conversation until 2027-11-01" in done.stdout


def test_the_lock_holds_every_scenario_of_the_folder() -> None:
    held = set(re.findall(r'"(scenarios/[\w-]+\.yaml)": \{', Path("planner.lock.json").read_text()))
    assert held == {file.as_posix() for file in Path("scenarios").glob("*.yaml")}


def test_the_workflow_runs_the_checks_and_the_gate_and_asks_for_little() -> None:
    jobs = WORKFLOW["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    assert ".ci/run" in [step.get("run") for step in steps]
    assert "./" in [step.get("uses") for step in steps]
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in jobs.values())
