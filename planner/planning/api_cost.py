"""The bill at the provider, by model and by line, from the calls that a scenario makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from planner.formulas.traffic import grown
from planner.planning.api_flow import Call, calls_of, reaching_fraction
from planner.planning.mean_cost import MeanTokens, mean_cost_lines
from planner.planning.pricing import price_sheet
from planner.planning.prompt_cache import prefix_caching
from planner.planning.request_cost import request_cost
from planner.specs.base import Notice
from planner.specs.books import Books
from planner.specs.estimate import ApiCost, CostLine, ModelCost, MonthCost, SingleModel
from planner.specs.prompt_cache import PrefixCaching
from planner.specs.request_cost import PriceSheet, PriceUsed
from planner.specs.scenario import PromptCache, Scenario
from planner.specs.workload import Workload

LINES = ("input", "cached input", "cache writes", "output", "reasoning")


@dataclass(frozen=True, kw_only=True, slots=True)
class PricedCall:
    """One kind of call with what a single call of it costs, line by line in the order of ``LINES``. [USD]"""

    call: Call
    used: PriceUsed
    usd_by_line: tuple[float, ...]
    caching: PrefixCaching | None
    notices: tuple[Notice, ...]

    @property
    def usd(self) -> float:
        """What one call costs. [USD]"""
        return sum(self.usd_by_line)


def price_calls(scenario: Scenario, workload: Workload, books: Books, as_of: date) -> tuple[PricedCall, ...]:
    """Price every kind of call of a scenario.

    Raises
    ------
    DataError
        When a model has no price on that date or in that mode.
    UsageError
        When the mean request is longer than a model's context window.
    """
    reaching = reaching_fraction(scenario)
    cache = scenario.caching.prompt
    return tuple(_priced(call, workload, reaching, cache, as_of) for call in calls_of(scenario, books))


def _priced(
    call: Call, workload: Workload, reaching: float, cache: PromptCache | None, as_of: date
) -> PricedCall:
    ttl = cache.ttl if cache is not None and call.model.cache is not None and call.model.cache.ttls else None
    sheet = price_sheet(call.model, as_of, mode=call.mode, ttl=ttl if ttl != "24h" else None)
    caching = _caching(call, sheet, workload, reaching, cache, as_of)
    read, write = (caching.cached_read_tokens, caching.cache_write_tokens) if caching else (0.0, 0.0)
    whole = request_cost(
        sheet,
        input_tokens=workload.input_tokens.mean,
        output_tokens=workload.output_tokens.mean,
        reasoning_tokens=workload.reasoning_tokens.mean,
        cached_read_tokens=read,
        cache_write_tokens=write,
    )
    lines = _mean_lines(sheet, workload, read, write)
    notices = (*whole.notices, *(caching.notices if caching else ()), *_too_long(sheet, workload))
    return PricedCall(call=call, used=whole.price, usd_by_line=lines, caching=caching, notices=notices)


def _caching(
    call: Call, sheet: PriceSheet, workload: Workload, reaching: float, cache: PromptCache | None, as_of: date
) -> PrefixCaching | None:
    if cache is None or not cache.enabled:
        return None
    rate = workload.mean_requests_per_s * reaching * call.share
    return prefix_caching(
        call.model,
        sheet,
        as_of,
        static_prefix_tokens=workload.static_prefix_tokens,
        input_tokens=workload.input_tokens.mean,
        requests_per_s_by_hour=[rate * weight for weight in workload.hourly_weights],
        distinct_prefixes=cache.distinct_prefixes,
        hit_rate=cache.hit_rate,
    )


def _mean_lines(sheet: PriceSheet, workload: Workload, read: float, write: float) -> tuple[float, ...]:
    """Return the mean of each line over the spread of prompt lengths, in the order of ``LINES``. [USD]"""
    output, hidden = workload.output_tokens.mean, workload.reasoning_tokens.mean
    tokens = MeanTokens(workload.input_tokens.mean, output, hidden, read, write)
    lines = mean_cost_lines(sheet, tokens, workload.input_tokens.sigma)
    generated = float(lines.output_usd)
    hidden_usd = generated * hidden / (output + hidden) if hidden else 0.0
    return (
        float(lines.input_usd),
        float(lines.cached_usd),
        float(lines.cache_write_usd),
        generated - hidden_usd,
        hidden_usd,
    )


def _too_long(sheet: PriceSheet, workload: Workload) -> tuple[Notice, ...]:
    window = sheet.max_input_tokens or sheet.context_window_tokens
    longest = workload.input_tokens.p99
    if window is None or longest <= window:
        return ()
    message = f"1 % of the prompts are longer than {longest:,.0f} tokens; {sheet.used.model} takes {window:,}"
    return (
        Notice(code="CONTEXT", message=message, cure="shorten the longest prompts or route them elsewhere"),
    )


def api_cost(scenario: Scenario, workload: Workload, books: Books, as_of: date) -> ApiCost:
    """Return the bill at the provider: per request, day, month and horizon, by model and by line.

    Raises as :func:`price_calls` does.
    """
    priced = price_calls(scenario, workload, books, as_of)
    reaching = reaching_fraction(scenario)
    fixed = _cache_lines(scenario)
    by_model = tuple(
        _model_cost(row, priced, workload, reaching) for row in dict.fromkeys(p.used.model for p in priced)
    )
    calls_usd = sum(model.usd_per_month for model in by_model)
    monthly = calls_usd + sum(line.usd_per_month for line in fixed)
    months = _months(workload, calls_usd, monthly - calls_usd)
    single = _single_models(scenario, workload, books, as_of) if len(by_model) > 1 else ()
    dearest = max((alone.usd_per_month for alone in single), default=0.0)
    return ApiCost(
        usd_per_request=monthly / workload.requests_per_month,
        usd_per_day=monthly / workload.days_per_month,
        usd_per_month=monthly,
        usd_horizon=sum(month.usd for month in months),
        by_model=by_model,
        lines=(*_lines(priced, workload, reaching), *fixed),
        months=months,
        single_model=single,
        routing_saving_fraction=1 - monthly / dearest if dearest else None,
        grade=workload.grade,
    )


def _model_cost(model: str, priced: Sequence[PricedCall], workload: Workload, reaching: float) -> ModelCost:
    mine = [each for each in priced if each.used.model == model]
    share = sum(each.call.share for each in mine)
    calls = workload.requests_per_month * reaching * share
    per_call = sum(each.usd * each.call.share for each in mine) / share
    return ModelCost(
        model=model,
        share=share,
        requests_per_month=calls,
        usd_per_request=per_call,
        usd_per_day=per_call * calls / workload.days_per_month,
        usd_per_month=per_call * calls,
        lines=_lines(mine, workload, reaching),
        price=mine[0].used,
        caching=mine[0].caching,
    )


def _lines(priced: Sequence[PricedCall], workload: Workload, reaching: float) -> tuple[CostLine, ...]:
    """Return what each line costs a month; lines without any cost are left out."""
    requests = workload.requests_per_month * reaching
    totals = [
        sum(each.usd_by_line[i] * each.call.share for each in priced) * requests for i in range(len(LINES))
    ]
    return tuple(
        CostLine(name=name, usd_per_month=usd) for name, usd in zip(LINES, totals, strict=True) if usd
    )


def _cache_lines(scenario: Scenario) -> tuple[CostLine, ...]:
    layers = (("exact cache", scenario.caching.exact), ("semantic cache", scenario.caching.semantic))
    return tuple(
        CostLine(name=name, usd_per_month=layer.cost_usd_per_month)
        for name, layer in layers
        if layer is not None and layer.cost_usd_per_month
    )


def _months(workload: Workload, calls_usd: float, fixed_usd: float) -> tuple[MonthCost, ...]:
    growth = [
        float(grown(1.0, workload.growth_per_month_fraction, month))
        for month in range(workload.horizon_months)
    ]
    return tuple(
        MonthCost(
            month=month + 1, requests=workload.requests_per_month * factor, usd=calls_usd * factor + fixed_usd
        )
        for month, factor in enumerate(growth)
    )


def _single_models(
    scenario: Scenario, workload: Workload, books: Books, as_of: date
) -> tuple[SingleModel, ...]:
    """Return what each model of the mix would cost if it served every request, under the same caches."""
    reaching = reaching_fraction(scenario)
    fixed = sum(line.usd_per_month for line in _cache_lines(scenario))
    named = dict.fromkeys(call.model.id for call in calls_of(scenario, books))
    found = []
    for row_id in named:
        alone = replace(
            calls_of(scenario, books)[0], model=books.api.rows[row_id], share=1.0, mode="standard"
        )
        each = _priced(alone, workload, reaching, scenario.caching.prompt, as_of)
        monthly = each.usd * workload.requests_per_month * reaching + fixed
        found.append(
            SingleModel(model=row_id, usd_per_day=monthly / workload.days_per_month, usd_per_month=monthly)
        )
    return tuple(found)
