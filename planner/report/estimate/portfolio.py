"""Several scenarios as one table: the total, the dearest first, and what they warn of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from planner.report.estimate.portfolio_range import portfolio_spread
from planner.report.estimate.uncertainty import portfolio_rows
from planner.report.numbers import count, usd
from planner.report.screen import grid
from planner.specs.answers.estimate import Estimate

SHOWN_SCENARIOS = 20  # of more than these, a table shows the portfolio alone
SHOWN_PORTFOLIO = 50  #: dearest first; the rest is one row with its sum


def portfolio_parts(estimates: tuple[Estimate, ...]) -> Iterator[RenderableType]:
    """Yield the total of several scenarios, dearest first: at the API, and as recommended; then what they warn of."""
    table = grid("Portfolio", "requests/day", "API USD/month", "choose", "USD/month", left=1)
    dearest = sorted(estimates, key=lambda estimate: -estimate.recommended_usd_per_month)
    for estimate in dearest[:SHOWN_PORTFOLIO]:
        chosen = estimate.recommendation.hosting
        table.add_row(
            estimate.scenario,
            count(estimate.workload.requests_per_day),
            usd(estimate.cost.usd_per_month),
            chosen.kind if chosen else "none",
            usd(estimate.recommended_usd_per_month),
        )
    rest = dearest[SHOWN_PORTFOLIO:]
    if rest:
        table.add_row(
            f"{len(rest)} more, in --format csv",
            "",
            usd(sum(each.cost.usd_per_month for each in rest)),
            "",
            usd(sum(each.recommended_usd_per_month for each in rest)),
            style="dim",
        )
    api = sum(estimate.cost.usd_per_month for estimate in estimates)
    chosen_usd = sum(estimate.recommended_usd_per_month for estimate in estimates)
    table.add_row(f"total of {len(estimates)}", "", usd(api), "", usd(chosen_usd), style="head")
    for words, span in portfolio_rows(portfolio_spread(estimates)):
        table.add_row(words, "", "", "", span, style="dim")
    yield table
    yield Text("")
    if len(estimates) > SHOWN_SCENARIOS:
        yield from _warned(estimates)


def _warned(estimates: tuple[Estimate, ...]) -> Iterator[RenderableType]:
    """Yield how many scenarios of a portfolio warn of what, and where to read on."""
    codes = Counter(code for each in estimates for code in {notice.code for notice in each.warnings})
    if codes:
        table = grid("Warnings", "scenarios", left=1)
        for code, scenarios in codes.most_common():
            table.add_row(code, count(scenarios))
        yield table
        yield Text("")
    yield Text(
        "estimate one of them alone for reasons, options and advice, or ask for --format json", style="dim"
    )
