"""``planner check``: does this change cost more, break a limit, or miss a target? For people and for CI."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.locked_profiles import LockedProfileOption
from planner.cli.options import (
    PIPE_WIDTH,
    AsOfOption,
    BooksOption,
    NoColorOption,
    OutputOption,
    QuietOption,
    StrictOption,
    date_or_none,
    emit,
    screen_of,
    today,
)
from planner.errors import EXIT_FINDING, UsageError

if TYPE_CHECKING:
    from planner.specs.gate.finding import Checked

app = typer.Typer(rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})


class CheckFormat(StrEnum):
    """How a check is written."""

    text = "text"
    json = "json"
    md = "md"
    html = "html"
    junit = "junit"
    sarif = "sarif"
    github = "github"
    gitlab = "gitlab"


FOR_MACHINES = (CheckFormat.github, CheckFormat.gitlab, CheckFormat.sarif)


@app.command()
def check(
    scenarios: Annotated[
        list[Path] | None,
        typer.Argument(help="Scenario files, or folders of them; those of planner.yaml or the lock if none."),
    ] = None,
    *,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", metavar="LOCK", help="Lock to compare with; planner.lock.json."),
    ] = None,
    base_ref: Annotated[
        str | None, typer.Option("--base-ref", metavar="REF", help="Git revision to compare with, instead.")
    ] = None,
    project: Annotated[
        Path | None, typer.Option("--project", metavar="FILE", help="Gates and waivers of all; planner.yaml.")
    ] = None,
    gates: Annotated[
        list[str] | None,
        typer.Option(
            "--gate", metavar="KEY=VALUE", help="Overrides one gate, such as max_increase_fraction."
        ),
    ] = None,
    as_of: AsOfOption = None,
    books: BooksOption = None,
    profile: LockedProfileOption = None,
    output_format: Annotated[
        CheckFormat | None,
        typer.Option("--format", "-f", help="How to write the result; text, and annotations inside Actions."),
    ] = None,
    output: OutputOption = "-",
    reports: Annotated[
        list[str] | None,
        typer.Option("--report", metavar="FORMAT=FILE", help="Write another format beside it. May repeat."),
    ] = None,
    strict: StrictOption = False,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Judge the scenarios, and what changed since the lock or a git revision.

    A gate of a flag wins over the scenario's own, which wins over the project's. Exit codes: 0 passed, 1 a gate failed,
    2 a broken file, 3 a price is missing, 5 the lock is out of date.
    """
    from planner.cli.check_run import Asked, checked_of

    files = [_report(each) for each in reports or ()]
    asked = Asked(
        scenarios=tuple(scenarios or ()),
        baseline=baseline,
        base_ref=base_ref,
        project=project,
        gates=tuple(gates or ()),
        as_of=date_or_none(as_of),
        today=date_or_none(as_of) or today(),
        books=tuple(books or ()),
        profile=profile,
    )
    checked = checked_of(asked)
    width, color = screen_of(output, no_color=no_color)
    emit(_shown(checked, output_format, width=width, color=color), output)
    for wanted, file in files:
        emit(_shown(checked, wanted, width=PIPE_WIDTH, color=False), file)
    if os.environ.get("GITHUB_ACTIONS") == "true" and not quiet:
        _tell_actions(checked, annotate=output_format is None or output != "-")
    _leave(checked, strict=strict)


def _report(text: str) -> tuple[CheckFormat, str]:
    """Return format and file of a report such as ``sarif=planner.sarif``."""
    name, _, file = text.partition("=")
    if name not in list(CheckFormat) or not file:
        raise UsageError(
            f"--report {text!r} is not of the form format=file",
            cure=f"formats: {', '.join(CheckFormat)}; such as --report sarif=planner.sarif",
        )
    return CheckFormat(name), file


def _shown(checked: Checked, output_format: CheckFormat | None, *, width: int, color: bool) -> str:
    """Return the check in a format; each format's module is imported when it is asked for."""
    if output_format in (None, CheckFormat.text):
        from planner.report.gate.check_text import check_parts
        from planner.report.screen import render

        return render(*check_parts(checked), width=width, color=color).rstrip("\n") + "\n"
    from planner.report.gate.formats import FORMATS

    named = _from_the_top(checked) if output_format in FOR_MACHINES else checked
    return FORMATS[str(output_format)](named)


def _from_the_top(checked: Checked) -> Checked:
    """Name files from the top of the repository that CI checked out, which may lie above this folder."""
    from planner.report.gate.check_ci import seen_from

    top = os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR")
    here = Path.cwd()
    if not top or not here.is_relative_to(Path(top).resolve()):
        return checked
    folder = here.relative_to(Path(top).resolve()).as_posix()
    return checked if folder == "." else seen_from(checked, folder)


def _tell_actions(checked: Checked, *, annotate: bool) -> None:
    """Write the step's summary and outputs, and annotations unless stdout holds another format."""
    from planner.report.gate.check_ci import github_annotations, github_outputs
    from planner.report.gate.check_markdown import check_markdown

    if annotate:
        emit(github_annotations(_from_the_top(checked)), "-")
    texts = {"GITHUB_STEP_SUMMARY": check_markdown, "GITHUB_OUTPUT": github_outputs}
    for variable, write in texts.items():
        file = os.environ.get(variable)
        if file:
            with Path(file).open("a", encoding="utf-8") as stream:
                stream.write(write(checked))


def _leave(checked: Checked, *, strict: bool) -> None:
    """Exit with the code of the findings; with ``--strict`` a warning is a finding, too."""
    code = checked.exit_code
    if code == 0 and strict and checked.count("warning"):
        code = EXIT_FINDING
    if code:
        raise typer.Exit(code)
