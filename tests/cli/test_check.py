"""``planner check`` as people and CI call it, on a copy of the project's own scenarios."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from planner.cli.main import app

CHAT = "scenarios/support-chatbot.yaml"
QUIET = "--as-of", "2025-06-15"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one scenario and its lock."""
    (tmp_path / "scenarios").mkdir()
    shutil.copy(CHAT, tmp_path / CHAT)
    monkeypatch.chdir(tmp_path)
    for variable in ("GITHUB_ACTIONS", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(variable, raising=False)
    assert call("lock", "scenarios", "--quiet").exit_code == 0
    return tmp_path


def call(*args: str, env: dict[str, str] | None = None) -> Result:
    runner = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1", **(env or {})})
    return runner.invoke(app, args, prog_name="planner")


def check(*args: str, env: dict[str, str] | None = None) -> Result:
    return call("check", *args, *QUIET, env=env)


def edit(project: Path, old: str, new: str) -> None:
    file = project / CHAT
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.usefixtures("project")
def test_nothing_changed_passes_against_the_lock() -> None:
    done = check()
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("passed: 1 warning · exit 0\n1 scenario · 849.60 USD/month · ±0 against")


def test_a_longer_prompt_fails_names_the_line_and_the_stale_lock(project: Path) -> None:
    edit(project, "input_tokens: 2000", "input_tokens: 4000")
    done = check()
    assert done.exit_code == 1
    assert f"error COST-TOTAL  {CHAT}:11" in done.stdout
    assert "849.60 → 1,281.60 USD/month (+432.00, +50.8 %)" in done.stdout
    assert "error LOCK-STALE  planner.lock.json:1" in done.stdout


def test_a_change_within_the_gates_leaves_the_lock_stale_with_exit_code_5(project: Path) -> None:
    edit(project, "input_tokens: 2000", "input_tokens: 2010")
    assert check("--gate", "max_increase_usd_per_month=50").exit_code == 5
    assert call("lock", "--update", "--quiet").exit_code == 0
    assert check().exit_code == 0


def test_a_gate_of_a_flag_wins(project: Path) -> None:
    edit(project, "input_tokens: 2000", "input_tokens: 4000")
    flags = ("max_increase_fraction=0.6", "max_line_increase_fraction=2", "max_request_increase_fraction=0.6")
    assert check(*(part for flag in flags for part in ("--gate", flag))).exit_code == 5


@pytest.mark.usefixtures("project")
def test_a_wrong_gate_is_refused_with_the_nearest_one() -> None:
    done = check("--gate", "max_increase_fracton=1")
    assert done.exit_code == 2
    assert "did you mean 'max_increase_fraction'?" in done.stderr
    assert check("--gate", "nonsense").exit_code == 2


def test_the_project_file_sets_scenarios_gates_severities_and_waivers(project: Path) -> None:
    edit(project, "input_tokens: 2000", "input_tokens: 4000")
    (project / "planner.yaml").write_text(
        "scenarios: [scenarios]\n"
        "severities: {LOCK-STALE: warning}\n"
        "waivers:\n"
        + "".join(
            f"  - {{rule: {rule}, scenario: support-chatbot, reason: longer prompt for the launch, expires: 2030-01-01}}\n"
            for rule in ("COST-TOTAL", "COST-LINE", "COST-REQUEST")
        )
    )
    done = check()
    assert done.exit_code == 0, done.output
    assert (
        "waived COST-TOTAL of support-chatbot until 2030-01-01: longer prompt for the launch" in done.stdout
    )


def test_a_broken_project_file_is_refused_with_its_place(project: Path) -> None:
    (project / "planner.yaml").write_text("waivers: [{rule: COST-TOTAL, reason: because, expires: soon}]\n")
    done = check()
    assert done.exit_code == 2
    assert "planner.yaml:1" in done.stderr
    (project / "planner.yaml").write_text("")
    assert check().exit_code == 0


def test_a_broken_scenario_is_annotated_where_it_is_broken(project: Path) -> None:
    edit(project, "input_tokens: 2000", "input_tokenz: 2000")
    done = check("scenarios", "--format", "github")
    assert done.exit_code == 2
    assert done.stdout.startswith(f"::error file={CHAT},line=11,title=planner INPUT::")


@pytest.mark.usefixtures("project")
def test_a_missing_price_exits_with_3_and_is_no_zero() -> None:
    done = call("check", "--as-of", "2026-06-01", "--format", "json")
    assert done.exit_code == 3
    found = json.loads(done.stdout)
    assert [each["rule"] for each in found["findings"] if each["severity"] == "error"] == ["PRICE-MISSING"]
    assert found["scenarios"][0]["usd_per_month"] is None


def test_without_a_lock_changes_are_not_judged_and_the_rest_is(project: Path) -> None:
    (project / "planner.lock.json").unlink()
    done = check("scenarios")
    assert done.exit_code == 0
    assert "nothing to compare with" in done.stdout
    assert check().exit_code == 2  # nothing is named, and no lock holds anything


def test_one_of_several_scenarios_is_checked_alone(project: Path) -> None:
    shutil.copy(project / CHAT, project / "scenarios/other.yaml")
    text = (project / "scenarios/other.yaml").read_text().replace("name: support-chatbot", "name: other")
    (project / "scenarios/other.yaml").write_text(text)
    assert call("lock", "scenarios", "--update", "--quiet").exit_code == 0
    edit(project, "input_tokens: 2000", "input_tokens: 4000")
    assert check("scenarios/other.yaml").exit_code == 0
    assert check(CHAT).exit_code == 1


@pytest.mark.usefixtures("project")
def test_strict_makes_a_warning_exit_with_1() -> None:
    assert check("--strict").exit_code == 1


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("output_format", ["json", "md", "html", "junit", "sarif", "github", "gitlab"])
def test_every_format_is_one_document_on_stdout(output_format: str) -> None:
    done = check("--format", output_format)
    assert done.exit_code == 0
    assert done.stdout.strip()
    assert done.stderr == ""


def test_inside_actions_summary_annotations_and_outputs_come_by_themselves(project: Path) -> None:
    edit(project, "input_tokens: 2000", "input_tokens: 4000")
    env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(project / "summary.md"),
        "GITHUB_OUTPUT": str(project / "output.txt"),
    }
    done = check(env=env)
    assert done.exit_code == 1
    assert f"::error file={CHAT},line=11,title=planner COST-TOTAL::" in done.stdout
    assert done.stdout.startswith("failed: ")
    assert "### ✗ LLM cost: +432.00 USD/month (+50.8 %)" in (project / "summary.md").read_text()
    assert (project / "output.txt").read_text().splitlines() == [
        "total=1281.60",
        "delta=432.00",
        "delta_pct=50.85",  # 432.00 of 849.60
        "status=failed",
    ]


