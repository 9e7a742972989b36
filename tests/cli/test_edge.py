"""Whatever a command raises becomes one message and a documented exit code."""

import io
import sys

import pytest
import typer

from planner.cli.edge import error_edge
from planner.errors import (
    DataError,
    EngineError,
    Fault,
    InputError,
    LockStaleError,
    PlannerError,
    UsageError,
)

FAULTS = (
    Fault(file="a.yaml", key="x", line=1, column=2, expected="a number", found="text"),
    Fault(file="b.yaml", key="", expected="a file", found="a folder", nearest="c.yaml"),
)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (UsageError("no such flag", cure="see --help"), 2, "error: no such flag\ncure: see --help\n"),
        (
            InputError(FAULTS),
            2,
            (
                "error: a.yaml:1:2 x: expected a number, found text\n"
                "error: b.yaml: expected a file, found a folder; did you mean 'c.yaml'?\n"
            ),
        ),
        (
            InputError(FAULTS[:1], cure="fix it"),
            2,
            "error: a.yaml:1:2 x: expected a number, found text\ncure: fix it\n",
        ),
        (DataError("no price"), 3, "error: no price\n"),
        (EngineError("gone", cure="start it"), 4, "error: gone\ncure: start it\n"),
        (LockStaleError("old"), 5, "error: old\n"),
        (PlannerError("odd"), 70, "error: odd\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (
            typer.BadParameter("Value error, not a date"),
            2,
            "error: Invalid value: not a date\ncure: planner --help lists what it takes\n",
        ),
    ],
)
def test_an_error_is_its_message_its_cure_and_its_code(
    error: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left, error_edge():
        raise error
    assert left.value.code == code
    assert capsys.readouterr() == ("", message)


def test_a_bug_shows_its_traceback_and_asks_for_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left, error_edge():
        raise ZeroDivisionError("division by zero")
    said = capsys.readouterr().err
    assert left.value.code == 70
    assert "ZeroDivisionError: division by zero" in said
    assert "This is a bug in planner" in said


@pytest.mark.parametrize("passed", [typer.Exit(1), typer.Abort()])
def test_typer_s_own_ways_out_pass_through(passed: Exception) -> None:
    with pytest.raises(type(passed)), error_edge():
        raise passed


def test_a_reader_that_has_gone_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[int] = []
    stdout = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(stdout, "fileno", lambda: 77, raising=False)
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setattr("os.dup2", lambda _, target: copied.append(target))
    with pytest.raises(SystemExit) as left, error_edge():
        raise BrokenPipeError
    assert left.value.code == 0
    assert copied == [77]  # what is still buffered goes to nowhere


def test_nothing_raised_is_nothing_said(capsys: pytest.CaptureFixture[str]) -> None:
    with error_edge():
        pass
    assert capsys.readouterr() == ("", "")
