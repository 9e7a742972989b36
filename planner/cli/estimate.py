"""``planner estimate``: the main job."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.options import (
    AsOfOption,
    BooksOption,
    Format,
    FormatOption,
    NoColorOption,
    OutputOption,
    QuietOption,
    SetOption,
    StrictOption,
    date_or_none,
    emit,
    screen_of,
    today,
)
from planner.cli.step_profiles import ProfileOption, local_machine
from planner.errors import EXIT_FINDING, DataError, UsageError
from planner.inputs.estimating import read_all
from planner.inputs.step_profiles import load_step_profiles
from planner.planning.estimate import estimate_scenario, workbench_for
from planner.report.estimate.portfolio import SHOWN_SCENARIOS, portfolio_parts
from planner.report.estimate.table import estimate_parts
from planner.report.estimate.text import estimates_csv, estimates_json, estimates_markdown
from planner.report.screen import render
from planner.specs.answers.estimate import Estimate
from planner.specs.case import Case

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import numpy as np

    from planner.specs.profiles.step import LocalMachine


app = typer.Typer(rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})


@app.command()
def estimate(
    scenarios: Annotated[
        list[Path], typer.Argument(help="Scenario files, or folders of them.", show_default=False)
    ],
    sets: SetOption = None,
    as_of: AsOfOption = None,
    books: BooksOption = None,
    profile: ProfileOption = None,
    output_format: FormatOption = Format.table,
    output: OutputOption = "-",
    what_if: Annotated[
        list[str] | None,
        typer.Option("--what-if", metavar="ADVICE", help="Follow one piece of the advice first. May repeat."),
    ] = None,
    explain_defaults: Annotated[
        bool, typer.Option("--explain-defaults", help="List each default that filled a gap.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws behind p10 and p90 of the bill.")] = 0,
    strict: StrictOption = False,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Cost, capacity and the tier to choose, for one or many scenarios.

    Several files or a folder give a portfolio with a total; a table of more than 20 scenarios is the portfolio alone.
    """
    measured = load_step_profiles(profile)
    cases = read_all(tuple(scenarios), tuple(sets or ()), tuple(books or ()), measured)
    summed = output_format is Format.csv or (output_format is Format.table and len(cases) > SHOWN_SCENARIOS)
    estimates = tuple(
        _estimates(
            cases,
            date_or_none(as_of),
            tuple(what_if or ()),
            None if summed else seed,
            local_machine(measured),
        )
    )
    width, color = screen_of(output, no_color=no_color)
    emit(_shown(estimates, output_format, width=width, color=color, defaults=explain_defaults), output)
    warnings = sum(len(each.warnings) for each in estimates)
    if warnings and output_format is not Format.table and not quiet:
        sys.stderr.write(f"{warnings} warnings, see the result\n")
    if strict and (warnings or _unanswered(estimates)):
        raise typer.Exit(EXIT_FINDING)


def _unanswered(estimates: tuple[Estimate, ...]) -> bool:
    """Tell whether no option holds for some scenario."""
    return any(each.recommendation.hosting is None for each in estimates)


def _estimates(
    cases: tuple[Case, ...],
    as_of: date | None,
    what_if: tuple[str, ...],
    seed: int | None,
    machine: LocalMachine,
) -> Iterator[Estimate]:
    """Estimate each scenario; each draws from its own generator, so that its figures do not hang on the others.

    Without a seed there is neither a range nor advice, for reports that show sums alone.
    """

    def rng() -> np.random.Generator:
        import numpy as np  # its random part is loaded by the first use, which takes 20 ms

        return np.random.default_rng(seed)

    shared = workbench_for(cases, machine)
    for case in cases:
        day = as_of or case.scenario.as_of or today()
        try:
            yield estimate_scenario(
                case,
                day,
                what_if,
                advised=seed is not None,
                rng=rng if seed is not None else None,
                workbench=shared,
            )
        except (DataError, UsageError) as error:  # of which file it speaks: there may be hundreds
            raise type(error)(f"{case.file}: {error.message}", cure=error.cure) from None


def _shown(
    estimates: tuple[Estimate, ...], output_format: Format, *, width: int, color: bool, defaults: bool
) -> str:
    writers = {Format.json: estimates_json, Format.csv: estimates_csv, Format.md: estimates_markdown}
    if output_format in writers:
        return writers[output_format](estimates)

    parts = list(portfolio_parts(estimates)) if len(estimates) > 1 else []
    if len(estimates) <= SHOWN_SCENARIOS:
        parts += [part for each in estimates for part in estimate_parts(each, width=width, defaults=defaults)]
    return render(*parts, width=width, color=color).rstrip("\n") + "\n"
