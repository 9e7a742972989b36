"""The bill at the provider, by model and by line, from the calls that a scenario makes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from planner.planning.bill.calls import LINES, PricedCall, price_calls
from planner.planning.bill.credits import Owed
from planner.planning.bill.flow import asked_of
from planner.planning.bill.months import Terms, ending, months_of, without_contracts
from planner.planning.bill.pricing import price_sheet
from planner.planning.bill.request_cost import request_cost
from planner.planning.bill.response_caches import embedded_tokens, layers_of, reaching_fraction
from planner.planning.workload.tokens import workload_in
from planner.records import dataclass
from planner.specs.answers.estimate import ApiCost, CostLine, ModelCost, SingleModel
from planner.specs.case import Case
from planner.specs.scenario.caching import SemanticCache
from planner.specs.scenario.scenario import ModelShare
from planner.specs.scenario.workload import Workload


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """One month's bill before credits: what grows with the traffic, and what does not."""

    priced: tuple[PricedCall, ...]
    reaching_fraction: float
    calls_usd: float
    embeddings_usd: float
    fixed: tuple[CostLine, ...]

    @property
    def usd(self) -> float:
        """All of it. [USD/month]"""
        return self.calls_usd + self.embeddings_usd + sum(line.usd_per_month for line in self.fixed)


def monthly_bill(case: Case, workload: Workload, as_of: date) -> Bill:
    """Return the bill of the first month.

    Raises as :func:`planner.planning.bill.calls.price_calls` does.
    """
    calls = price_calls(case, workload, as_of)
    reaching = reaching_fraction(case)
    per_request = sum(each.usd * each.call.share for each in calls)
    return Bill(
        priced=calls,
        reaching_fraction=reaching,
        calls_usd=per_request * workload.requests_per_month * reaching,
        embeddings_usd=embeddings_usd_per_request(case, workload, as_of) * workload.requests_per_month,
        fixed=fixed_lines(case, workload, calls),
    )


def embeddings_usd_per_request(case: Case, workload: Workload, as_of: date) -> float:
    """Return what embedding the requests that meet the semantic cache costs, per incoming request. [USD]"""
    for layer in layers_of(case):
        if isinstance(layer.spec, SemanticCache) and layer.spec.embedding_model is not None:
            model = case.books.api.find(layer.spec.embedding_model)
            sheet, own = price_sheet(model, as_of), workload_in(case, workload, model)
            longest = float(model.context_window_tokens or math.inf)
            tokens = embedded_tokens(layer.spec, own.input_tokens.mean, own.static_prefix_tokens, longest)
            return request_cost(sheet, input_tokens=tokens, output_tokens=0).usd * layer.seen_fraction
    return 0.0


def fixed_lines(case: Case, workload: Workload, calls: Sequence[PricedCall]) -> tuple[CostLine, ...]:
    """Return what the response caches and explicit prompt caches cost, however many requests there are."""
    stored = {each.used.model: each.caching.storage_usd_per_day for each in calls if each.caching is not None}
    lines = [
        CostLine(name=f"{layer.name} cache", usd_per_month=layer.spec.cost_usd_per_month)
        for layer in layers_of(case)
    ]
    lines.append(CostLine(name="cache storage", usd_per_month=sum(stored.values()) * workload.days_per_month))
    return tuple(line for line in lines if line.usd_per_month)


def api_cost(
    case: Case, workload: Workload, as_of: date, bill: Bill | None = None, *, alone: bool = True
) -> ApiCost:
    """Return the bill at the provider: per request, day, month and horizon, by model and by line.

    ``bill`` is the first month's, where it is known already. Without ``alone`` the models of a mix are not priced
    alone, which only routing advice asks for.

    Credits are left out of the month and count in the months of the horizon.
    Raises as :func:`planner.planning.bill.calls.price_calls` does.
    """
    bill = bill or monthly_bill(case, workload, as_of)
    by_model = tuple(
        _model_cost(row, bill, workload) for row in dict.fromkeys(p.used.model for p in bill.priced)
    )
    owed = [Owed(model=cost.model, usd=cost.usd_per_month) for cost in by_model]
    months = tuple(months_of(case, workload, as_of, terms_of(case, workload, as_of, bill), owed))
    single = _single_models(case, workload, as_of) if alone else ()
    dearest = max((alone.usd_per_month for alone in single), default=0.0)
    return ApiCost(
        usd_per_request=bill.usd / workload.requests_per_month,
        usd_per_day=bill.usd / workload.days_per_month,
        usd_per_month=bill.usd,
        usd_horizon=sum(month.usd for month in months),
        by_model=by_model,
        lines=(*_lines(bill.priced, bill, workload), *_embedding_line(bill), *bill.fixed),
        months=months,
        single_model=single,
        routing_saving_fraction=1 - bill.usd / dearest if dearest else None,
        grade=workload.grade,
    )


