"""Derivations of what a provider's prompt cache does for one model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from planner.formulas.cost import cache_storage_usd, cacheable_tokens, long_context_tier
from planner.formulas.prompt_cache import (
    caching_saving_usd,
    mean_hit_fraction,
    rate_for_hit_fraction,
    sliding_hit_fraction,
    stampede_hit_fraction,
)
from planner.planning.bill.calls import PricedCall
from planner.planning.bill.prompt_cache import busiest_fraction, cache_minimum_tokens
from planner.planning.explain.calls import reaching
from planner.planning.explain.derivation import Derived, Function, Operand, between, known, product, stated
from planner.planning.explain.leaves import Scene, constant, price_leaf
from planner.planning.explain.lines import price_of
from planner.planning.explain.tokens import tokens_of
from planner.specs.answers.explanation import Origin
from planner.specs.answers.prompt_cache import PrefixCaching
from planner.specs.books.price import TTL_S, ApiModel
from planner.units import MTOK

FIELDS = ("input_usd_per_mtok", "cached_read_usd_per_mtok", "cache_write_usd_per_mtok")


def _caching(s: Scene, index: int) -> tuple[PrefixCaching, ApiModel, str]:
    cost = s.estimate.cost.by_model[index]
    return (
        known(cost.caching, "caching"),
        s.case.books.api.rows[cost.model],
        f"cost.by_model[{index}].caching",
    )


def _first_call(s: Scene, model: ApiModel) -> PricedCall:
    """Return the first way in which a model is called, whose cache the report shows."""
    return next(each for each in s.bill.priced if each.used.model == model.id)


def _prices(s: Scene, model: ApiModel, *fields: str) -> tuple[Operand, ...]:
    """Return prices of the tier that a prompt of mean length falls into."""
    call = _first_call(s, model)
    tier = int(long_context_tier(call.workload.input_tokens.mean, call.sheet.above_input_tokens))
    return tuple(price_of(s, call, field, tier) for field in fields)


def _rule_leaf(model: ApiModel, name: str, value: float) -> Operand:
    """Return a rule of the provider's cache: minimum, step or lifetime."""
    rules = model.cache
    source = rules.source if rules is not None and rules.source is not None else model.prices[-1].source
    origin = Origin(
        kind="book",
        place=f"pricing.yaml api {model.id} cache {name}",
        source=source,
        trust=model.prices[-1].confidence,
        checked=model.prices[-1].checked,
    )
    return Operand(name=name, value=value, origin=origin)


def _cacheable(s: Scene, index: int) -> Derived:
    found, model, _ = _caching(s, index)
    minimum = cache_minimum_tokens(model, s.estimate.as_of)
    step = float(model.cache.granularity_tokens or 1) if model.cache is not None else 1.0
    call = _first_call(s, model)
    prefix, whole = tokens_of(s, call, "static_prefix_tokens"), tokens_of(s, call, "input_tokens")
    rules = (_rule_leaf(model, "min_tokens", minimum), _rule_leaf(model, "granularity_tokens", step))
    if found.reason is not None:
        return Derived(
            rule="0: nothing is cached", operands=(prefix, *rules), replay=lambda *_: 0.0, note=found.reason
        )
    return Derived(
        rule="cacheable_tokens(min(static_prefix_tokens, input_tokens), min_tokens, granularity_tokens)",
        operands=(prefix, whole, *rules),
        formula=cacheable_tokens,
        replay=lambda static, every, least, each: float(cacheable_tokens(min(static, every), least, each)),
    )


def _hit(s: Scene, index: int) -> Derived:
    found, model, _ = _caching(s, index)
    prompt = s.case.scenario.caching.prompt
    if prompt is not None and prompt.hit_rate is not None:
        return stated(s.key("caching.prompt.hit_rate"))
    if not found.derived:
        weights = s.refs_of("workload.hourly_weights", "hourly_weights")
        note = "an explicit cache: the share of the traffic in the busiest hours, in which it is kept"
        stored = s.key("caching.prompt.stored_hours_per_day")
        return Derived(
            rule="share of hourly_weights in the busiest stored_hours_per_day",
            operands=(stored, *weights),
            replay=lambda hours, *each: busiest_fraction(np.array(each), hours),
            note=note,
        )
    call = _first_call(s, model)
    operands = (
        *_rate_on_a_prefix(s, index, call.call.all_hours_share),
        _rule_leaf(model, "ttl_s", TTL_S[found.ttl] if found.ttl is not None else 0.0),
        s.key("caching.prompt.ready_s"),
        *s.refs_of("workload.hourly_weights", "hourly_weights"),
    )
    return Derived(
        rule="mean of 1 − exp(−r × ttl_s) × (1 + r × ready_s), r = rate × hourly_weight, weighted by hourly_weights",
        operands=operands,
        formula=mean_hit_fraction,
        replay=_mean_hit,
        note="requests that come while a prefix is being written miss too",
    )


