"""``planner cost`` as people and scripts use it."""

import csv
import io
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from planner.cli.main import app
from planner.errors import EXIT_DATA, EXIT_USAGE

MINI = ("cost", "gpt-4o-mini", "--input-tokens", "2000", "--output-tokens", "400", "--as-of", "2025-06-15")


def run(*args: str) -> Any:
    return CliRunner().invoke(app, list(args))


def test_the_table_ends_with_the_total_and_its_source() -> None:
    result = run(*MINI)
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()[2:5]] == [
        ["input", "2,000", "0.15", "0.000300"],
        ["output", "400", "0.6", "0.000240"],
        ["total", "0.000540"],
    ]
    assert "https://developers.openai.com/api/docs/pricing" in result.stdout


def test_json_has_the_keys_that_others_rely_on() -> None:
    document = json.loads(run(*MINI, "--format", "json").stdout)
    assert document["schema"] == "planner.cost/1"
    keys = ("usd", "input_usd", "cached_usd", "cache_write_usd", "output_usd")
    assert [document[key] for key in keys] == [0.00054, 0.0003, 0, 0, 0.00024]
    assert document["price"]["model"] == "openai/gpt-4o-mini"
    assert document["price"]["effective_from"] == "2024-10-01"
    assert document["price"]["source"].startswith("https://")


def test_csv_and_markdown_hold_the_same_lines() -> None:
    rows = list(csv.DictReader(io.StringIO(run(*MINI, "--format", "csv").stdout)))
    assert [(row["line"], float(row["usd"])) for row in rows] == [
        ("input", 0.0003),
        ("output", 0.00024),
        ("total", 0.00054),
    ]
    assert "| total |  | 0.000540 |" in run(*MINI, "--format", "md").stdout


def test_batch_is_half_and_has_two_spellings() -> None:
    for spelling in (("--batch",), ("--mode", "batch"), ("--batch", "--mode", "batch")):
        assert json.loads(run(*MINI, *spelling, "-f", "json").stdout)["usd"] == 0.00027


def test_warnings_are_shown_unless_quiet() -> None:
    today = (*MINI[:-1], "2026-11-23")
    assert "retires on 2027-01-14" in run(*today).stdout
    assert "retires" not in run(*today, "--quiet").stdout


def test_a_cached_part_below_the_minimum_of_the_model_is_a_warning() -> None:
    short, long = (run(*MINI, "--cached-tokens", tokens).stdout for tokens in ("1023", "1024"))
    assert "openai/gpt-4o-mini caches from 1,024 tokens on, not 1,023" in short
    assert "caches from" not in long


def test_a_long_prompt_says_that_the_whole_request_is_dear() -> None:
    long = ("cost", "gemini-2.5-pro", "--input-tokens", "250000", "--output-tokens", "1000")
    result = run(*long, "--as-of", "2025-12-01")
    assert "long-context tier 1 prices the whole request" in result.stdout
    assert result.stdout.splitlines()[4].split() == ["total", "0.6400"]


def test_every_way_of_buying_is_named_beside_the_price() -> None:
    args = ("cost", "gpt-5.4", "--input-tokens", "2000", "--output-tokens", "400", "--as-of", "2026-11-23")
    text = " ".join(run(*args, "--batch", "--region", "eu").stdout.split())
    assert "mode batch, region eu" in text
    off = ("cost", "deepseek-v4-pro", "--input-tokens", "1", "--output-tokens", "1", "--as-of", "2026-11-23")
    assert "off-peak" in run(*off, "--off-peak").stdout


def test_tool_calls_and_storage_are_lines_of_their_own() -> None:
    args = ("cost", "gemini-2.5-pro", "--input-tokens", "2000", "--output-tokens", "400")
    more = ("--calls", "grounding_search=2", "--stored-token-hours", "1000000", "--as-of", "2026-11-23")
    document = json.loads(run(*args, *more, "-f", "json").stdout)
    # 35 USD per 1,000 searches; 4.50 USD per million token-hours
    assert (document["fees_usd"], document["storage_usd"]) == (0.07, 4.5)


def test_a_total_of_many_requests_can_be_priced() -> None:
    million = ("cost", "o3", "--input-tokens", "1000000", "--output-tokens", "1000000", "--any-length")
    before, after = (
        json.loads(run(*million, "--as-of", day, "-f", "json").stdout)["usd"]
        for day in ("2025-05-01", "2025-07-01")
    )
    assert (before, after) == (50, 10)  # 10 + 40 and 2 + 8 per million


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--as-of", "2023-01-01"), EXIT_DATA, "has no price on 2023-01-01"),
        (("--mode", "flex"), EXIT_DATA, "modes on that date: standard, batch"),
        (("--region", "mars"), EXIT_DATA, "regions with a price: none"),
        (("--ttl", "1h", "--cache-write-tokens", "1"), EXIT_DATA, "lifetimes: 5m"),
        (("--cached-tokens", "1500", "--cache-write-tokens", "1500"), EXIT_USAGE, "exceed the input"),
        (("--batch", "--mode", "flex"), EXIT_USAGE, "do not go together"),
        (("--calls", "web_search"), EXIT_USAGE, "wants NAME=COUNT"),
        (("--calls", "moon=1"), EXIT_DATA, "fees in the book: web_search"),
        (("--ttl", "9m"), EXIT_USAGE, "not one of"),
        (("--input-tokens", "-1"), EXIT_USAGE, "must not be negative"),
        (("--input-tokens", "128000"), EXIT_USAGE, "128,400 > 128,000"),
    ],
)
def test_a_refusal_names_the_valid_choices(args: tuple[str, ...], code: int, message: str) -> None:
    result = run(*MINI, *args)
    assert result.exit_code == code
    assert message in result.stderr
    assert result.stdout == ""


def test_an_ambiguous_or_misspelt_model_lists_the_names_it_could_be() -> None:
    tokens = ("--input-tokens", "1", "--output-tokens", "1")
    assert "groq/gpt-oss-120b, together/gpt-oss-120b" in run("cost", "gpt-oss-120b", *tokens).stderr
    assert "did you mean openai/gpt-4o-mini" in run("cost", "gpt-4o-mni", *tokens).stderr


def test_a_long_context_tier_shows_the_price_that_each_line_was_billed_at() -> None:
    shown = run("cost", "gemini-2.5-pro", "--input-tokens", "300000", "--output-tokens", "1000").stdout
    # above 200,000 tokens the vendor's page asks 2.50 and 15 USD/Mtok instead of 1.25 and 10
    assert "input   300,000       2.5  0.7500" in shown
    assert "output    1,000        15  0.0150" in shown
    assert "below it 1.25 and 10 USD/Mtok" in shown


def test_a_contract_of_your_own_books_takes_its_discount_off() -> None:
    ours = [
        *[
            "claude-sonnet-4-6",
            "--input-tokens",
            "2000",
            "--output-tokens",
            "400",
            "--books",
            "scenarios/own-books",
        ]
    ]
    done = CliRunner().invoke(
        app, ["cost", *ours, "--contract", "anthropic-2026", "--format", "json"], prog_name="planner"
    )
    assert json.loads(done.stdout)["usd"] == pytest.approx(0.012 * 0.88)
    unknown = CliRunner().invoke(app, ["cost", *ours, "--contract", "mine"], prog_name="planner")
    assert unknown.exit_code == 2
    assert "contracts of your books: anthropic-2026" in unknown.stderr
