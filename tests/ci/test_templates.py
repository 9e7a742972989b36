"""The GitLab template and the pre-commit hooks: what they run, run."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import xmlschema
import yaml

from tests.ci.repository import make_repository, replaced
from tests.inputs.repositories import commit, git

ROOT = Path(__file__).resolve().parents[2]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
GITLAB = yaml.safe_load((ROOT / "ci/gitlab.yml").read_text())


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = make_repository(tmp_path / "repository")
    (tmp_path / "bin").mkdir()
    shim = tmp_path / "bin/planner"
    shim.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m planner "$@"\n')
    shim.chmod(0o755)
    return root


def shell(root: Path, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {"PATH": f"{root.parent / 'bin'}:{os.environ['PATH']}", "HOME": str(root.parent)}
    return subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=root,
        env=known | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_gitlab_job_writes_the_reports_that_it_promises(repository: Path) -> None:
    base = git(repository, "rev-parse", "HEAD")
    git(repository, "remote", "add", "origin", str(repository))
    replaced(repository / "scenarios/chat.yaml", "20_000", "60_000")
    commit(repository, "More traffic")
    job = GITLAB["planner-check"]
    script = "\n".join(job["script"])
    done = shell(
        repository,
        script,
        CI_MERGE_REQUEST_DIFF_BASE_SHA=base,
        PLANNER_ARGS="--as-of 2026-11-01",
        PLANNER_SCENARIOS="",
    )
    assert done.returncode == 1, done.stderr
    reports = job["artifacts"]["reports"]
    entries = json.loads((repository / reports["codequality"]).read_text())
    assert "planner.COST-TOTAL" in {entry["check_name"] for entry in entries}
    schema = json.loads((ROOT / "tests/schemas/gitlab-code-quality.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(entries)
    xmlschema.XMLSchema(ROOT / "tests/schemas/junit-10.xsd").validate(str(repository / reports["junit"]))
    assert "<failure" in (repository / reports["junit"]).read_text()


@pytest.mark.slow
def test_the_hooks_pass_on_a_lock_that_is_true_and_fail_on_one_that_is_not(repository: Path) -> None:
    assert shell(repository, "planner lock scenarios --quiet").returncode == 0
    replaced(repository / "planner.yaml", "severities: {LOCK-STALE: ignore}", "")
    codes = []
    for change in ("", "60_000"):
        if change:
            replaced(repository / "scenarios/chat.yaml", "20_000", change)
        codes.append([shell(repository, hook["entry"]).returncode for hook in HOOKS])
    assert codes == [[0, 0], [1, 5]]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_says_what_pre_commit_needs(hook: dict[str, object]) -> None:
    assert {"id", "name", "entry", "language"} <= set(hook)
    assert hook["language"] == "python"
    assert hook["pass_filenames"] is False
    assert shlex.split(str(hook["entry"]))[0] == "planner"
    pattern = str(hook["files"])
    wanted = ("scenarios/chat.yaml", "prompts/system.md", "planner.lock.json", "traces/day.jsonl")
    assert all(re.search(pattern, name) for name in wanted)
    assert re.search(pattern, "src/main.py") is None
