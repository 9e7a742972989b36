"""The command line, run in this process as a pipe of 80 columns would see it."""

from pathlib import Path

from typer.testing import CliRunner, Result

from planner.cli.main import app


def planner(*args: str | Path, columns: int = 80) -> Result:
    """Run ``planner`` with ``args`` and return its exit code, stdout and stderr."""
    words = [str(arg) for arg in args]
    return CliRunner().invoke(app, words, prog_name="planner", env={"COLUMNS": str(columns)})