def _rate_on_a_prefix(s: Scene, index: int, share: float) -> tuple[Operand, ...]:
    """Return the request rate that one prefix sees, before the shape of the day."""
    scenario = s.case.scenario
    rate = s.estimate.workload.mean_requests_per_s * s.bill.reaching_fraction * share
    prefixes = scenario.caching.prompt.distinct_prefixes if scenario.caching.prompt is not None else 1
    operands = (
        s.ref("workload.mean_requests_per_s"),
        *reaching(s),
        s.ref(f"cost.by_model[{index}].share"),
        *((s.key("batch.share", "batch_share"),) if scenario.batch.share else ()),
        s.key("caching.prompt.distinct_prefixes"),
    )
    rule = "requests_per_s of the model ÷ distinct_prefixes"
    return (between("rate", rate / prefixes, Derived(rule=rule, operands=operands)),)


def _mean_hit(rate: float, ttl_s: float, ready_s: float, *weights: float) -> float:
    rates = rate * np.array(weights)
    hits = stampede_hit_fraction(sliding_hit_fraction(rates, ttl_s), rates, ready_s)
    return mean_hit_fraction(hits, np.array(weights))


def _write(s: Scene, index: int) -> Derived:
    found, _, at = _caching(s, index)
    operands = (s.ref(f"{at}.cacheable_tokens"), *_maybe_hit(s, found, at))
    if found.cache_write_tokens == 0:
        return Derived(
            rule="0: writing costs what input costs, or nothing is cached",
            operands=operands,
            replay=lambda *_: 0.0,
        )
    return Derived(
        rule="(1 − hit_fraction) × cacheable_tokens",
        operands=operands,
        replay=lambda tokens, hit: (1 - hit) * tokens,
    )


def _maybe_hit(s: Scene, found: PrefixCaching, at: str) -> tuple[Operand, ...]:
    return () if found.hit_fraction is None else (s.ref(f"{at}.hit_fraction"),)


def _read(s: Scene, index: int) -> Derived:
    found, _, at = _caching(s, index)
    if found.hit_fraction is None:
        return stated(s.ref(f"{at}.cacheable_tokens"))
    return product(s.ref(f"{at}.hit_fraction"), s.ref(f"{at}.cacheable_tokens"))


def _saving(s: Scene, index: int) -> Derived:
    found, model, at = _caching(s, index)
    if found.hit_fraction is None:
        return Derived(
            rule="0: nothing is cached",
            operands=(s.ref(f"{at}.cacheable_tokens"),),
            replay=lambda _: 0.0,
            note=found.reason,
        )
    prices = _prices(s, model, *FIELDS)
    return Derived(
        rule="caching_saving_usd(cacheable_tokens, hit_fraction, prices ÷ tokens_per_mtok)",
        operands=(
            s.ref(f"{at}.cacheable_tokens"),
            s.ref(f"{at}.hit_fraction"),
            *prices,
            constant(
                "tokens_per_mtok", MTOK, "planner/units.py MTOK", "prices are quoted per million tokens"
            ),
        ),
        formula=caching_saving_usd,
        replay=lambda tokens, hit, plain, read, write, per: caching_saving_usd(
            tokens, hit, plain / per, (read or 0.0) / per, (write or 0.0) / per
        ),
    )


def _break_even(s: Scene, index: int) -> Derived:
    found, model, _ = _caching(s, index)
    lifetime = TTL_S[found.ttl] if found.ttl is not None else 0.0
    return Derived(
        rule="rate_for_hit_fraction((write − input) ÷ (write − read), ttl_s), at least 0",
        operands=(*_prices(s, model, *FIELDS), _rule_leaf(model, "ttl_s", lifetime)),
        formula=rate_for_hit_fraction,
        replay=lambda plain, read, write, ttl: rate_for_hit_fraction(
            max(write - plain, 0.0) / (write - read), ttl
        ),
    )


def _storage(s: Scene, index: int) -> Derived:
    found, model, at = _caching(s, index)
    stored = s.key("caching.prompt.stored_hours_per_day")
    if not found.storage_usd_per_day:
        return Derived(rule="0: no explicit cache is stored", operands=(stored,), replay=lambda _: 0.0)
    price = (_first_call(s, model).sheet.storage_usd_per_token_hour or 0.0) * MTOK
    return Derived(
        rule="(input price + hours × storage price) × cacheable_tokens ÷ 1,000,000 × distinct_prefixes",
        operands=(
            *_prices(s, model, "input_usd_per_mtok"),
            stored,
            price_leaf(
                _first_call(s, model).used, "cache_storage_usd_per_mtok_hour", "usd_per_mtok_hour", price
            ),
            s.ref(f"{at}.cacheable_tokens"),
            s.key("caching.prompt.distinct_prefixes"),
        ),
        formula=cache_storage_usd,
        replay=lambda plain, hours, each, tokens, prefixes: (plain + hours * each) * tokens / MTOK * prefixes,
    )


# field of `caching` -> how it is derived for one model
CACHING: Mapping[str, Function] = {
    "cacheable_tokens": _cacheable,
    "hit_fraction": _hit,
    "cached_read_tokens": _read,
    "cache_write_tokens": _write,
    "saving_usd_per_request": _saving,
    "break_even_requests_per_s": _break_even,
    "storage_usd_per_day": _storage,
}
