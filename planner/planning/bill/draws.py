"""The monthly bill of many months at once: the calculator of the bill, given arrays of draws instead of one month."""

from __future__ import annotations

from datetime import date

import numpy as np

from planner.formulas.cost import cache_storage_usd, cacheable_tokens, long_context_tier
from planner.formulas.prompt_cache import sliding_hit_fraction, stampede_hit_fraction
from planner.planning.bill.calls import LINES, PricedCall
from planner.planning.bill.mean_cost import MeanTokens, mean_cost_lines
from planner.planning.bill.pricing import price_sheet
from planner.planning.bill.prompt_cache import cache_minimum_tokens
from planner.planning.bill.request_cost import cost_lines
from planner.planning.bill.response_caches import LayerName, layers_of
from planner.planning.workload.tokens import workload_in
from planner.records import dataclass
from planner.specs.answers.request_cost import PriceSheet
from planner.specs.books.price import TTL_S
from planner.specs.case import Case
from planner.specs.scenario.caching import PromptCache
from planner.specs.scenario.workload import Workload
from planner.units import Numeric

TOOL_CALLS = LINES.index("tool calls")  # the line that does not depend on tokens


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Month:
    """What a month brings; each field is one number or an array with one entry a draw.

    Tokens are means per request. A hit rate of a response cache is a share of the requests that it sees.
    ``prompt_hit`` is ``None`` where the hit rate follows from the traffic.
    """

    requests: Numeric
    input_tokens: Numeric
    output_tokens: Numeric
    reasoning_tokens: Numeric
    prompt_hit: Numeric | None
    exact_hit: Numeric
    semantic_hit: Numeric


@dataclass(frozen=True, kw_only=True, slots=True)
class Billed:
    """A scenario ready to be billed for any month: the case, its workload, and its calls with their prices."""

    case: Case
    workload: Workload
    priced: tuple[PricedCall, ...]
    as_of: date


def stated_month(billed: Billed) -> Month:
    """Return the month as the scenario states it."""
    workload, cache = billed.workload, billed.case.scenario.caching.prompt
    hits: dict[LayerName, float] = {layer.name: layer.hit.value for layer in layers_of(billed.case)}
    return Month(
        requests=workload.requests_per_month,
        input_tokens=workload.input_tokens.mean,
        output_tokens=workload.output_tokens.mean,
        reasoning_tokens=workload.reasoning_tokens.mean,
        prompt_hit=cache.hit_rate if cache is not None else None,
        exact_hit=hits.get("exact", 0.0),
        semantic_hit=hits.get("semantic", 0.0),
    )


def monthly_bill_usd(billed: Billed, month: Month) -> Numeric:
    """Return what months cost at the API. [USD/month]

    At the stated month this is the bill of :func:`planner.planning.bill.api_cost.api_cost`, as it is for every other month
    when the scenario is changed to it.
    """
    reaching = month.requests * (1 - month.exact_hit) * (1 - month.semantic_hit)
    usd = _embeddings_usd(billed, month) + sum(
        layer.spec.cost_usd_per_month for layer in layers_of(billed.case)
    )
    stored: dict[str, Numeric] = {}
    for each in billed.priced:
        calls = reaching * each.call.share
        usd = usd + calls * _call_usd(billed, each, month, calls)
        stored[each.used.model] = _stored_usd_per_day(billed, each, month)
    return usd + sum(stored.values()) * billed.workload.days_per_month


def _call_usd(billed: Billed, each: PricedCall, month: Month, calls: Numeric) -> Numeric:
    """Return what one call costs in a month, in the tokens of its model. [USD]"""
    read, write = _cached(billed, each, month, calls)
    answer = month.output_tokens * _ratio(
        each.workload.output_tokens.mean, billed.workload.output_tokens.mean
    )
    prompt = _prompt(billed, each, month)
    tokens = MeanTokens(prompt, answer, month.reasoning_tokens, read, write)
    usd = mean_cost_lines(each.sheet, tokens, billed.workload.input_tokens.sigma).usd
    return usd * each.call.billed + each.usd_by_line[TOOL_CALLS]


def _prompt(billed: Billed, each: PricedCall, month: Month) -> Numeric:
    """Return the mean prompt in the tokens of a call's model. [tokens]"""
    return month.input_tokens * _ratio(each.workload.input_tokens.mean, billed.workload.input_tokens.mean)


def _ratio(of_model: float, stated: float) -> float:
    return of_model / stated if stated else 1.0


