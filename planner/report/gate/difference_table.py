"""A difference for the terminal: what it costs and mostly why first, then each scenario's waterfall."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from planner.report.gate.difference_words import (
    SHOWN_SCENARIOS,
    beside_words,
    change_words,
    headline,
    metric_words,
    moves,
    sources,
)
from planner.report.numbers import signed_usd
from planner.specs.gate.difference import Cause, Difference, MetricChange, ScenarioDifference

WORTH_A_ROW_USD = 0.005  # a part that rounds to nothing is left to --format json, unless it is all there is


def difference_parts(found: Difference) -> Iterator[RenderableType]:
    """Yield the parts of the screen, each followed by an empty line."""
    yield Text(headline(found), style="head")
    for line in sources(found):
        yield Text(line, style="dim")
    yield Text("")
    moved = [each for each in found.scenarios if each.status not in {"unchanged", "unknown"} or each.renamed]
    for each in moved[:SHOWN_SCENARIOS]:
        yield from _scenario(each)
        yield Text("")
    if len(moved) > SHOWN_SCENARIOS:
        yield Text(f"and {len(moved) - SHOWN_SCENARIOS} scenarios more, all in --format json\n", style="dim")
    if found.unknowns:
        yield _unknowns(found)
        yield Text("")


def _scenario(each: ScenarioDifference) -> Iterator[RenderableType]:
    style = "bad" if (each.delta_usd_per_month or 0.0) > 0 else "good"
    yield Text.assemble((each.name, "head"), "  ", (change_words(each), style if each.causes else "dim"))
    yield Text(f"  {_where(each)}", style="dim")
    shown = [cause for cause in each.causes if abs(cause.usd_per_month) >= WORTH_A_ROW_USD]
    if shown and each.status not in {"added", "removed"}:
        yield _waterfall(each, shown)
    silent = [cause.name for cause in each.causes if cause not in shown]
    if silent:
        yield Text(f"  changed without effect on the cost: {', '.join(silent)}", style="dim")
    moved = [metric for metric in each.metrics if moves(metric)]
    if moved:
        yield _beside(moved)


def _where(each: ScenarioDifference) -> str:
    if each.renamed:
        return f"{each.file_before} is now {each.file_after}"
    return each.file_after or f"{each.file_before}, removed"


def _waterfall(each: ScenarioDifference, shown: list[Cause]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(width=0)
    table.add_column(ratio=None)
    table.add_column(style="dim", overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    for cause in shown:
        style = "bad" if cause.usd_per_month > 0 else "good"
        words = Text(beside_words(cause))
        table.add_row("", cause.name, words, Text(signed_usd(cause.usd_per_month), style=style))
    rest = sum(cause.usd_per_month for cause in each.causes if cause not in shown)
    if rest:
        table.add_row("", "smaller parts together", "", signed_usd(rest))
    table.add_row(
        "", Text("together", style="dim"), "", Text(signed_usd(each.delta_usd_per_month), style="head")
    )
    return table


def _beside(metrics: list[MetricChange]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    for _ in range(3):
        table.add_column()
    for metric in metrics:
        name, change, note = metric_words(metric)
        style = {"better": "good", "worse": "bad"}.get(metric.verdict, "dim")
        table.add_row(Text(f"  {name}", style="dim"), change, Text(note, style=style))
    return Group(table)


def _unknowns(found: Difference) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for each in found.unknowns:
        side = found.base if each.side == "base" else found.head
        cure = f" ({each.cure})" if each.cure else ""
        table.add_row(f"  {each.scenario}", Text.assemble(f"in {side}: {each.reason}", (cure, "dim")))
    return Group(Text("Unknown, and not in the totals", style="warn"), table)
