"""The main job, end to end, on the real scenarios and the real books."""

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from planner.cli.main import app

SCENARIOS = sorted(Path("scenarios").glob("*.yaml"))
GOLDEN = Path("tests/golden")
WORKED = "scenarios/support-chatbot.yaml"


def run(*args: str) -> str:
    done = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1"}).invoke(app, args, prog_name="planner")
    assert done.exit_code == 0, done.output
    return done.stdout


def document(*args: str) -> Any:
    return json.loads(run("estimate", *args, "--format", "json"))


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda f: f.stem)
@pytest.mark.parametrize("output_format", ["table", "json"])
def test_the_report_of_each_scenario_is_the_golden_one(
    file: Path, output_format: str, update_golden: bool
) -> None:
    golden = GOLDEN / f"{file.stem}.{'txt' if output_format == 'table' else 'json'}"
    shown = run("estimate", str(file), "--format", output_format)
    if update_golden:
        golden.write_text(shown)
    assert shown == golden.read_text()


def test_the_worked_example_is_right_to_the_cent() -> None:
    cost = document(WORKED)["cost"]
    mini, sonnet = cost["by_model"]
    alone = {single["model"]: single for single in cost["single_model"]}
    assert round(alone["anthropic/claude-3-5-sonnet"]["usd_per_day"], 2) == 120.00
    assert round(alone["anthropic/claude-3-5-sonnet"]["usd_per_month"], 2) == 3600.00
    assert round(alone["openai/gpt-4o-mini"]["usd_per_day"], 2) == 5.40
    assert round(alone["openai/gpt-4o-mini"]["usd_per_month"], 2) == 162.00
    assert (round(mini["usd_per_day"], 2), round(sonnet["usd_per_day"], 2)) == (4.32, 24.00)
    assert (round(cost["usd_per_day"], 2), round(cost["usd_per_month"], 2)) == (28.32, 849.60)
    assert round(cost["routing_saving_fraction"], 3) == 0.764


@pytest.mark.parametrize("output_format", ["table", "md", "csv", "json"])
def test_every_format_tells_the_same_monthly_bill(output_format: str) -> None:
    shown = run("estimate", WORKED, "--format", output_format)
    if output_format == "json":
        assert round(json.loads(shown)["cost"]["usd_per_month"], 2) == 849.60
    elif output_format == "csv":
        total = [row for row in csv.DictReader(StringIO(shown)) if row["model"] == "total"]
        assert float(total[0]["usd_per_month"]) == pytest.approx(849.60)
    else:
        assert "849.60" in shown


@pytest.mark.parametrize("output_format", ["table", "md"])
def test_what_each_model_costs_alone_is_shown_beside_the_mix(output_format: str) -> None:
    shown = run("estimate", WORKED, "--format", output_format)
    assert "openai/gpt-4o-mini alone: 5.40 USD/day, 162.00 USD/month" in shown
    assert "anthropic/claude-3-5-sonnet alone: 120.00 USD/day, 3,600.00 USD/month" in shown
    assert "28.32/day" in shown
    assert "76.4 %" in shown


def test_csv_has_what_each_model_costs_alone_and_what_the_mix_saves() -> None:
    mini, sonnet, total = csv.DictReader(StringIO(run("estimate", WORKED, "--format", "csv")))
    assert (mini["alone_usd_per_day"], mini["alone_usd_per_month"]) == ("5.4", "162")
    assert (sonnet["alone_usd_per_day"], sonnet["alone_usd_per_month"]) == ("120", "3600")
    assert (total["usd_per_day"], total["routing_saving_fraction"]) == ("28.32", "0.764")


def test_markdown_tells_refusals_and_cures() -> None:
    shown = run("estimate", WORKED, "--format", "md")
    assert "- refused: llama-3.1-70b fp8 on 2 × h100-sxm" in shown
    assert "> - **LIMITS-SPEND** " in shown
    assert "(you need Build Tier 3)" in shown


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda f: f.stem)
@pytest.mark.parametrize("columns", [80, 160])
def test_the_first_screen_holds_the_decision_and_no_line_is_cut_or_too_wide(file: Path, columns: int) -> None:
    env = {"COLUMNS": str(columns), "NO_COLOR": "1"}
    shown = CliRunner(env=env).invoke(app, ["estimate", str(file)], prog_name="planner").stdout
    lines = shown.splitlines()
    assert max(map(len, lines)) <= columns
    assert "…" not in shown
    assert any(line.startswith("Choose  ") for line in lines[:5])
    assert any("USD/month" in line for line in lines[:6])


