"""Every way planner can say no, with the exit code that the command line answers.

Inner code raises these and never prints; ``planner.cli.edge`` turns them into one message and one exit
code. The codes are documented in the README and are stable.
"""

from __future__ import annotations

from planner.records import dataclass

EXIT_OK = 0
EXIT_FINDING = 1  #: the answer is no: a finding of a check, a warning under --strict
EXIT_USAGE = 2  #: the command line or a file is wrong; click's own code for it
EXIT_DATA = 3  #: the books or the profiles do not know what was asked
EXIT_ENGINE = 4  #: an engine or a server failed
EXIT_LOCK_STALE = 5
EXIT_BUG = 70  #: EX_SOFTWARE of sysexits.h: the fault is ours
EXIT_INTERRUPTED = 130  #: 128 + SIGINT, as shells say it


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing wrong with one place of an input file.

    ``line`` and ``column`` count from 1; ``None`` where the fault belongs to the file as a whole.
    """

    file: str
    key: str
    expected: str
    found: str
    line: int | None = None
    column: int | None = None
    nearest: str | None = None

    def __str__(self) -> str:
        """Render as ``file:line:column key: expected X, found Y; did you mean Z?``."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        key = f" {self.key}" if self.key else ""
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        return f"{place}{key}: expected {self.expected}, found {self.found}{hint}"


class PlannerError(Exception):
    """Base of all errors that a user can cause or cure."""

    exit_code: int = EXIT_BUG

    def __init__(self, message: str, *, cure: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


class UsageError(PlannerError):
    """The command line asks for something that does not exist or does not go together."""

    exit_code = EXIT_USAGE


class InputError(PlannerError):
    """A file is broken. Carries every fault found in it, not only the first."""

    exit_code = EXIT_USAGE

    def __init__(self, faults: tuple[Fault, ...], *, cure: str | None = None) -> None:
        super().__init__("\n".join(str(fault) for fault in faults), cure=cure)
        self.faults = faults


class DataError(PlannerError):
    """A price, a limit, a model or a GPU that the answer needs is missing, ambiguous or too old."""

    exit_code = EXIT_DATA


class EngineError(PlannerError):
    """An engine or server failed, or the measurement is invalid."""

    exit_code = EXIT_ENGINE


class LockStaleError(PlannerError):
    """The lock file no longer matches its inputs."""

    exit_code = EXIT_LOCK_STALE
