"""The range of the bill on the screen and in JSON."""

import json
from typing import Any

from typer.testing import CliRunner

from planner.cli.main import app

WORKED = "scenarios/support-chatbot.yaml"
VOLUME = "uncertainty={volume: {p10: 0.7, p90: 1.6}}"


def run(*args: str) -> str:
    done = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1"}).invoke(
        app, ["estimate", WORKED, *args], prog_name="planner"
    )
    assert done.exit_code == 0, done.output
    return done.stdout


def uncertainty(*args: str) -> Any:
    return json.loads(run(*args, "--format", "json"))["uncertainty"]


def test_the_range_stands_under_the_choice_with_what_moves_it() -> None:
    shown = run("--set", VOLUME)
    assert "Range   p10–p90 59" in shown  # 849.60 × 0.7 = 594.72, from 10,000 draws
    assert "USD/month at the API; most from volume; over the horizon 7,181–16,318\n" in shown
    assert "What moves the bill" in shown
    assert "p10–p90" in run("--set", VOLUME, "--format", "md")


def test_months_over_the_budget_are_counted() -> None:
    assert "over the budget in 10 % of the months" in " ".join(
        run("--set", VOLUME, "--set", "budget.usd_per_month=1359").split()
    )


def test_request_sizes_alone_ask_for_bands() -> None:
    shown = run("--set", "prompt.output_tokens={mean: 400, p95: 900}")
    assert "from request sizes alone; state bands under `uncertainty`" in " ".join(shown.split())
    assert "What moves the bill" not in shown


def test_a_scenario_that_is_exact_has_no_range() -> None:
    assert "Range" not in run()
    assert uncertainty() is None


def test_the_seed_decides_the_draws() -> None:
    first, again, other = (
        uncertainty("--set", VOLUME, "--seed", seed)["p90_usd"] for seed in ("1", "1", "2")
    )
    assert first == again != other
