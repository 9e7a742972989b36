"""Tokenizers and prices for the same text on the screen."""

from typer.testing import CliRunner

from planner.cli.main import app


def run(*args: str) -> str:
    done = CliRunner(env={"COLUMNS": "120", "NO_COLOR": "1"}).invoke(app, args, prog_name="planner")
    assert done.exit_code == 0, done.output
    return done.stdout


def row(shown: str, name: str) -> list[str]:
    return next(line for line in shown.splitlines() if line.startswith(name + " ")).split()


def test_families_are_listed_with_what_a_thousand_words_take_and_who_says_so() -> None:
    shown = run("books", "list", "tokenizers")
    # 1,000 / 0.555 = 1,802; its band 0.78 to 1.15 of that
    assert row(shown, "claude-2026")[-3:] == ["1,802", "tokens", "1,405–2,432"]
    assert row(shown, "mistral")[1:3] == ["common", "rule"]
    assert "gemini: https://ai.google.dev/gemini-api/docs/tokens" in shown


def test_prices_are_compared_for_the_same_words() -> None:
    shown = run("books", "list", "words")
    # opus 4.6 and 4.8 both cost 5 and 25 USD/Mtok: 6.67 and 33.3 per million words, or 9.01 and 45
    assert row(shown, "anthropic/claude-opus-4-6")[-4:] == ["5", "25", "6.67", "33.3"]
    assert row(shown, "anthropic/claude-opus-4-8")[-4:] == ["5", "25", "9.01", "45"]
    assert "anthropic/claude-3-5-sonnet" not in shown  # retired


def test_the_estimate_says_how_the_prompt_is_known() -> None:
    shown = run("estimate", "scenarios/rag-documents.yaml")
    assert "Prompt by model" in shown
    assert row(shown, "openai/gpt-4.1-mini  o200k")[1] == "o200k"
    assert "vendor's rule" in shown


def test_stated_counts_say_nothing_about_tokenizers() -> None:
    assert "Prompt by model" not in run("estimate", "scenarios/support-chatbot.yaml")
