"""``planner books retirements`` on the real scenarios and books."""

import json

from typer.testing import CliRunner, Result

from planner.cli.main import app

DAY = ("--as-of", "2026-11-23")


def run(*args: str, columns: int = 120) -> Result:
    return CliRunner(env={"COLUMNS": str(columns), "NO_COLOR": "1"}).invoke(
        app, ["books", "retirements", *args], prog_name="planner"
    )


def test_the_first_line_says_what_breaks_next() -> None:
    shown = run("scenarios/rag-documents.yaml", *DAY).stdout
    assert shown.splitlines()[0] == "Next: rag-documents loses openai/gpt-4.1-mini in 52 days"
    assert "2027-01-14" in shown
    assert "→ openai/gpt-6-luna" in shown


def test_a_portfolio_is_in_order_of_time_and_names_what_is_broken_already() -> None:
    shown = run("scenarios", *DAY).stdout
    assert shown.startswith("support-chatbot: a model is retired already on 2026-11-23.")
    days = [line[:10] for line in shown.splitlines() if line[:2] == "20"]
    assert days == sorted(days)
    assert len(days) >= 8


def test_no_name_is_broken_on_a_narrow_screen() -> None:
    shown = run("scenarios", *DAY, columns=80).stdout
    assert "bulk-summarisation" in shown
    assert "anthropic/claude-3-5-sonnet" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_scenarios_that_lose_nothing_say_so() -> None:
    shown = run("scenarios/rag-documents.yaml", *DAY, "--months", "1").stdout
    assert shown == "1 scenario loses no further model on a known date\n"


def test_json_has_dates_and_amounts() -> None:
    found = json.loads(run("scenarios/rag-documents.yaml", *DAY, "--format", "json").stdout)
    assert (found["schema"], found["as_of"]) == ("planner.retirements/1", "2026-11-23")
    (row,) = found["retirements"]
    assert (row["on"], row["successor"]) == ("2027-01-14", "openai/gpt-6-luna")
    assert row["change_usd"] == row["usd_after"] - row["usd_before"]


def test_a_format_that_a_calendar_has_not_is_refused() -> None:
    done = run("scenarios/rag-documents.yaml", "--format", "csv")
    assert done.exit_code == 2
    assert "--format table or json" in done.stderr
