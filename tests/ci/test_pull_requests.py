"""Pull requests end to end: one change on a branch, and what summary, annotations, outputs, exit code and comment say."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from planner.cli.main import app
from tests.ci.repository import make_repository, replaced
from tests.inputs.repositories import commit, git

NEW_PROMPT = "You answer questions about orders, politely and at length. " * 160


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture
def repository(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "repository"
    shutil.copytree(template, root)
    git(root, "checkout", "-q", "-b", "change")
    monkeypatch.chdir(root)
    return root


def prompt(root: Path) -> None:
    (root / "scenarios/prompts/system.md").write_text(NEW_PROMPT)


def model(root: Path) -> None:
    replaced(root / "scenarios/chat.yaml", "acme/small", "acme/large")


def price(root: Path) -> None:
    replaced(root / "scenarios/books/pricing.yaml", "output_usd_per_mtok: 4.0", "output_usd_per_mtok: 8.0")


def traffic(root: Path) -> None:
    replaced(root / "scenarios/chat.yaml", "20_000", "60_000")


def gpu(root: Path) -> None:
    replaced(root / "scenarios/own-machines.yaml", "gpus: [l40s]", "gpus: [h100-sxm]")


def check(root: Path, *args: str) -> Result:
    env = {
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(root),
        "GITHUB_STEP_SUMMARY": str(root.parent / "summary.md"),
        "GITHUB_OUTPUT": str(root.parent / "output.txt"),
    }
    call = ["check", "--base-ref", "main", "--as-of", "2026-11-01", *args]
    return CliRunner(env=env).invoke(app, call, prog_name="planner")


# change, the scenario that it is about, what the summary names as its cause, the line that is annotated
CHANGES = {
    "prompt": (prompt, "chat", "prompts/system.md", ":7"),
    "model": (model, "chat", "acme/large", ":10"),
    "price": (price, "chat", "price", None),
    "traffic": (traffic, "chat", "1,800,000", ":4"),
    "gpu": (gpu, "own-machines", "h100-sxm", ":9"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_priced_explained_annotated_and_refused(repository: Path, change: str) -> None:
    make, scenario, cause, line = CHANGES[change]
    make(repository)
    commit(repository, f"Change the {change}")
    done = check(repository)
    assert done.exit_code == 1, done.output
    summary = (repository.parent / "summary.md").read_text()
    assert summary.splitlines()[1].startswith("### ✗ LLM cost: +")
    assert f"| {scenario} |" in summary
    assert cause in summary
    annotation = next(row for row in done.stdout.splitlines() if row.startswith("::error"))
    assert f"file=scenarios/{scenario}.yaml" in annotation
    if line is not None:
        assert f"scenarios/{scenario}.yaml{line}" in summary
        assert f"line={line[1:]}," in annotation
    outputs = dict(row.split("=") for row in (repository.parent / "output.txt").read_text().splitlines())
    assert outputs["status"] == "failed"
    assert float(outputs["delta"]) > 0
    assert float(outputs["delta_pct"]) > 5


def test_a_branch_without_a_change_passes_and_the_comment_says_no_change(repository: Path) -> None:
    (repository / "README.md").write_text("words\n")
    commit(repository, "Add words")
    done = check(repository)
    assert done.exit_code == 0, done.output
    assert "no change" in (repository.parent / "summary.md").read_text()
    assert "status=passed" in (repository.parent / "output.txt").read_text()


def test_the_parts_of_the_waterfall_sum_to_the_change(repository: Path) -> None:
    for make in (prompt, traffic, price):
        make(repository)
    found = json.loads(check(repository, "--format", "json").stdout)
    parts = sum(cause["usd_per_month"] for cause in found["causes"])
    assert parts == pytest.approx(found["delta_usd_per_month"], abs=1e-9)


def test_a_smaller_prompt_passes_with_the_saving(repository: Path) -> None:
    (repository / "scenarios/prompts/system.md").write_text("Answer. " * 100)
    done = check(repository)
    assert done.exit_code == 0, done.output
    assert "LLM cost: −" in (repository.parent / "summary.md").read_text()


def test_a_waiver_in_the_scenario_lets_the_change_pass_and_stays_listed(repository: Path) -> None:
    traffic(repository)
    with (repository / "scenarios/chat.yaml").open("a") as file:
        file.write(
            "gates:\n  waivers:\n"
            "    - {rule: COST-TOTAL, reason: launch in three countries, expires: 2027-01-01}\n"
            "    - {rule: COST-LINE, reason: launch in three countries, expires: 2027-01-01}\n"
        )
    with (repository / "planner.yaml").open("a") as file:
        file.write("waivers: [{rule: COST-TOTAL, reason: launch in three countries, expires: 2027-01-01}]\n")
    done = check(repository)
    assert done.exit_code == 0, done.output
    assert "launch in three countries" in (repository.parent / "summary.md").read_text()


def test_a_revision_that_is_not_there_is_refused(repository: Path) -> None:
    done = CliRunner().invoke(app, ["check", "--base-ref", "no-such-branch"], prog_name="planner")
    assert done.exit_code == 2
    assert "no-such-branch" in done.stderr
    assert repository.exists()
