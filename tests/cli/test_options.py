"""Options that commands share: dates, where results go, how wide a screen is."""

import os
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import pytest
import typer

from planner.cli import options
from planner.cli.options import date_or_none, emit, screen_of, today
from planner.errors import UsageError
from tests.cli.shell import planner

CHAT = "scenarios/support-chatbot.yaml"


def test_a_date_is_read_or_refused_by_its_form() -> None:
    assert date_or_none("2025-06-15") == date(2025, 6, 15)
    assert date_or_none(None) is None
    for text in ("15.6.2025", "2025-13-01", "soon"):
        with pytest.raises(typer.BadParameter, match=f"expected a date as YYYY-MM-DD, found '{text}'"):
            date_or_none(text)


def test_today_is_the_calendar_s_day() -> None:
    assert abs((today() - datetime.now().date()).days) <= 1  # noqa: DTZ005 - the local day is meant


def test_a_result_goes_to_stdout_or_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    emit("héllo\n", "-")
    assert capsys.readouterr().out == "héllo\n"
    emit("héllo\n", str(tmp_path / "out.txt"))
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "héllo\n"
    with pytest.raises(UsageError, match=r"cannot write .*nowhere.*: No such file or directory"):
        emit("x", str(tmp_path / "nowhere" / "out.txt"))


@pytest.mark.parametrize(
    ("terminal", "environment", "no_color", "expected"),
    [
        (True, {}, False, (120, True)),
        (True, {}, True, (120, False)),
        (True, {"NO_COLOR": "1"}, False, (120, False)),
        (True, {"TERM": "dumb"}, False, (120, False)),
        (False, {}, False, (options.PIPE_WIDTH, False)),
        (False, {"COLUMNS": "50"}, False, (120, False)),
    ],
)
def test_only_a_terminal_has_colours_and_a_width_of_its_own(
    terminal: bool,
    environment: dict[str, str],
    no_color: bool,
    expected: tuple[int, bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("COLUMNS", "NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr("shutil.get_terminal_size", lambda _: os.terminal_size((120, 40)))
    assert screen_of("-", no_color=no_color) == expected
    assert screen_of("file.txt", no_color=no_color)[1] is False


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["fit", "llama-3.1-8b", "--memory-utilization", "5"], "--memory-utilization"),
        (["fit", "llama-3.1-8b", "--max-num-seqs", "0"], "--max-num-seqs"),
        (["predict", "--memory-utilization", "nan"], "--memory-utilization"),
        (["predict", "--max-num-seqs", "0"], "--max-num-seqs"),
        (["simulate", "--rate", "1", "--memory-utilization", "1.1"], "--memory-utilization"),
        (["simulate", "--rate", "1", "--input-tokens", "-5"], "--input-tokens"),
        (["simulate", "--rate", "1", "--output-tokens", "0"], "--output-tokens"),
    ],
)
def test_a_setting_that_no_engine_accepts_is_refused_by_its_option(arguments: list[str], option: str) -> None:
    refused = planner(*arguments)
    assert refused.exit_code == 2
    assert f"Invalid value for '{option}'" in refused.stderr


@pytest.mark.parametrize(
    "command",
    [
        f"check {CHAT} --strict --as-of 2025-06-15",
        f"estimate {CHAT} --strict --quiet",
        "fit llama-3.1-70b --gpu l4 --strict",
        f"diff {CHAT} scenarios/rag-documents.yaml --exit-code",
    ],
)
def test_a_reader_that_has_gone_does_not_turn_a_finding_into_a_pass(command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-m", "planner", *command.split()]
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")
