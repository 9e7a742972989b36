"""``planner cost``: the price of one request, without a scenario."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from planner.cli.options import (
    AsOfOption,
    BooksOption,
    Format,
    FormatOption,
    NoColorOption,
    OutputOption,
    QuietOption,
    date_or_none,
    emit,
    screen_of,
    today,
)
from planner.cli.text_sizes import size_in_tokens
from planner.errors import UsageError
from planner.inputs.books import load_books
from planner.inputs.rules import load_rules
from planner.planning.bill.pricing import price_sheet
from planner.planning.bill.prompt_cache import too_short_to_cache
from planner.planning.bill.request_cost import request_cost
from planner.report import request_cost as report
from planner.specs.answers.request_cost import RequestCost
from planner.specs.books.books import Books
from planner.specs.books.price import Contract, ModeOrStandard
from planner.specs.scenario.workload import SizeUnit

app = typer.Typer(rich_markup_mode=None)


class Mode(StrEnum):
    """The processing modes that providers sell."""

    standard = "standard"
    batch = "batch"
    flex = "flex"
    priority = "priority"


class Lifetime(StrEnum):
    """How long what is written to a prompt cache is kept without use."""

    m5 = "5m"
    m30 = "30m"
    h1 = "1h"
    h24 = "24h"


def _mode(mode: Mode | None, *, batch: bool) -> ModeOrStandard:
    if batch and mode not in (None, Mode.batch):
        raise UsageError(f"--batch and --mode {mode} do not go together", cure="give one of them")
    chosen: ModeOrStandard = mode.value if mode is not None else "standard"
    return "batch" if batch else chosen


def _calls(given: list[str] | None) -> dict[str, float]:
    calls: dict[str, float] = {}
    for each in given or []:
        name, _, count = each.partition("=")
        if not name or not count.isdigit():
            raise UsageError(f"--calls wants NAME=COUNT, found {each!r}", cure="for example web_search=2")
        calls[name] = float(count)
    return calls


def _contract(books: Books, name: str | None) -> Contract | None:
    if name is not None and name not in books.contracts:
        known = ", ".join(books.contracts) or "none"
        raise UsageError(f"no contract is called {name!r}", cure=f"contracts of your books: {known}")
    return books.contracts[name] if name is not None else None


@app.command()
def cost(
    model: Annotated[str, typer.Argument(help="An API model: id, alias or bare name.")],
    *,
    input_tokens: Annotated[int | None, typer.Option(help="Whole prompt, cached part included.")] = None,
    output_tokens: Annotated[int | None, typer.Option(help="Visible answer.")] = None,
    input_words: Annotated[
        float | None, typer.Option(help="The prompt in words, counted by the model's tokenizer.")
    ] = None,
    input_characters: Annotated[float | None, typer.Option(help="The prompt in characters.")] = None,
    input_pages: Annotated[float | None, typer.Option(help="The prompt in pages of 300 words.")] = None,
    input_file: Annotated[Path | None, typer.Option(help="The prompt in a text file.")] = None,
    output_words: Annotated[float | None, typer.Option(help="The answer in words.")] = None,
    reasoning_tokens: Annotated[int, typer.Option(help="Hidden tokens, billed as output.")] = 0,
    cached_tokens: Annotated[int, typer.Option(help="Part of the input read from the prompt cache.")] = 0,
    cache_write_tokens: Annotated[int, typer.Option(help="Part of the input written to it.")] = 0,
    ttl: Annotated[Lifetime | None, typer.Option(help="Lifetime of what is written to it.")] = None,
    stored_token_hours: Annotated[float, typer.Option(help="Explicit cache storage, tokens × hours.")] = 0.0,
    mode: Annotated[Mode | None, typer.Option(help="How the request is processed.")] = None,
    batch: Annotated[bool, typer.Option("--batch", help="The same as --mode batch.")] = False,
    region: Annotated[str | None, typer.Option(help="Region of processing, where it costs extra.")] = None,
    contract: Annotated[
        str | None, typer.Option(help="Contract of your own pricing book; see --books.")
    ] = None,
    off_peak: Annotated[
        bool, typer.Option("--off-peak", help="Made in the vendor's off-peak hours.")
    ] = False,
    calls: Annotated[
        list[str] | None, typer.Option(metavar="NAME=COUNT", help="Tool calls with a fee. May repeat.")
    ] = None,
    any_length: Annotated[
        bool,
        typer.Option(
            "--any-length", help="Price a total of many requests, longer than any single one could be."
        ),
    ] = False,
    as_of: AsOfOption = None,
    books: BooksOption = None,
    output_format: FormatOption = Format.table,
    output: OutputOption = "-",
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> None:
    """Price one request, line by line, with the price row that was in force."""
    held = load_books(*(books or ()))
    row = held.api.find(model)
    family = load_rules().family(row.tokenizer)
    units: dict[SizeUnit, float | None] = {
        "tokens": input_tokens,
        "words": input_words,
        "characters": input_characters,
        "pages": input_pages,
    }
    prompt, asked = size_in_tokens("input", family, units, input_file)
    answer, said = size_in_tokens("output", family, {"tokens": output_tokens, "words": output_words})
    day = date_or_none(as_of) or today()
    sheet = price_sheet(
        row,
        day,
        mode=_mode(mode, batch=batch),
        ttl=ttl.value if ttl is not None else None,
        region=region,
        off_peak=off_peak,
        contract=_contract(held, contract),
    )
    result = request_cost(
        sheet,
        input_tokens=prompt,
        output_tokens=answer,
        cached_read_tokens=cached_tokens,
        cache_write_tokens=cache_write_tokens,
        reasoning_tokens=reasoning_tokens,
        calls=_calls(calls),
        stored_token_hours=stored_token_hours,
        any_length=any_length,
    )
    sizes = tuple(notice for notice in (asked, said) if notice is not None)
    short = too_short_to_cache(row, day, cached_tokens=cached_tokens + cache_write_tokens)
    result = replace(result, notices=(*sizes, *short, *result.notices))
    width, color = screen_of(output, no_color=no_color)
    emit(_shown(result, output_format, width=width, color=color, quiet=quiet), output)


def _shown(result: RequestCost, output_format: Format, *, width: int, color: bool, quiet: bool) -> str:
    writers = {Format.json: report.cost_json, Format.csv: report.cost_csv, Format.md: report.cost_markdown}
    if output_format in writers:
        return writers[output_format](result)
    return report.cost_table(result, width=width, color=color, quiet=quiet)