def test_the_json_has_the_keys_that_others_rely_on() -> None:
    found = document(WORKED)
    assert found["schema"] == "planner.estimate/1"
    assert (found["scenario"], found["as_of"]) == ("support-chatbot", "2025-06-15")
    assert {"usd_per_request", "usd_per_day", "usd_per_month", "by_model"} <= found["cost"].keys()
    assert {"model", "share", "usd_per_month"} <= found["cost"]["by_model"][0].keys()
    assert {"hosting", "provider_tiers", "reasons", "refused"} <= found["recommendation"].keys()
    assert isinstance(found["warnings"], list)


def test_several_scenarios_are_a_portfolio_whose_total_is_their_sum() -> None:
    found = document(WORKED, "scenarios/routing-cascade.yaml")
    parts = [each["cost"]["usd_per_month"] for each in found["scenarios"]]
    assert found["total"]["usd_per_month"] == pytest.approx(sum(parts))


def test_a_value_can_be_overridden() -> None:
    doubled = document(WORKED, "--set", "traffic.requests_per_day=20000")
    assert round(doubled["cost"]["usd_per_day"], 2) == 56.64
    swapped = document(WORKED, "--set", "models[0].share=0.5", "--set", "models[1].share=0.5")
    assert round(swapped["cost"]["usd_per_day"], 2) == round((120 + 5.40) / 2, 2)


def test_a_cascade_pays_for_the_first_model_always_and_for_the_second_when_the_first_fails() -> None:
    shares = [model["share"] for model in document("scenarios/routing-cascade.yaml")["cost"]["by_model"]]
    assert shares == pytest.approx([1.0, 0.25])


def test_the_data_rule_refuses_the_api_and_says_so() -> None:
    refused = document("scenarios/private-assistant.yaml")["recommendation"]["refused"]
    assert {
        "option": "API: openai/gpt-4o-mini",
        "kind": "api",
        "reasons": ["the data rule is on_device"],
    } in refused


def test_lines_sum_to_the_bill_of_every_scenario() -> None:
    for file in SCENARIOS:
        cost = document(str(file))["cost"]
        assert sum(line["usd_per_month"] for line in cost["lines"]) == pytest.approx(cost["usd_per_month"])


def test_a_retired_model_is_refused_at_a_date_after_its_end_and_exit_code_is_3() -> None:
    done = CliRunner().invoke(app, ["estimate", WORKED, "--as-of", "2026-06-01"], prog_name="planner")
    assert done.exit_code == 3
    assert "retired on 2025-10-28" in done.stderr


def test_a_prompt_longer_than_the_context_window_is_refused_with_the_numbers() -> None:
    done = CliRunner().invoke(
        app, ["estimate", WORKED, "--set", "prompt.input_tokens=500000"], prog_name="planner"
    )
    assert done.exit_code == 2
    assert "500,000 input" in done.stderr


def test_a_scenario_that_cannot_be_priced_is_named_among_several() -> None:
    files = ["scenarios/rag-documents.yaml", WORKED]
    done = CliRunner().invoke(app, ["estimate", *files, "--as-of", "2026-06-01"], prog_name="planner")
    assert f"error: {WORKED}: anthropic/claude-3-5-sonnet cannot be bought" in done.stderr


def test_output_goes_to_a_file_without_colour(tmp_path: Path) -> None:
    assert run("estimate", WORKED, "--output", str(tmp_path / "report.txt")) == ""
    assert "849.60" in (tmp_path / "report.txt").read_text()


def test_the_defaults_that_were_used_can_be_listed() -> None:
    assert "traffic.horizon_months" in run("estimate", WORKED, "--explain-defaults")


def test_the_portfolio_totals_what_is_chosen_beside_what_the_api_takes() -> None:
    found = document("scenarios")
    chosen = [
        (each["recommendation"]["hosting"] or {}).get("usd_per_month") or each["cost"]["usd_per_month"]
        for each in found["scenarios"]
    ]
    assert found["total"]["usd_per_month_recommended"] == pytest.approx(sum(chosen))
    assert found["total"]["usd_per_month_recommended"] < found["total"]["usd_per_month"]


def test_markdown_names_the_tier_of_the_account() -> None:
    assert "openai tier_2: your tier holds" in run("estimate", WORKED, "--format", "md")


def test_an_api_beyond_its_limits_is_chosen_on_a_stated_condition_only() -> None:
    shown = run("estimate", WORKED, "--set", "traffic.requests_per_day=1e9")
    assert "on one condition: openai must allow more" in " ".join(shown.split())


