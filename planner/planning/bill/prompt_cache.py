"""How much of a prompt a provider's cache serves, derived from the traffic unless it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from planner.errors import DataError
from planner.formulas.cost import cache_storage_usd, cacheable_tokens, long_context_tier
from planner.formulas.prompt_cache import (
    break_even_hit_fraction,
    caching_saving_usd,
    mean_hit_fraction,
    rate_for_hit_fraction,
    sliding_hit_fraction,
    stampede_hit_fraction,
)
from planner.specs.answers.prompt_cache import PrefixCaching
from planner.specs.answers.request_cost import PriceSheet, TierPrices
from planner.specs.base import Notice
from planner.specs.books.price import TTL_S, ApiModel, Ttl
from planner.units import HOURS_PER_DAY, FloatArray


def cache_minimum_tokens(model: ApiModel, as_of: date) -> float:
    """Return the shortest prefix that the model's cache takes on a date; 0 where none is published. [tokens]"""
    minima = model.cache.min_tokens if model.cache is not None else ()
    started = [float(each.tokens) for each in minima if each.effective_from <= as_of]
    return started[-1] if started else 0.0


def too_short_to_cache(model: ApiModel, as_of: date, *, cached_tokens: float) -> tuple[Notice, ...]:
    """Return the warning that a stated cached part is shorter than the model's cache takes; nothing otherwise."""
    minimum = cache_minimum_tokens(model, as_of)
    if not 0 < cached_tokens < minimum:
        return ()
    shown = f"{model.id} caches from {minimum:,.0f} tokens on, not {cached_tokens:,.0f}"
    return (Notice(code="CACHE-MINIMUM", message=shown, cure="count them as plain input"),)


def prefix_caching(
    model: ApiModel,
    sheet: PriceSheet,
    as_of: date,
    *,
    static_prefix_tokens: float,
    input_tokens: float,
    requests_per_s_by_hour: Sequence[float],
    distinct_prefixes: int = 1,
    hit_rate: float | None = None,
    stored_hours_per_day: float | None = None,
    ready_s: float = 0.0,
) -> PrefixCaching:
    """Return what the prompt cache does for requests with a static prefix.

    The hit rate of each hour is ``1 - exp(-r T)`` for the rate ``r`` on one prefix and the lifetime ``T`` of the
    sheet, and is weighted by the hour's traffic; ``hit_rate`` overrides it. With ``stored_hours_per_day`` the prefix
    is kept in an explicit cache during the busiest hours: every request of those hours hits, and storage is billed.
    ``ready_s`` is the time until a new entry can be read: requests in between miss too.

    Raises
    ------
    DataError
        When an explicit cache is asked for that the model does not sell.
    """
    tier = sheet.tiers[int(long_context_tier(input_tokens, sheet.above_input_tokens))]
    minimum = cache_minimum_tokens(model, as_of)
    step = float(model.cache.granularity_tokens or 1) if model.cache is not None else 1.0
    prefix = float(cacheable_tokens(min(static_prefix_tokens, input_tokens), minimum, step))
    reason = _why_not(model, tier, static_prefix_tokens, prefix, minimum)
    if reason is not None:
        return _nothing(model, sheet.used.ttl, reason)
    rates = np.asarray(requests_per_s_by_hour, dtype=float) / distinct_prefixes
    if stored_hours_per_day is not None:
        share = hit_rate if hit_rate is not None else busiest_fraction(rates, stored_hours_per_day)
        kept = _caching(model, sheet.used.ttl, tier, prefix, share, derived=False)
        each = _stored_usd_per_day(sheet, tier, prefix, stored_hours_per_day)
        return replace(kept, storage_usd_per_day=each * distinct_prefixes, break_even_requests_per_s=None)
    hit = hit_rate if hit_rate is not None else _derived_hit(rates, sheet.used.ttl, ready_s)
    if hit is None:
        reason = f"{model.provider} publishes no cache lifetime, so the hit rate cannot be derived"
        notice = Notice(
            code="CACHE-UNKNOWN", message=f"{model.id}: {reason}", cure="give caching.prompt.hit_rate"
        )
        return _nothing(model, sheet.used.ttl, reason, notice)
    return _caching(model, sheet.used.ttl, tier, prefix, hit, derived=hit_rate is None)


