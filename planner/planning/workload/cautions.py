"""What a reader must know before acting on an estimate: gaps and assumptions that change the decision."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from planner.specs.answers.estimate import ApiCost, HostingOption
from planner.specs.base import Notice
from planner.specs.case import Case
from planner.specs.scenario.workload import TraceSummary
from planner.units import DAYS_PER_MONTH, SECONDS_PER_DAY, SECONDS_PER_MINUTE


def cautions(
    case: Case, cost: ApiCost, options: tuple[HostingOption, ...], trace: TraceSummary | None, as_of: date
) -> Iterator[Notice]:
    """Yield the notices of one estimate that no single calculator can see."""
    yield from _budget(case, cost)
    yield from _unchecked_slo(case, options)
    yield from _ends_in_horizon(case, cost, as_of)
    yield from _short_trace(trace)
    for option in options:
        if not option.refused:
            yield from option.notices


def _budget(case: Case, cost: ApiCost) -> Iterator[Notice]:
    budget = case.scenario.budget
    if budget.usd_per_month is not None and cost.usd_per_month > budget.usd_per_month:
        message = f"{cost.usd_per_month:,.2f} USD a month at the API exceed the budget of {budget.usd_per_month:,.2f}"
        yield Notice(code="BUDGET", message=message, cure="see the advice, or raise budget.usd_per_month")
    if budget.usd_per_request is not None and cost.usd_per_request > budget.usd_per_request:
        message = f"{cost.usd_per_request:.5f} USD a request exceed the budget of {budget.usd_per_request:g}"
        yield Notice(code="BUDGET", message=message, cure="see the advice, or raise budget.usd_per_request")


def _unchecked_slo(case: Case, options: tuple[HostingOption, ...]) -> Iterator[Notice]:
    slo = case.scenario.slo
    limited = [name for name in ("ttft_p95_ms", "tpot_p95_ms", "e2e_p95_s") if getattr(slo, name) is not None]
    if limited and any(option.kind == "api" and not option.refused for option in options):
        message = f"{', '.join(limited)} not checked for the API: the books hold no latency of providers"
        yield Notice(code="SLO-API", message=message, cure="measure it: planner bench --url URL --model NAME")


def _ends_in_horizon(case: Case, cost: ApiCost, as_of: date) -> Iterator[Notice]:
    end = as_of + timedelta(days=case.scenario.traffic.horizon_months * DAYS_PER_MONTH)
    for model in cost.by_model:
        retired = model.price.retired_on
        if retired is not None and retired < end:
            months = (retired - as_of).days / DAYS_PER_MONTH
            message = f"{model.model} can be bought for {months:.1f} of the {case.scenario.traffic.horizon_months} months"
            yield Notice(
                code="HORIZON", message=message, cure="plan its successor; the total prices it to the end"
            )


def _short_trace(trace: TraceSummary | None) -> Iterator[Notice]:
    if trace is not None and trace.duration_s < SECONDS_PER_DAY:
        minutes = trace.duration_s / SECONDS_PER_MINUTE
        message = f"{minutes:,.1f} minutes of trace are scaled to a day, × {SECONDS_PER_DAY / trace.duration_s:,.0f}"
        yield Notice(
            code="TRACE-SHORT", message=message, cure="record a whole week, or give the volume yourself"
        )
