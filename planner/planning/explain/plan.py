"""Derivations of what stands behind the bill: caches, routing, currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from planner.formulas.bill import converted
from planner.planning.bill.cache_use import frozen, with_caching
from planner.planning.explain.calls import embeddings
from planner.planning.explain.derivation import (
    Derived,
    Function,
    Operand,
    between,
    difference,
    product,
    stated,
    total,
)
from planner.planning.explain.leaves import Scene, constant, priced_again, rule_leaf, value_at
from planner.specs.answers.api_plan import ApiPlan, Converted, RoutingCheck
from planner.specs.answers.explanation import Origin
from planner.specs.scenario.caching import PromptCache

P = "api"
CACHES, ROUTING = f"{P}.caches", f"{P}.routing"
BILL = "cost.usd_per_month"


def _plan(s: Scene) -> ApiPlan:
    return s.estimate.api


def _hit(end: Literal["value", "low", "high"]) -> Function:
    def derive(s: Scene, index: int) -> Derived:
        cache = _plan(s).caches[index]
        if cache.stated:
            return stated(s.key(f"caching.{cache.name}.hit_rate"))
        kind = "faq" if s.case.scenario.caching.queries == "faq" else "unique"
        leaf = rule_leaf(s, "hit_rate", getattr(cache.hit, end), f"key_numbers.{kind}_hit_fraction")
        return stated(leaf, "exact and semantic cache share the range; the exact one takes its low end")

    return derive


def _seen(s: Scene, index: int) -> Derived:
    before = f"{CACHES}[{index - 1}].left_requests_per_month"
    return stated(s.ref("workload.requests_per_month" if index == 0 else before))


def _own_cost(s: Scene, index: int) -> Derived:
    name = _plan(s).caches[index].name
    own = s.key(f"caching.{name}.cost_usd_per_month")
    return total(own, *(embeddings(s) if name == "semantic" else ()))


def _lookup(end: Literal["value", "low", "high"]) -> Function:
    def derive(s: Scene, index: int) -> Derived:
        cache = _plan(s).caches[index]
        value = getattr(cache.added_latency_s, end)
        return stated(rule_leaf(s, "added_latency_s", value, f"key_numbers.{cache.name}_lookup_s"))

    return derive


def _cache_saving(end: Literal["value", "low", "high"]) -> Function:
    def derive(s: Scene, index: int) -> Derived:
        cache = _plan(s).caches[index]
        kept = frozen(s.case)
        without = priced_again(
            s, with_caching(kept, **{cache.name: None}), "usd_per_month_without", "without the layer"
        )
        spec = getattr(s.case.scenario.caching, cache.name)
        at = spec.model_copy(update={"hit_rate": getattr(cache.hit, end)})
        having = with_caching(kept, **{cache.name: at})
        return difference(without, priced_again(s, having, "usd_per_month_with", "with this hit rate"))

    return derive


def _prompt_saving(s: Scene) -> Derived:
    without = with_caching(s.case, prompt=None)
    return difference(
        priced_again(s, without, "usd_per_month_without", "without prompt caching"), s.ref(BILL)
    )


def _ttl_saving(s: Scene, index: int) -> Derived:
    ttl = value_at(s.estimate, f"{P}.prompt_cache.by_ttl[{index}].ttl")
    cache: PromptCache = value_at(s.case.scenario, "caching.prompt")
    without = priced_again(
        s, with_caching(s.case, prompt=None), "usd_per_month_without", "without prompt caching"
    )
    bought = with_caching(s.case, prompt=cache.model_copy(update={"ttl": ttl}))
    return difference(without, priced_again(s, bought, "usd_per_month_with", f"with a lifetime of {ttl}"))


def _routing(s: Scene) -> RoutingCheck:
    found: RoutingCheck = value_at(s.estimate, ROUTING)
    return found


def _small_share(s: Scene) -> Derived:
    check = _routing(s)
    leaf = replace(s.key("models", "small_share"), value=check.small_share)
    return stated(leaf, "the share of the cheapest model, or what a cascade accepts from it")


def _shown_share(s: Scene, index: int) -> Derived:
    share = _routing(s).points[index].small_share
    place = "planner/planning/bill/routing.py SHOWN_SHARES"
    return stated(constant("small_share", share, place, "chosen around the rule's 70-80 %"))


def _point_usd(s: Scene, index: int) -> Derived:
    terms = Derived(
        rule="cost.usd_per_month of the scenario with this share",
        operands=(s.ref(f"{ROUTING}.points[{index}].small_share"), s.ref("workload.requests_per_month")),
        note="the whole bill is computed again",
    )
    return stated(between("usd_per_month", _routing(s).points[index].usd_per_month, terms))


def _point_saving(s: Scene, index: int) -> Derived:
    singles = s.refs("cost.single_model[*].usd_per_month", "model")
    return Derived(
        rule="1 − usd_per_month ÷ largest of single_model",
        operands=(s.ref(f"{ROUTING}.points[{index}].usd_per_month"), *singles),
        replay=lambda usd, *alone: 1 - usd / max(alone),
    )


def _routing_rule(field: str, place: str) -> Function:
    def derive(s: Scene) -> Derived:
        return stated(rule_leaf(s, field, getattr(_routing(s), field), f"key_numbers.{place}"))

    return derive


def _units_per_usd(s: Scene) -> Derived:
    made: Converted = value_at(s.estimate, f"{P}.converted")
    rate = next(
        each
        for each in s.case.books.currencies.values()
        if (each.currency, each.effective_from) == (made.currency, made.effective_from)
    )
    origin = Origin(
        kind="book",
        place=f"pricing.yaml currencies {rate.currency}",
        source=rate.source,
        trust="your own book",
        since=rate.effective_from,
        checked=rate.effective_from,
    )
    return stated(Operand(name="units_per_usd", value=rate.units_per_usd, origin=origin))


def _converted(usd: str) -> Function:
    def derive(s: Scene) -> Derived:
        made = product(s.ref(usd), s.ref(f"{P}.converted.units_per_usd"))
        return replace(made, formula=converted)

    return derive


PLAN: Mapping[str, Function] = {
    **{f"{CACHES}[*].hit.{end}": _hit(end) for end in ("value", "low", "high")},
    f"{CACHES}[*].seen_requests_per_month": _seen,
    f"{CACHES}[*].answered_requests_per_month": lambda s, i: product(
        s.ref(f"{CACHES}[{i}].seen_requests_per_month"), s.ref(f"{CACHES}[{i}].hit.value", "hit")
    ),
    f"{CACHES}[*].left_requests_per_month": lambda s, i: difference(
        s.ref(f"{CACHES}[{i}].seen_requests_per_month"), s.ref(f"{CACHES}[{i}].answered_requests_per_month")
    ),
    f"{CACHES}[*].usd_per_month": _own_cost,
    **{f"{CACHES}[*].added_latency_s.{end}": _lookup(end) for end in ("value", "low", "high")},
    **{f"{CACHES}[*].saving_usd_per_month.{end}": _cache_saving(end) for end in ("value", "low", "high")},
    f"{P}.prompt_cache.saving_usd_per_month": _prompt_saving,
    f"{P}.prompt_cache.by_ttl[*].saving_usd_per_month": _ttl_saving,
    f"{ROUTING}.small_share": _small_share,
    f"{ROUTING}.saving_fraction": lambda s: stated(s.ref("cost.routing_saving_fraction")),
    f"{ROUTING}.points[*].small_share": _shown_share,
    f"{ROUTING}.points[*].usd_per_month": _point_usd,
    f"{ROUTING}.points[*].saving_fraction": _point_saving,
    f"{ROUTING}.rule_share_low": _routing_rule("rule_share_low", "small_model_share.low"),
    f"{ROUTING}.rule_share_high": _routing_rule("rule_share_high", "small_model_share.high"),
    f"{ROUTING}.rule_saving_low": _routing_rule("rule_saving_low", "routing_saving_fraction.low"),
    f"{ROUTING}.rule_saving_high": _routing_rule("rule_saving_high", "routing_saving_fraction.high"),
    f"{P}.converted.units_per_usd": _units_per_usd,
    f"{P}.converted.per_request": _converted("cost.usd_per_request"),
    f"{P}.converted.per_day": _converted("cost.usd_per_day"),
    f"{P}.converted.per_month": _converted("cost.usd_per_month"),
    f"{P}.converted.horizon": _converted("cost.usd_horizon"),
}
