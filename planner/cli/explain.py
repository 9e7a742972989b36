"""``planner explain``: where one number came from, down to price row and source."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from planner.cli.options import (
    AsOfOption,
    BooksOption,
    NoColorOption,
    OutputOption,
    SetOption,
    date_or_none,
    emit,
    screen_of,
    today,
)
from planner.cli.step_profiles import ProfileOption
from planner.errors import DataError, UsageError
from planner.inputs.books import load_books
from planner.inputs.estimating import read_all
from planner.inputs.step_profiles import load_step_profiles
from planner.planning.estimate import estimate_scenario
from planner.planning.explain.tree import explain as explained, explain_all, headline_path
from planner.report.books_table import find_rows, row_text
from planner.report.explain import Explanation, explanation_parts, explanations_json, explanations_markdown
from planner.report.screen import render
from planner.specs.case import Case

app = typer.Typer(rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})


class ExplainFormat(StrEnum):
    """How explanations are written."""

    table = "table"
    json = "json"
    md = "md"


@app.command()
def explain(
    target: Annotated[
        str,
        typer.Argument(help="Scenario file or folder, or the id of a row of the books.", show_default=False),
    ],
    path: Annotated[
        str | None,
        typer.Argument(help="Number or part of the JSON report, such as cost.by_model[0].usd_per_month."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every number of the report.")] = False,
    sets: SetOption = None,
    as_of: AsOfOption = None,
    books: BooksOption = None,
    profile: ProfileOption = None,
    output_format: Annotated[
        ExplainFormat, typer.Option("--format", "-f", help="How to write the result.")
    ] = ExplainFormat.table,
    output: OutputOption = "-",
    no_color: NoColorOption = False,
) -> None:
    """Where a number of the report comes from: formula, inputs, book rows, sources, grade.

    Without a path it explains what the recommended option costs.
    """
    if every and path is not None:
        raise UsageError("--all and a path do not go together", cure="name a path, or ask for --all")
    if not Path(target).exists() and not target.endswith((".yaml", ".yml")):
        emit(_book_rows(target, tuple(books or ())), output)
        return
    cases = read_all((Path(target),), tuple(sets or ()), tuple(books or ()), load_step_profiles(profile))
    overrides = tuple(each.partition("=")[0] for each in sets or ())
    found = _explanations(cases, path, every, overrides, as_of)
    width, color = screen_of(output, no_color=no_color)
    emit(_shown(found, output_format, width=width, color=color), output)


def _explanations(
    cases: tuple[Case, ...], path: str | None, every: bool, overrides: tuple[str, ...], as_of: str | None
) -> list[Explanation]:
    found = []
    for case in cases:
        day = date_or_none(as_of) or case.scenario.as_of or today()
        made = estimate_scenario(case, day, rng=lambda: np.random.default_rng(0))
        numbers = (
            explain_all(case, made, overrides)
            if every
            else explained(case, made, path or headline_path(made), overrides)
        )
        found.append(Explanation(estimate=made, numbers=numbers))
    return found


def _shown(found: list[Explanation], output_format: ExplainFormat, *, width: int, color: bool) -> str:
    if output_format is ExplainFormat.json:
        return explanations_json(found)
    if output_format is ExplainFormat.md:
        return explanations_markdown(found)
    parts = [part for each in found for part in explanation_parts(each)]
    return render(*parts, width=width, color=color).rstrip("\n") + "\n"


def _book_rows(name: str, books: tuple[Path, ...]) -> str:
    """Return the rows of the books that a name means, which carry their sources and dates."""
    loaded = load_books(*books)
    rows = list(find_rows(loaded, name))
    if not rows:
        near = [
            near for shelf in (loaded.api, loaded.hardware, loaded.models) for near in shelf.nearest(name)
        ]
        hint = (
            f"did you mean {', '.join(near[:5])}?" if near else "name a scenario file or a row of the books"
        )
        raise DataError(f"{name!r} is neither a file nor a row of the books", cure=hint)
    return "".join(f"# {section}\n{row_text(row)}" for section, row in rows)
