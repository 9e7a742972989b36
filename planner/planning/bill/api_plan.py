"""What stands behind the bill at the provider, gathered: caches, routing, failures, currency."""

from __future__ import annotations

from datetime import date

from planner.errors import DataError
from planner.formulas.bill import converted
from planner.planning.bill.api_cost import Bill
from planner.planning.bill.cache_use import cache_uses, prompt_cache_use
from planner.planning.bill.failures import failures_of
from planner.planning.bill.routing import routing_check
from planner.specs.answers.api_plan import ApiPlan, Converted
from planner.specs.answers.estimate import ApiCost
from planner.specs.case import Case
from planner.specs.scenario.workload import Workload


def api_plan(case: Case, workload: Workload, cost: ApiCost, as_of: date, bill: Bill) -> ApiPlan:
    """Return what stands behind the bill of the first month.

    Raises
    ------
    DataError
        When the scenario's currency has no rate on that date.
    """
    return ApiPlan(
        caches=cache_uses(case, workload, bill, as_of),
        prompt_cache=prompt_cache_use(case, workload, bill, as_of),
        routing=routing_check(case, workload, cost, as_of),
        failures=failures_of(case, workload, bill, as_of),
        converted=_converted(case, cost, as_of),
    )


def _converted(case: Case, cost: ApiCost, as_of: date) -> Converted | None:
    currency = case.scenario.currency
    if currency is None or currency == "USD":
        return None
    rates = sorted(
        (rate for rate in case.books.currencies.values() if rate.currency == currency),
        key=lambda rate: rate.effective_from,
    )
    holding = [rate for rate in rates if rate.effective_from <= as_of]
    if not holding:
        raise DataError(
            f"no rate of {currency} holds on {as_of}: the first is of {rates[0].effective_from}",
            cure="add an earlier rate to your own pricing book, or ask with a later --as-of",
        )
    rate = holding[-1]
    return Converted(
        currency=currency,
        units_per_usd=rate.units_per_usd,
        effective_from=rate.effective_from,
        source=rate.source,
        per_request=float(converted(cost.usd_per_request, rate.units_per_usd)),
        per_day=float(converted(cost.usd_per_day, rate.units_per_usd)),
        per_month=float(converted(cost.usd_per_month, rate.units_per_usd)),
        horizon=float(converted(cost.usd_horizon, rate.units_per_usd)),
    )