def test_advice_can_be_followed_and_the_new_estimate_shows_each_delta() -> None:
    found = document("scenarios/contracted-faq.yaml", "--what-if", "routing", "--what-if", "custom-batching")
    before = document("scenarios/contracted-faq.yaml")["cost"]["usd_per_month"]
    deltas = [step["usd_after"] - step["usd_before"] for step in found["what_if"]]
    assert found["cost"]["usd_per_month"] == pytest.approx(before + sum(deltas))
    shown = run("estimate", WORKED, "--what-if", "prompt-caching")
    assert "all together" not in shown
    assert "−210.52" in shown


def test_advice_that_does_not_exist_is_refused_with_the_choices() -> None:
    done = CliRunner().invoke(app, ["estimate", WORKED, "--what-if", "routng"], prog_name="planner")
    assert done.exit_code == 2
    assert "did you mean routing?" in done.stderr


def test_a_failover_model_that_is_hardly_reached_has_no_row() -> None:
    rows = [line for line in run("estimate", "scenarios/coding-agent.yaml").splitlines() if "gpt-5.1" in line]
    assert "openai/gpt-5.1: 0.0045 requests/month, less than a cent" in rows
    assert not any(line.rstrip().endswith("0.00") for line in rows)


def test_the_screen_says_why_nothing_is_cached_and_when_a_breaker_never_opens() -> None:
    shown = run("estimate", "scenarios/rag-documents.yaml", "--set", "prompt.parts.examples.tokens=10")
    assert "openai/gpt-4.1-mini: nothing cached, the static prefix of 610 tokens is shorter" in shown
    thin = ["--set", "reliability={error_rate: 0.1}", "--set", "traffic.requests_per_day=1000"]
    assert "it would never open" in run("estimate", WORKED, *thin)


def test_the_screen_compares_lifetimes_where_they_differ() -> None:
    faq = ["scenarios/contracted-faq.yaml", "--set", "traffic.requests_per_day=100"]
    assert "best 1h" in run("estimate", *faq)
    assert "best" not in run("estimate", "scenarios/routing-cascade.yaml")


def test_markdown_and_json_tell_the_followed_advice_and_the_best_of_the_rest() -> None:
    shown = run("estimate", WORKED, "--format", "md", "--what-if", "prompt-caching")
    assert "| prompt-caching | 849.60 | 639.08 | −210.52 |" in shown
    assert "| shorter-prompt |" in shown


def test_several_pieces_of_advice_end_with_what_they_change_together() -> None:
    shown = run("estimate", WORKED, "--what-if", "prompt-caching", "--what-if", "shorter-prompt")
    (line,) = (line for line in shown.splitlines() if line.startswith("all together"))
    assert line.split()[2] == "849.60"


def test_a_table_of_many_scenarios_is_the_portfolio_alone(tmp_path: Path) -> None:
    """60 scenarios of 30 requests a day more each: the 50 dearest by name, the rest as a sum, warnings counted."""
    text = Path("scenarios/support-chatbot.yaml").read_text()
    for index in range(60):
        named = text.replace("name: support-chatbot", f"name: s{index:02}")
        volume = named.replace("requests_per_day: 10_000", f"requests_per_day: {1000 + 30 * index}")
        (tmp_path / f"{index:02}.yaml").write_text(volume)
    shown = CliRunner().invoke(app, ["estimate", str(tmp_path)]).stdout.splitlines()
    assert [line.split()[0] for line in shown[1:51]] == [f"s{index:02}" for index in range(59, 9, -1)]
    # the ten smallest: 10 · 1,000 + 30 · (0 + … + 9) = 11,350 requests/day at 0.002832 USD for 30 days
    assert shown[51].split()[-1] == f"{11_350 * 0.002832 * 30:,.2f}"
    # all: 60 · 1,000 + 30 · (0 + … + 59) = 113,100 requests/day
    assert shown[52].split()[-1] == f"{113_100 * 0.002832 * 30:,.2f}"
    assert ["HORIZON", "60"] in [line.split() for line in shown]
    assert any(line.startswith("estimate one of them alone") for line in shown[-2:])


def test_the_screen_in_the_readme_is_the_one_that_a_reader_gets() -> None:
    shown = Path("README.md").read_text().split("```text\n", 1)[1].split("```", 1)[0]
    env = {"COLUMNS": "80", "NO_COLOR": "1"}
    assert CliRunner(env=env).invoke(app, ["estimate", WORKED]).stdout.startswith(shown.rstrip("\n"))


def test_a_reference_that_an_override_breaks_is_blamed_on_the_override() -> None:
    sets = "accounts={openai: {tier: gold}}"
    done = CliRunner().invoke(app, ["estimate", WORKED, "--set", sets])
    assert done.exit_code == 2
    expected = "accounts.openai.tier: expected a tier of openai (free, tier_1,"
    assert f"error: --set {sets} {expected}" in done.output
