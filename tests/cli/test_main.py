"""What the command line answers when it is used wrongly: one form of words, exit code 2."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from planner.cli.main import app

SUPPORT = "scenarios/support-chatbot.yaml"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["estmate", SUPPORT],
            "error: there is no command 'estmate'\ncure: did you mean planner estimate?\n",
        ),
        (["qqq"], "error: there is no command 'qqq'\ncure: planner --help lists them\n"),
        (
            ["estimate"],
            "error: Missing argument 'scenarios'.\ncure: planner estimate --help lists what it takes\n",
        ),
        (
            ["estimate", SUPPORT, "--format", "xml"],
            (
                "error: Invalid value for '--format' / '-f': 'xml' is not one of 'table', 'json', 'csv', 'md'.\n"
                "cure: planner estimate --help lists what it takes\n"
            ),
        ),
        (
            ["cost", "nosuchmodel", "--input-tokens", "1", "--output-tokens", "1"],
            "error: no API model is called 'nosuchmodel' in the books\ncure: see `planner books list prices`\n",
        ),
        (
            ["estimate", SUPPORT, "--set", "traffic.requests_per_day=lots"],
            (
                "error: --set traffic.requests_per_day=lots traffic.requests_per_day: "
                'expected a number, found the text "lots"\n'
            ),
        ),
        (
            ["estimate", SUPPORT, "--set", "models.7.share=0.5"],
            "error: --set models.7.share: the list there has 2 entries, counted from 0\n",
        ),
    ],
)
def test_a_wrong_command_line_is_one_error_and_a_cure(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, arguments, prog_name="planner")
    assert result.exit_code in {2, 3}
    assert result.stderr == message


def test_an_index_may_be_written_with_a_dot() -> None:
    arguments = [SUPPORT, "--set", "models.0.share=0.5", "--set", "models[1].share=0.5", "--format", "csv"]
    result = CliRunner().invoke(app, ["estimate", *arguments])
    # 10,000 requests a day: half at 0.00054 USD, half at 0.012 USD (the worked example's two prices)
    assert result.exit_code == 0
    assert f",{5_000 * 0.00054 + 5_000 * 0.012:.12g}," in result.stdout.splitlines()[-1]