def _embedding_line(bill: Bill) -> Iterator[CostLine]:
    if bill.embeddings_usd:
        yield CostLine(name="query embeddings", usd_per_month=bill.embeddings_usd)


def _model_cost(model: str, bill: Bill, workload: Workload) -> ModelCost:
    mine = [each for each in bill.priced if each.used.model == model]
    share = sum(each.call.share for each in mine)
    calls = workload.requests_per_month * bill.reaching_fraction * share
    per_call = sum(each.usd * each.call.share for each in mine) / share
    return ModelCost(
        model=model,
        share=share,
        requests_per_month=calls,
        usd_per_request=per_call,
        usd_per_day=per_call * calls / workload.days_per_month,
        usd_per_month=per_call * calls,
        lines=_lines(mine, bill, workload),
        price=mine[0].used,
        caching=mine[0].caching,
        off_peak_fraction=sum(each.call.share for each in mine if each.call.off_peak) / share,
    )


def _lines(calls: Sequence[PricedCall], bill: Bill, workload: Workload) -> tuple[CostLine, ...]:
    """Return what each line costs a month; lines without any cost are left out."""
    requests = workload.requests_per_month * bill.reaching_fraction
    totals = [
        sum(each.usd_by_line[i] * each.call.share for each in calls) * requests for i in range(len(LINES))
    ]
    return tuple(
        CostLine(name=name, usd_per_month=usd) for name, usd in zip(LINES, totals, strict=True) if usd
    )


def terms_of(case: Case, workload: Workload, as_of: date, bill: Bill) -> tuple[Terms, ...]:
    """Return the bill of a month on the terms of each stretch of the horizon: contracts end, and list prices hold."""
    horizon = workload.horizon_months
    ends = ending(case, as_of, horizon)
    borders = (0.0, *(end for end, _ in ends), float(horizon))
    # One bill a stretch: the first has all contracts, each one after it has one contract less.
    bills = [bill]
    for count in range(1, len(ends) + 1):
        left = without_contracts(case, [provider for _, provider in ends[:count]])
        bills.append(monthly_bill(left, workload, as_of))
    return tuple(
        Terms(
            from_month=start,
            to_month=end,
            growing_usd=each.calls_usd + each.embeddings_usd,
            fixed_usd=sum(line.usd_per_month for line in each.fixed),
        )
        for start, end, each in zip(borders, borders[1:], bills, strict=False)
    )


def _single_models(case: Case, workload: Workload, as_of: date) -> tuple[SingleModel, ...]:
    """Return what each model of the mix would cost if it served every request, everything else as it is."""
    named = dict.fromkeys(model for model, _ in asked_of(case))
    if len(named) < 2:
        return ()
    bills = {name: monthly_bill(served_by(case, name), workload, as_of).usd for name in named}
    return tuple(
        SingleModel(model=name, usd_per_day=usd / workload.days_per_month, usd_per_month=usd)
        for name, usd in bills.items()
    )


def served_by(case: Case, model: str) -> Case:
    """Return the case with one model in the standard mode for every request, its cache kept as long as it can be."""
    scenario, rules = case.scenario, case.books.api.find(model).cache
    update: dict[str, object] = {"models": (ModelShare(model=model, share=1.0),)}
    cache = scenario.caching.prompt
    # A lifetime that only another model of the mix sells would refuse this one.
    if cache is not None and (rules is None or cache.ttl not in rules.ttls):
        prompt = cache.model_copy(update={"ttl": None})
        update["caching"] = scenario.caching.model_copy(update={"prompt": prompt})
    return replace(case, scenario=scenario.model_copy(update=update))
