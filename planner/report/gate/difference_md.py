"""A difference as Markdown: causes, figures beside the cost, unknowns. The comment of a check is made of the same parts."""

from __future__ import annotations

from collections.abc import Sequence

from planner.report.gate.difference_words import (
    SHOWN_SCENARIOS,
    change_words,
    headline,
    metric_words,
    moves,
    sources,
)
from planner.report.markdown import cell, folded, row
from planner.report.numbers import signed_usd
from planner.specs.gate.difference import Cause, Difference, ScenarioDifference

SHOWN_CAUSES = 20  #: of one scenario; the rest is one row with its sum, so that the bars still add up
SHOWN_METRICS = 40  #: of all scenarios together, in a folded part of the comment


def difference_markdown(found: Difference) -> str:
    """Return a difference as Markdown: the decision first, then each scenario's waterfall."""
    moved = [each for each in found.scenarios if each.status not in {"unchanged", "unknown"}]
    lines = [f"### {headline(found)}", "", *(cell(line) + "<br>" for line in sources(found)), ""]
    for each in moved[:SHOWN_SCENARIOS]:
        lines.extend([f"#### {cell(each.name)}: {cell(change_words(each))}", ""])
        lines.extend(cause_lines(each.causes, each.delta_usd_per_month))
        lines.append("")
    if len(moved) > SHOWN_SCENARIOS:
        lines.extend([f"And {len(moved) - SHOWN_SCENARIOS} scenarios more.", ""])
    lines.extend(metric_lines(moved))
    lines.extend(unknown_lines(found))
    return "\n".join(lines).rstrip() + "\n"


def cause_lines(causes: Sequence[Cause], delta_usd_per_month: float | None) -> list[str]:
    """Return a waterfall as a table that sums to its last row."""
    if not causes:
        return ["no cause with an effect on the cost"]
    lines = [row("cause", "change", "USD/month"), "|---|---|---:|"]
    lines.extend(_cause(cause) for cause in causes[:SHOWN_CAUSES])
    hidden = causes[SHOWN_CAUSES:]
    if hidden:
        lines.append(row(f"{len(hidden):,} more", "", signed_usd(sum(each.usd_per_month for each in hidden))))
    lines.append(row("**together**", "", f"**{signed_usd(delta_usd_per_month)}**"))
    return lines


def _cause(cause: Cause) -> str:
    name = cell(cause.name) + (f" (`{cell(cause.file)}`)" if cause.file is not None else "")
    change = cause.change
    words = "; ".join(each for each in (change, cause.effect) if each)
    return row(name, cell(words), signed_usd(cause.usd_per_month))


def metric_lines(scenarios: Sequence[ScenarioDifference]) -> list[str]:
    """Return the figures beside the cost that moved, folded; nothing where none did."""
    rows = [
        row(cell(each.name), *(cell(words) for words in metric_words(metric)))
        for each in scenarios
        for metric in each.metrics
        if moves(metric)
    ]
    if not rows:
        return []
    head = (row("scenario", "figure", "change", ""), "|---|---|---|---|")
    more = [f"| {len(rows) - SHOWN_METRICS:,} more | | | |"] if len(rows) > SHOWN_METRICS else []
    return folded("Beside the cost", *head, *rows[:SHOWN_METRICS], *more)


def unknown_lines(found: Difference) -> list[str]:
    """Return what has no price on one side and is in no total; nothing where all is known."""
    if not found.unknowns:
        return []
    lines = ["**Unknown, and not in the totals**", ""]
    for each in found.unknowns[:SHOWN_SCENARIOS]:
        side = found.base if each.side == "base" else found.head
        cure = f" ({cell(each.cure)})" if each.cure else ""
        lines.append(f"- {cell(each.scenario)} in {cell(side)}: {cell(each.reason)}{cure}")
    if len(found.unknowns) > SHOWN_SCENARIOS:
        lines.append(f"- and {len(found.unknowns) - SHOWN_SCENARIOS:,} more")
    return [*lines, ""]
