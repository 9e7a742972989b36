"""``planner cost`` for words, pages and files instead of tokens."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from planner.cli.main import app
from planner.errors import EXIT_USAGE

DAY = ("--as-of", "2026-11-23")


def run(*args: str) -> Any:
    return CliRunner(env={"COLUMNS": "160"}).invoke(app, ["cost", *args, *DAY])


def tokens(*args: str) -> float:
    return float(json.loads(run(*args, "--output-tokens", "1", "-f", "json").stdout)["plain_input_tokens"])


@pytest.mark.parametrize(
    ("model", "size", "expected"),
    [
        ("gpt-5.1", ("--input-words", "1500"), 2000),  # ÷ 0.75
        ("gpt-5.1", ("--input-characters", "800"), 200),  # ÷ 4
        ("gpt-5.1", ("--input-pages", "2"), 800),  # 600 words ÷ 0.75
        ("claude-opus-4-8", ("--input-words", "1500"), 2703),  # ÷ 0.555
        ("claude-opus-4-6", ("--input-characters", "3400"), 1000),  # ÷ 3.4
    ],
)
def test_a_text_is_priced_in_the_tokens_of_the_model(
    model: str, size: tuple[str, ...], expected: float
) -> None:
    assert tokens(model, *size) == expected


def test_a_file_is_measured_and_the_report_says_how(tmp_path: Path) -> None:
    file = tmp_path / "prompt.md"
    file.write_text("x" * 4000)
    shown = run("gpt-5.1", "--input-file", str(file), "--output-words", "75").stdout
    # 4,000 letters × 0.84 ÷ 4 characters of the rule = 840
    assert "4,000 characters of input are 840 tokens of o200k: 739 to 1,008 by the vendor's rule" in shown
    assert "75 words of output are 100 tokens of o200k" in shown


def test_a_tokenizer_of_which_nothing_is_published_says_so() -> None:
    shown = run("mistral-large-latest", "--input-words", "750", "--output-tokens", "1").stdout
    assert "1,000 tokens of mistral: 750 to 1,400 by the common rule, none is published" in shown


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("--output-tokens", "1"), "how long is the input? Give exactly one size"),
        (("--input-tokens", "1", "--input-words", "1", "--output-tokens", "1"), "one of --input-tokens,"),
        (("--input-tokens", "1"), "one of --output-tokens, --output-words"),
        (("--input-words", "-1", "--output-tokens", "1"), "must not be negative: --input-words is -1"),
        (("--input-file", "nowhere.md", "--output-tokens", "1"), "found nothing at 'nowhere.md'"),
    ],
)
def test_sizes_that_cannot_be_are_refused(args: tuple[str, ...], text: str) -> None:
    result = run("gpt-5.1", *args)
    assert result.exit_code == EXIT_USAGE
    assert text in result.stderr