def _why_not(
    model: ApiModel, tier: TierPrices, static_prefix_tokens: float, prefix: float, minimum: float
) -> str | None:
    if tier.cached_read_usd_per_token is None or tier.cache_write_usd_per_token is None:
        return f"{model.id} sells no prompt caching on that date and in that mode"
    if static_prefix_tokens <= 0:
        return "the prompt has no static prefix"
    if prefix <= 0:
        return f"the static prefix of {static_prefix_tokens:,.0f} tokens is shorter than the minimum of {minimum:,.0f}"
    return None


def _derived_hit(rates: FloatArray, ttl: Ttl | None, ready_s: float) -> float | None:
    if ttl is None:
        return None
    if not rates.any():
        return 0.0
    steady = sliding_hit_fraction(rates, TTL_S[ttl])
    return mean_hit_fraction(stampede_hit_fraction(steady, rates, ready_s), rates)


def busiest_fraction(rates: FloatArray, hours_per_day: float) -> float:
    """Return the share of the traffic that falls into the busiest hours. [1]"""
    if not rates.any():
        return 0.0
    hours = len(rates) * hours_per_day / HOURS_PER_DAY
    whole = int(hours)
    ranked = np.append(np.sort(rates)[::-1], 0.0)
    return float((ranked[:whole].sum() + ranked[whole] * (hours - whole)) / rates.sum())


def _stored_usd_per_day(sheet: PriceSheet, tier: TierPrices, prefix: float, hours_per_day: float) -> float:
    """Return what one explicit cache costs a day: written once at the input price, then stored. [USD/day]"""
    price = sheet.storage_usd_per_token_hour
    if price is None:
        raise DataError(
            f"{sheet.used.model} sells no explicit cache with storage",
            cure="leave caching.prompt.stored_hours_per_day out, or take a model whose price row has cache storage",
        )
    return prefix * tier.input_usd_per_token + float(cache_storage_usd(prefix, hours_per_day, price))


def _caching(
    model: ApiModel, ttl: Ttl | None, tier: TierPrices, prefix: float, hit: float, *, derived: bool
) -> PrefixCaching:
    read = tier.cached_read_usd_per_token or 0.0
    write = tier.cache_write_usd_per_token or 0.0
    plain = tier.input_usd_per_token
    extra = write != plain
    break_even = None
    if ttl is not None and read < plain:
        threshold = break_even_hit_fraction(plain, read, write)
        break_even = float(rate_for_hit_fraction(threshold, TTL_S[ttl]))
    return PrefixCaching(
        model=model.id,
        ttl=ttl,
        cacheable_tokens=prefix,
        hit_fraction=hit,
        derived=derived,
        cached_read_tokens=hit * prefix,
        cache_write_tokens=prefix - hit * prefix if extra else 0.0,  # so that both never exceed the prefix
        saving_usd_per_request=float(caching_saving_usd(prefix, hit, plain, read, write)),
        break_even_requests_per_s=break_even,
        notices=_notices(model, derived=derived),
    )


def _notices(model: ApiModel, *, derived: bool) -> tuple[Notice, ...]:
    if model.cache is None or model.cache.hits_guaranteed or not derived:
        return ()
    message = (
        f"{model.provider} does not guarantee cache hits; the hit rate of {model.id} is an upper estimate"
    )
    return (Notice(code="CACHE-BEST-EFFORT", message=message, cure="give caching.prompt.hit_rate"),)


def _nothing(model: ApiModel, ttl: Ttl | None, reason: str, *notices: Notice) -> PrefixCaching:
    return PrefixCaching(
        model=model.id,
        ttl=ttl,
        cacheable_tokens=0.0,
        hit_fraction=None,
        derived=False,
        cached_read_tokens=0.0,
        cache_write_tokens=0.0,
        saving_usd_per_request=0.0,
        break_even_requests_per_s=None,
        reason=reason,
        notices=notices,
    )
