"""The composite action: its steps run as scripts, as a runner would, against a real repository and a server for comments."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import jsonschema
import pytest
import yaml

from tests.ci.repository import make_repository
from tests.inputs.repositories import commit, git

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
LONG_PROMPT = "You answer questions about orders, politely and at length. " * 160


@dataclass
class Comments:
    """What a server for comments holds; ``code`` is what it answers to writing."""

    bodies: list[str] = field(default_factory=list)
    code: int = 200
    calls: list[str] = field(default_factory=list)


@pytest.fixture
def github() -> Iterator[tuple[str, Comments]]:
    comments = Comments()

    class Handler(BaseHTTPRequestHandler):
        def answer(self, document: Any, code: int = 200) -> None:
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def body(self) -> str:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            return str(json.loads(raw)["body"])

        def do_GET(self) -> None:
            comments.calls.append(f"GET {self.path}")
            self.answer([{"id": index, "body": body} for index, body in enumerate(comments.bodies)])

        def do_POST(self) -> None:
            body = self.body()
            comments.calls.append(f"POST {self.path}")
            if comments.code == 200:
                comments.bodies.append(body)
            self.answer({"id": len(comments.bodies) - 1}, comments.code)

        def do_PATCH(self) -> None:
            body = self.body()
            comments.calls.append(f"PATCH {self.path}")
            if comments.code == 200:
                comments.bodies[int(self.path.rsplit("/", 1)[-1])] = body
            self.answer({"id": 0}, comments.code)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", comments
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Runner:
    """What a runner gives to the steps of a composite action. ``path`` are the folders that steps have put before PATH."""

    work: Path
    temp: Path
    url: str
    inputs: dict[str, str]
    action: Path = ROOT
    path: list[str] = field(default_factory=list)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    printed: str = ""

    def run(self, *, install: bool = False) -> int:
        """Run the steps in order and return the exit code of the first that fails, after which no other runs."""
        for step in ACTION["runs"]["steps"]:
            if (step["id"] == "install" and not install) or not self._wanted(step.get("if")):
                continue
            code = self._step(step)
            if code:
                return code
        return 0

    def _wanted(self, condition: str | None) -> bool:
        if condition is None:
            return True
        match = re.fullmatch(r"\$\{\{ inputs\.(\S+) == '(\S+)' \}\}", condition)
        assert match is not None, condition
        return self.inputs[match[1]] == match[2]

    def _step(self, step: dict[str, Any]) -> int:
        output, path = (self.temp / f"{name}-{step['id']}" for name in ("output", "path"))
        for file in (output, path):
            file.write_text("")
        environment = {
            **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
            "PATH": ":".join([*self.path, os.environ["PATH"]]),
            "HOME": str(self.temp),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(self.action),
            "GITHUB_API_URL": self.url,
            "GITHUB_EVENT_PATH": str(self.temp / "event.json"),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_PATH": str(path),
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_WORKSPACE": str(self.work),
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md"),
            "RUNNER_TEMP": str(self.temp),
            **{name: self._filled(value) for name, value in step.get("env", {}).items()},
        }
        folder = self.work / self._filled(step.get("working-directory", "."))
        assert step["shell"] == "bash"
        script = self.temp / f"{step['id']}.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        self.printed += done.stdout + done.stderr
        rows = (row.partition("=") for row in output.read_text().splitlines())
        self.outputs[step["id"]] = {name: value for name, _, value in rows}
        self.path[:0] = reversed(path.read_text().splitlines())
        return done.returncode

    def _filled(self, text: str) -> str:
        """Replace the expressions that the action uses."""

        def value(match: re.Match[str]) -> str:
            kind, _, rest = match[1].partition(".")
            if kind == "inputs":
                return self.inputs[rest]
            if kind == "steps":
                step, _, name = rest.partition(".outputs.")
                return self.outputs[step].get(name, "")
            return {"github.base_ref": "main", "github.token": "none"}[match[1]]

        return re.sub(r"\$\{\{ (\S+) \}\}", value, text)


@pytest.fixture
def runner(tmp_path: Path, github: tuple[str, Comments]) -> Runner:
    """A shallow clone of a pull request's branch, as actions/checkout leaves it."""
    origin = make_repository(tmp_path / "origin")
    git(origin, "checkout", "-q", "-b", "change")
    (origin / "scenarios/prompts/system.md").write_text(LONG_PROMPT)
    commit(origin, "Say more")
    work, temp = tmp_path / "work", tmp_path / "temp"
    git(tmp_path, "clone", "-q", "--depth=1", "--branch", "change", f"file://{origin}", str(work))
    (temp / "bin").mkdir(parents=True)
    shim = temp / "bin/planner"
    shim.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m planner "$@"\n')
    shim.chmod(0o755)
    (temp / "event.json").write_text('{"pull_request": {"number": 7}}')
    defaults = {name: str(given.get("default", "")) for name, given in ACTION["inputs"].items()}
    inputs = defaults | {"comment": "true", "args": "--as-of 2026-11-01", "token": "secret"}
    return Runner(work=work, temp=temp, url=github[0], inputs=inputs, path=[str(temp / "bin")])


