"""Derivations of what stands behind the bill: caches, routing, failures, currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from planner.formulas.bill import converted
from planner.formulas.reliability import (
    attempt_reached_fraction,
    retry_time_quantile_s,
    runs_until_failures,
)
from planner.planning.bill.api_cost import monthly_bill
from planner.planning.bill.cache_use import frozen, with_caching
from planner.planning.bill.failures import without_errors
from planner.planning.explain.calls import embeddings
from planner.planning.explain.derivation import (
    Derived,
    Function,
    Operand,
    between,
    difference,
    modelled,
    product,
    stated,
    total,
)
from planner.planning.explain.leaves import Scene, constant, rule_leaf, value_at
from planner.specs.api_plan import ApiPlan, Converted, Failures, RoutingCheck
from planner.specs.caching import PromptCache
from planner.specs.case import Case
from planner.specs.explanation import Origin

P = "api"
CACHES, ROUTING, FAILURES = f"{P}.caches", f"{P}.routing", f"{P}.failures"
BILL = "cost.usd_per_month"


def _plan(s: Scene) -> ApiPlan:
    return s.estimate.api


def _again(s: Scene, case: Case, name: str, what: str) -> Operand:
    """Return the bill of a changed scenario, computed again."""
    usd = monthly_bill(case, s.estimate.workload, s.estimate.as_of).usd
    terms = Derived(
        rule=f"cost.usd_per_month of the scenario {what}",
        operands=(
            s.ref("workload.requests_per_month"),
            *s.refs("cost.by_model[*].price.input_usd_per_mtok", "model"),
        ),
        note="the whole bill is computed again",
    )
    return between(name, usd, terms)


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
        without = _again(
            s, with_caching(kept, **{cache.name: None}), "usd_per_month_without", "without the layer"
        )
        spec = getattr(s.case.scenario.caching, cache.name)
        at = spec.model_copy(update={"hit_rate": getattr(cache.hit, end)})
        having = with_caching(kept, **{cache.name: at})
        return difference(without, _again(s, having, "usd_per_month_with", "with this hit rate"))

    return derive


def _prompt_saving(s: Scene) -> Derived:
    without = with_caching(s.case, prompt=None)
    return difference(_again(s, without, "usd_per_month_without", "without prompt caching"), s.ref(BILL))


def _ttl_saving(s: Scene, index: int) -> Derived:
    ttl = value_at(s.estimate, f"{P}.prompt_cache.by_ttl[{index}].ttl")
    cache: PromptCache = value_at(s.case.scenario, "caching.prompt")
    without = _again(s, with_caching(s.case, prompt=None), "usd_per_month_without", "without prompt caching")
    bought = with_caching(s.case, prompt=cache.model_copy(update={"ttl": ttl}))
    return difference(without, _again(s, bought, "usd_per_month_with", f"with a lifetime of {ttl}"))


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


def _failures(s: Scene) -> Failures:
    found: Failures = value_at(s.estimate, FAILURES)
    return found


def _rate(s: Scene, index: int) -> Derived:
    name = _failures(s).errors[index].name
    by_class = s.case.scenario.reliability.errors is not None
    return stated(s.key(f"reliability.errors.{name}" if by_class else "reliability.error_rate"))


def _class_rule(field: str) -> Function:
    def derive(s: Scene, index: int) -> Derived:
        row = _failures(s).errors[index]
        return stated(rule_leaf(s, field, getattr(row, field), f"error_classes.{row.name}.{field}"))

    return derive


def _retries(s: Scene, index: int) -> Derived:
    row = _failures(s).errors[index]
    rule = rule_leaf(s, "granted", row.retries, f"error_classes.{row.name}.max_retries")
    return Derived(
        rule="max_retries, as far as the class of error is granted retries",
        operands=(s.key("reliability.max_retries"), rule),
        replay=min,
    )


def _of_errors(s: Scene, field: str) -> tuple[Operand, ...]:
    return s.refs(f"{FAILURES}.errors[*].{field}", "name")


def _attempts(s: Scene) -> Derived:
    rates, retries = _of_errors(s, "rate_fraction"), _of_errors(s, "retries")
    count = len(rates)
    if not count:
        return _no_errors(s)
    return Derived(
        rule="Σ attempt_reached_fraction(rates, retries)",
        operands=(*rates, *retries),
        formula=attempt_reached_fraction,
        replay=lambda *values: float(
            attempt_reached_fraction(list(values[:count]), [int(each) for each in values[count:]]).sum()
        ),
    )


def _no_errors(s: Scene) -> Derived:
    return Derived(
        rule="1: no errors are stated", operands=(s.key("reliability.error_rate"),), replay=lambda _: 1.0
    )


def _alone(s: Scene) -> Derived:
    rates = _of_errors(s, "rate_fraction")
    return Derived(
        rule="provider_uptime × attempts_per_request × (1 − Σ rates) × (1 − open_fraction)",
        operands=(
            s.key("reliability.provider_uptime"),
            s.ref(f"{FAILURES}.attempts_per_request"),
            s.ref(f"{FAILURES}.breaker.open_fraction"),
            *rates,
        ),
        replay=lambda uptime, attempts, opened, *errors: uptime * attempts * (1 - sum(errors)) * (1 - opened),
    )


def _available(s: Scene) -> Derived:
    alone = s.ref(f"{FAILURES}.availability_without_failover_fraction")
    if _failures(s).failover_model is None:
        return stated(alone)
    rates = _of_errors(s, "rate_fraction")
    final = [not error.retries and error.name != "any error" for error in _failures(s).errors]
    return Derived(
        rule="alone + (1 − alone − lost) × provider_uptime × answered, lost = what no other model mends",
        operands=(
            alone,
            s.key("reliability.provider_uptime"),
            s.ref(f"{FAILURES}.attempts_per_request"),
            *rates,
        ),
        replay=lambda first, uptime, attempts, *errors: (
            first
            + max(
                1 - first - uptime * attempts * sum(e for e, no in zip(errors, final, strict=True) if no), 0.0
            )
            * uptime
            * attempts
            * (1 - sum(errors))
        ),
    )


def _time(function: Function, note: str) -> Function:
    def derive(s: Scene) -> Derived:
        operands = (
            s.ref("workload.mean_requests_per_s"),
            s.key("reliability.backoff.base_s"),
            s.key("reliability.backoff.max_s"),
            s.key("reliability.circuit_breaker.failure_threshold"),
            *_of_errors(s, "rate_fraction"),
        )
        return modelled(function, *operands, note=note)

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
    f"{FAILURES}.errors[*].rate_fraction": _rate,
    f"{FAILURES}.errors[*].http": _class_rule("http"),
    f"{FAILURES}.errors[*].billed_fraction": _class_rule("billed_fraction"),
    f"{FAILURES}.errors[*].retries": _retries,
    f"{FAILURES}.attempts_per_request": _attempts,
    f"{FAILURES}.extra_load_fraction": lambda s: Derived(
        rule="attempts_per_request − 1",
        operands=(s.ref(f"{FAILURES}.attempts_per_request"),),
        replay=lambda attempts: attempts - 1,
    ),
    f"{FAILURES}.availability_without_failover_fraction": _alone,
    f"{FAILURES}.availability_fraction": _available,
    f"{FAILURES}.target_fraction": lambda s: stated(s.key("slo.availability")),
    f"{FAILURES}.extra_usd_per_month": lambda s: difference(
        s.ref(BILL), _again(s, without_errors(s.case), "usd_per_month_without_errors", "without errors")
    ),
    f"{FAILURES}.usd_per_answered_request": lambda s: Derived(
        rule="usd_per_month ÷ (requests_per_month × availability_fraction)",
        operands=(
            s.ref(BILL),
            s.ref("workload.requests_per_month"),
            s.ref(f"{FAILURES}.availability_fraction"),
        ),
        replay=lambda usd, requests, available: usd / (requests * available),
    ),
    f"{FAILURES}.added_mean_s": _time(retry_time_quantile_s, "mean of waits and timeouts over all requests"),
    f"{FAILURES}.added_p95_s": _time(retry_time_quantile_s, "waits and timeouts, added on a grid"),
    f"{FAILURES}.breaker.trips_per_month": _time(runs_until_failures, "runs of failures by chance"),
    f"{FAILURES}.breaker.open_fraction": _time(runs_until_failures, "time open over time between openings"),
    f"{FAILURES}.breaker.detects_outage_s": _time(
        runs_until_failures, "failure_threshold over the mean rate"
    ),
    f"{P}.converted.units_per_usd": _units_per_usd,
    f"{P}.converted.per_request": _converted("cost.usd_per_request"),
    f"{P}.converted.per_day": _converted("cost.usd_per_day"),
    f"{P}.converted.per_month": _converted("cost.usd_per_month"),
    f"{P}.converted.horizon": _converted("cost.usd_horizon"),
}
