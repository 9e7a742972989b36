"""``planner explain`` as people call it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from planner.cli.main import app

WORKED = "scenarios/support-chatbot.yaml"
NUMBER = "cost.by_model[0].usd_per_month"


def call(*args: str, columns: int = 100) -> Result:
    runner = CliRunner(env={"COLUMNS": str(columns), "NO_COLOR": "1"})
    return runner.invoke(app, ["explain", *args], prog_name="planner")


def test_the_tree_goes_from_the_number_to_line_and_price_row() -> None:
    shown = " ".join(call(WORKED, NUMBER, columns=160).stdout.replace("│", " ").split())
    assert f"{NUMBER} = 129.6 = usd_per_request × requests_per_month (assumed)" in shown
    assert f"requests_per_day = 10,000 {WORKED}:7 traffic.requests_per_day" in shown
    assert "openai/gpt-4o-mini input_usd_per_mtok, since 2024-10-01, checked 2026-11-23" in shown
    assert "planner.formulas.cost.token_cost_usd" in shown


@pytest.mark.parametrize("columns", [80, 160])
def test_no_line_is_wider_than_the_screen(columns: int) -> None:
    for args in ((WORKED,), (WORKED, "--all")):
        assert max(map(len, call(*args, columns=columns).stdout.splitlines())) <= columns


def test_without_a_path_the_recommended_cost_is_explained() -> None:
    assert "recommendation.hosting.usd_per_month = 849.6" in call(WORKED).stdout


def test_json_holds_the_tree_and_names_its_schema() -> None:
    found = json.loads(call(WORKED, NUMBER, "--format", "json").stdout)
    assert (found["schema"], found["scenario"]) == ("planner.explain/1", "support-chatbot")
    (number,) = found["numbers"]
    assert (number["path"], number["rule"]) == (NUMBER, "usd_per_request × requests_per_month")
    assert number["replayed"] is True
    assert [operand["name"] for operand in number["operands"]] == ["usd_per_request", "requests_per_month"]


def test_markdown_is_a_nested_list_with_the_references() -> None:
    shown = call(WORKED, NUMBER, "--format", "md").stdout
    assert f"- `{NUMBER}` = **129.6** = usd_per_request × requests_per_month (assumed)" in shown
    assert "  - `usd_per_request` = **0.00054**" in shown
    assert "| `planner.formulas.cost.token_cost_usd` |" in shown


def test_all_lists_every_number_of_the_report_once() -> None:
    numbers = json.loads(call(WORKED, "--all", "--format", "json").stdout)["numbers"]
    paths = [number["path"] for number in numbers]
    assert len(paths) == len(set(paths)) > 100


def test_a_folder_is_explained_scenario_by_scenario() -> None:
    found = json.loads(call("scenarios", "cost.usd_per_month", "--format", "json").stdout)
    assert len(found["scenarios"]) == len(list(Path("scenarios").glob("*.yaml")))


def test_the_id_of_a_book_row_shows_the_row_with_its_source() -> None:
    shown = call("h100-sxm").stdout
    assert "# hardware" in shown
    assert "source:" in shown
    assert "checked:" in shown


def test_a_wrong_path_exits_with_2_and_the_nearest_path() -> None:
    done = call(WORKED, "cost.by_model[0].usd_per_mont")
    assert done.exit_code == 2
    assert f"nearest: {NUMBER}" in done.stderr


def test_a_wrong_name_exits_with_3_and_the_nearest_row() -> None:
    done = call("h100-sxn")
    assert done.exit_code == 3
    assert "did you mean h100-sxm" in done.stderr


def test_a_path_and_all_do_not_go_together() -> None:
    assert call(WORKED, NUMBER, "--all").exit_code == 2


def test_an_override_shows_as_such() -> None:
    shown = call(WORKED, "workload.requests_per_day", "--set", "traffic.requests_per_day=5").stdout
    assert "--set traffic.requests_per_day" in shown
