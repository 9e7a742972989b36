"""What the monthly bill may come to, in one line, and which input moves it most, as a table."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from planner.report.numbers import count, percent, usd
from planner.report.screen import grid
from planner.specs.answers.estimate import HostingOption
from planner.specs.scenario.uncertainty import BillSpread, PortfolioSpread, Swing

ROUND_FROM_USD = 100.0  # from here on cents say nothing in a range
NEGLIGIBLE_FRACTION = 0.001  #: ten of 10,000 draws; fewer may be chance
SHOWN_SWING_FRACTION = 0.005  # of the bill; what chance alone does to a busy month is less


def spread_text(spread: BillSpread | None) -> str | None:
    """Return the range of the bill at the API in one line; ``None`` where nothing is uncertain."""
    if spread is None:
        return None
    between = f"p10–p90 {_rounded(spread.p10_usd)}–{_rounded(spread.p90_usd)} USD/month at the API"
    if not spread.stated:
        return f"{between}, from request sizes alone; state bands under `uncertainty`"
    most = f"; most from {spread.swings[0].input}" if spread.swings else ""
    return between + most + _horizon(spread) + _budget(spread)


def machines_text(option: HostingOption | None) -> str | None:
    """Return the range of the machines' cost in one line; ``None`` where no machines are chosen or none is at stake."""
    plan = option.plan if option is not None else None
    if plan is None or plan.usd_per_month_low == plan.usd_per_month_high:
        return None
    volume = "volume and " if plan.volume_band else ""
    return (
        f"p10–p90 {_rounded(plan.usd_per_month_low)}–{_rounded(plan.usd_per_month_high)} USD/month for machines, "
        f"whole ones, from {volume}what a replica serves"
    )


def portfolio_rows(spread: PortfolioSpread | None) -> Iterator[tuple[str, str]]:
    """Yield the range of a portfolio's total with what it assumes, in words."""
    if spread is not None:
        alone = f"{_rounded(spread.independent_p10_usd)}–{_rounded(spread.independent_p90_usd)}"
        yield "p10–p90 independent", alone
        together = f"{_rounded(spread.together_p10_usd)}–{_rounded(spread.together_p90_usd)}"
        yield "p10–p90 together", together


def _horizon(spread: BillSpread) -> str:
    low, high = spread.horizon_p10_usd, spread.horizon_p90_usd
    return "" if low is None or high is None else f"; over the horizon {_rounded(low)}–{_rounded(high)}"


def _budget(spread: BillSpread) -> str:
    over = spread.over_budget_fraction
    if over is None:
        return ""
    return f"; over the budget in {percent(over, 0)} of the months" if over >= NEGLIGIBLE_FRACTION else ""


def _rounded(value_usd: float) -> str:
    return f"{value_usd:,.0f}" if value_usd >= ROUND_FROM_USD else usd(value_usd)


def swings_table(spread: BillSpread | None) -> Table | None:
    """Return what each uncertain input alone does to the bill, the largest first."""
    if spread is None or not spread.stated:
        return None
    table = grid("What moves the bill", "p10", "p90", "USD/month at p10", "at p90", "swing")
    for swing in spread.swings:
        if swing.usd < SHOWN_SWING_FRACTION * spread.p50_usd:
            continue
        table.add_row(
            swing.input,
            _shown(swing, swing.low),
            _shown(swing, swing.high),
            usd(swing.usd_at_low),
            usd(swing.usd_at_high),
            usd(swing.usd),
        )
    return table


def _shown(swing: Swing, value: float) -> str:
    return percent(value) if swing.input.endswith("rate") else count(value)
