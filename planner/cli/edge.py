"""The one place where exceptions become messages and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from typer import Abort, BadParameter, Exit

import planner
from planner.errors import EXIT_BUG, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, InputError, PlannerError

# typer carries its own click in some releases and imports it in others; this finds the one in use.
CLICK_EXCEPTION: type[BaseException] = next(
    base for base in BadParameter.__mro__ if base.__name__ == "ClickException"
)


@contextmanager
def error_edge() -> Iterator[None]:
    """Turn whatever a command raises into one message on stderr and a documented exit code.

    Raises
    ------
    SystemExit
        With the code of ``planner.errors``; typer's own exceptions pass through, typer words them.
    """
    try:
        yield
    except CLICK_EXCEPTION as error:
        _say_usage(error)
        raise SystemExit(EXIT_USAGE) from error
    except (Exit, Abort):
        raise
    except InputError as error:
        _say_failure([f"error: {fault}" for fault in error.faults], error.cure)
        raise SystemExit(error.exit_code) from error
    except PlannerError as error:
        _say_failure([f"error: {error.message}"], error.cure)
        raise SystemExit(error.exit_code) from error
    except KeyboardInterrupt as error:
        _say("interrupted")
        raise SystemExit(EXIT_INTERRUPTED) from error
    except BrokenPipeError as error:  # the reader of our output has gone, as in `planner ... | head`
        let_reader_go()
        raise SystemExit(EXIT_OK) from error
    except Exception as error:
        _report_bug()
        raise SystemExit(EXIT_BUG) from error


def let_reader_go() -> None:
    """Write to nowhere from here on: else Python fails once more when it flushes stdout at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _say_failure(lines: list[str], cure: str | None) -> None:
    _say("\n".join([*lines, *([f"cure: {cure}"] if cure else [])]))


def _say_usage(error: BaseException) -> None:
    """Word a fault of the command line like every other one; ``planner`` alone gets its help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        _say(str(error))
        return
    message = error.format_message()  # type: ignore[attr-defined]  # of click, whichever click typer uses
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "planner"
    _say_failure([f"error: {message.replace('Value error, ', '')}"], f"{command} --help lists what it takes")


def _report_bug() -> None:
    import traceback

    traceback.print_exc()
    _say(
        f"\nThis is a bug in planner {planner.__version__}, not in your input. "
        "Please report it with the lines above and the command that you ran."
    )