def test_a_dearer_prompt_is_commented_and_fails_the_job(runner: Runner, github: tuple[str, Comments]) -> None:
    assert runner.run() == 1
    (comment,) = github[1].bodies
    delta = runner.outputs["check"]["delta"]
    assert float(delta) > 1000  # USD a month, by the estimate of the prompt's tokens
    assert comment.splitlines()[1].startswith(f"### ✗ LLM cost: +{float(delta):,.2f} USD/month")
    assert comment == (runner.temp / "summary.md").read_text()
    assert runner.outputs["check"]["status"] == "failed"
    assert "::error file=scenarios/chat.yaml,line=7,title=planner COST-TOTAL::" in runner.printed
    declared = {name: each["value"] for name, each in ACTION["outputs"].items()}
    assert {runner._filled(value) for value in declared.values()} >= {"failed", delta}


@pytest.mark.slow
def test_the_second_run_updates_the_comment_of_the_first(
    runner: Runner, github: tuple[str, Comments]
) -> None:
    github[1].bodies.extend(["something else", "<!-- planner-check -->\nold"])
    runner.inputs["fail"] = "false"
    assert runner.run() == 0
    assert len(github[1].bodies) == 2
    assert "LLM cost: +1," in github[1].bodies[1]
    assert github[1].calls[-1] == "PATCH /repos/acme/shop/issues/comments/1"


@pytest.mark.slow
def test_a_read_only_token_is_a_notice_and_no_failure(runner: Runner, github: tuple[str, Comments]) -> None:
    github[1].code = 403
    runner.inputs["fail"] = "false"
    assert runner.run() == 0
    assert "::notice title=planner::the token may not write comments" in runner.printed
    assert (runner.temp / "summary.md").read_text().startswith("<!-- planner-check -->")


@pytest.mark.slow
def test_a_change_that_costs_nothing_starts_no_comment(runner: Runner, github: tuple[str, Comments]) -> None:
    git(runner.work, "fetch", "-q", "--depth=1", "origin", "main")
    git(runner.work, "checkout", "-q", "FETCH_HEAD")
    assert runner.run() == 0, runner.printed
    assert github[1].bodies == []
    assert runner.outputs["check"]["status"] == "passed"


@pytest.mark.slow
def test_without_a_base_to_fetch_the_lock_is_compared_with_and_sarif_is_written(runner: Runner) -> None:
    git(runner.work, "remote", "remove", "origin")
    runner.inputs |= {"comment": "false", "sarif": "planner.sarif", "fail": "false"}
    assert runner.run() == 0
    assert "comparing with the lock" in runner.printed
    assert json.loads((runner.work / "planner.sarif").read_text())["version"] == "2.1.0"


def tracked_files(target: Path) -> Path:
    """Copy what git tracks, as a checkout of the action holds it."""
    for name in git(ROOT, "ls-files").splitlines():
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    return target


@pytest.mark.slow
def test_every_step_runs_as_it_stands_from_the_installation_to_the_verdict(
    runner: Runner, github: tuple[str, Comments], tmp_path: Path
) -> None:
    runner.action, runner.path = tracked_files(tmp_path / "action"), []
    runner.inputs |= {"sarif": "planner.sarif", "fail": "true"}
    assert runner.run(install=True) == 1, runner.printed
    assert runner.path == [str(runner.temp / "planner-bin")]
    assert (runner.temp / "planner-bin/planner").resolve().is_relative_to(runner.temp / "planner-venv")
    assert list(runner.outputs) == ["install", "check", "comment", "judge"]
    assert runner.outputs["check"]["exit_code"] == "1"
    assert len(github[1].bodies) == 1
    assert "::error file=scenarios/chat.yaml,line=7,title=planner COST-TOTAL::" in runner.printed
    document = json.loads((runner.work / "planner.sarif").read_text())
    schema = json.loads((ROOT / "tests/schemas/sarif-2.1.0.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(document)
    github[1].code = 403  # the next push comes from a fork
    assert runner.run() == 1
    assert "::notice title=planner::the token may not write comments" in runner.printed
    assert len(github[1].bodies) == 1


def test_every_script_of_the_action_is_there_and_is_valid_shell() -> None:
    for script in ("install.sh", "check.sh"):
        assert shutil.which("bash") is not None
        subprocess.run(["bash", "-n", str(ROOT / "ci" / script)], check=True)
    used = re.findall(r"ci/[\w.]+", (ROOT / "action.yml").read_text())
    assert {Path(name).name for name in used} == {"install.sh", "check.sh", "comment.py"}


def test_every_output_of_the_action_is_one_that_check_writes() -> None:
    assert set(ACTION["outputs"]) == {"total", "delta", "delta_pct", "status"}
