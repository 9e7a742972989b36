"""How much of a prompt a provider's cache serves, derived from the traffic unless it is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from planner.formulas.cost import cacheable_tokens, long_context_tier
from planner.formulas.prompt_cache import (
    break_even_hit_fraction,
    caching_saving_usd,
    mean_hit_fraction,
    rate_for_hit_fraction,
    sliding_hit_fraction,
    stampede_hit_fraction,
)
from planner.specs.base import Notice
from planner.specs.price import TTL_S, ApiModel, Ttl
from planner.specs.prompt_cache import PrefixCaching
from planner.specs.request_cost import PriceSheet, TierPrices


def cache_minimum_tokens(model: ApiModel, as_of: date) -> float:
    """Return the shortest prefix that the model's cache takes on a date; 0 where none is published. [tokens]"""
    minima = model.cache.min_tokens if model.cache is not None else ()
    started = [float(each.tokens) for each in minima if each.effective_from <= as_of]
    return started[-1] if started else 0.0


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
    ready_s: float = 0.0,
) -> PrefixCaching:
    """Return what the prompt cache does for requests with a static prefix.

    The hit rate of each hour is ``1 - exp(-r T)`` for the rate ``r`` on one prefix and the lifetime ``T`` of the
    sheet, and is weighted by the hour's traffic; ``hit_rate`` overrides it. ``ready_s`` is the time until a new
    entry can be read: requests in between miss too.
    """
    tier = sheet.tiers[int(long_context_tier(input_tokens, sheet.above_input_tokens))]
    minimum = cache_minimum_tokens(model, as_of)
    step = float(model.cache.granularity_tokens or 1) if model.cache is not None else 1.0
    prefix = float(cacheable_tokens(min(static_prefix_tokens, input_tokens), minimum, step))
    reason = _why_not(model, tier, static_prefix_tokens, prefix, minimum)
    if reason is not None:
        return _nothing(model, sheet.used.ttl, reason)
    rates = np.asarray(requests_per_s_by_hour, dtype=float) / distinct_prefixes
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


def _derived_hit(
    rates: np.ndarray[tuple[int], np.dtype[np.float64]], ttl: Ttl | None, ready_s: float
) -> float | None:
    if ttl is None:
        return None
    if not rates.any():
        return 0.0
    steady = sliding_hit_fraction(rates, TTL_S[ttl])
    return mean_hit_fraction(stampede_hit_fraction(steady, rates, ready_s), rates)


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
        cache_write_tokens=(1 - hit) * prefix if extra else 0.0,
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