def _embeddings_usd(billed: Billed, month: Month) -> Numeric:
    """Return what embedding the requests that meet the semantic cache costs. [USD/month]"""
    layer = billed.case.scenario.caching.semantic
    if layer is None or layer.embedding_model is None:
        return 0.0
    model = billed.case.books.api.find(layer.embedding_model)
    sheet, own = price_sheet(model, billed.as_of), workload_in(billed.case, billed.workload, model)
    whole = month.input_tokens * _ratio(own.input_tokens.mean, billed.workload.input_tokens.mean)
    tokens: Numeric = np.maximum(whole - own.static_prefix_tokens, 0.0)
    if layer.embedded_tokens is not None:
        tokens = layer.embedded_tokens
    return (
        month.requests * (1 - month.exact_hit) * cost_lines(sheet, input_tokens=tokens, output_tokens=0.0).usd
    )


def _cached(billed: Billed, each: PricedCall, month: Month, calls: Numeric) -> tuple[Numeric, Numeric]:
    """Return the mean tokens of a call that are read from and written to the provider's cache. [tokens]"""
    cache = billed.case.scenario.caching.prompt
    if cache is None or not cache.enabled:
        return 0.0, 0.0
    prefix = _prefix(billed, each, month)
    sold, surcharged = _by_tier(each.sheet, _prompt(billed, each, month))
    hit = month.prompt_hit
    if hit is None and cache.stored_hours_per_day is not None and each.caching is not None:
        hit = each.caching.hit_fraction  # the busiest hours' share of the traffic, whatever the volume
    if hit is None:
        hit = _derived_hit(billed.workload, each.sheet, cache, calls / each.call.hours_fraction)
    if hit is None:  # the provider publishes no lifetime
        return 0.0, 0.0
    return prefix * hit * sold, prefix * (1 - hit) * sold * surcharged


def _prefix(billed: Billed, each: PricedCall, month: Month) -> Numeric:
    """Return the part of the static prefix that the model's cache takes. [tokens]"""
    model = each.call.model
    step = float(model.cache.granularity_tokens or 1) if model.cache is not None else 1.0
    shared = np.minimum(each.workload.static_prefix_tokens, _prompt(billed, each, month))
    return cacheable_tokens(shared, cache_minimum_tokens(model, billed.as_of), step)


def _by_tier(sheet: PriceSheet, input_tokens: Numeric) -> tuple[Numeric, Numeric]:
    """Return 1 where the price tier of the mean prompt sells caching, and where writing costs extra; else 0."""
    tier = long_context_tier(input_tokens, sheet.above_input_tokens)
    sold = [
        float(each.cached_read_usd_per_token is not None and each.cache_write_usd_per_token is not None)
        for each in sheet.tiers
    ]
    extra = [float(each.cache_write_usd_per_token != each.input_usd_per_token) for each in sheet.tiers]
    return np.array(sold)[tier], np.array(extra)[tier]


def _derived_hit(workload: Workload, sheet: PriceSheet, cache: PromptCache, calls: Numeric) -> Numeric | None:
    """Return the hit rate that follows from the calls of each hour; hours alike are computed once. [1]"""
    if sheet.used.ttl is None:
        return None
    weights, hours = np.unique(workload.hourly_weights, return_counts=True)
    share = weights * hours / np.sum(weights * hours)
    per_s = workload.mean_requests_per_s / workload.requests_per_month * calls / cache.distinct_prefixes
    hit: Numeric = 0.0
    for weight, part in zip(weights, share, strict=True):
        steady = sliding_hit_fraction(per_s * weight, TTL_S[sheet.used.ttl])
        hit = hit + part * stampede_hit_fraction(steady, per_s * weight, cache.ready_s)
    return hit


def _stored_usd_per_day(billed: Billed, each: PricedCall, month: Month) -> Numeric:
    """Return what keeping the explicit cache of a model costs: written once a day, then stored. [USD/day]"""
    cache, sheet = billed.case.scenario.caching.prompt, each.sheet
    if each.caching is None or not each.caching.storage_usd_per_day or cache is None:
        return 0.0
    prefix = _prefix(billed, each, month)
    tier = long_context_tier(_prompt(billed, each, month), sheet.above_input_tokens)
    write = np.array([prices.input_usd_per_token for prices in sheet.tiers])[tier]
    price = sheet.storage_usd_per_token_hour or 0.0
    kept = cache_storage_usd(prefix, cache.stored_hours_per_day or 0.0, price)
    return (prefix * write + kept) * cache.distinct_prefixes