def test_inside_actions_another_format_on_stdout_stays_whole(project: Path) -> None:
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(project / "summary.md"), "GITHUB_OUTPUT": ""}
    assert json.loads(check("--format", "sarif", env=env).stdout)["version"] == "2.1.0"
    assert (project / "summary.md").exists()
    assert "::notice" in check("--format", "sarif", "--output", "x.sarif", env=env).stdout
    assert "::" not in check("--quiet", env=env).stdout


def test_further_reports_are_written_beside_the_screen(project: Path) -> None:
    done = check("--report", "sarif=planner.sarif", "--report", "junit=planner.xml")
    assert done.stdout.startswith("passed")
    assert json.loads((project / "planner.sarif").read_text())["version"] == "2.1.0"
    assert (project / "planner.xml").read_text().startswith("<?xml")
    refused = check("--report", "pdf=x")
    assert refused.exit_code == 2
    assert "formats: text, json" in refused.stderr


def test_the_scenarios_of_the_project_are_locked_when_none_is_named(project: Path) -> None:
    (project / "planner.lock.json").unlink()
    (project / "planner.yaml").write_text("scenarios: [scenarios]\n")
    assert call("lock", "--quiet").exit_code == 0
    shutil.copy(project / CHAT, project / "scenarios/second.yaml")
    assert call("lock", "--check").exit_code == 5
    assert call("lock", "--update", "--quiet").exit_code == 0
    assert "scenarios/second.yaml" in (project / "planner.lock.json").read_text()


@pytest.mark.parametrize("variable", ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"])
def test_files_are_named_from_the_top_of_the_repository(project: Path, variable: str) -> None:
    edit(project, "input_tokens: 2000", "input_tokens: 4000")
    env = {"GITHUB_WORKSPACE": "", "CI_PROJECT_DIR": "", variable: str(project.parent)}
    place = f"{project.name}/{CHAT}"
    assert f"file={place},line=11" in check("--format", "github", env=env).stdout
    assert place in check("--format", "gitlab", env=env).stdout
    assert place not in check("--format", "json", env=env).stdout
    elsewhere = env | {variable: str(project / "scenarios")}
    assert f"file={CHAT},line=11" in check("--format", "github", env=elsewhere).stdout
    top = env | {variable: str(project)}
    assert f"file={CHAT},line=11" in check("--format", "github", env=top).stdout
