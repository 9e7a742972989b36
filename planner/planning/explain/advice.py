"""Derivations of rate-limit use and of what advice saves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from planner.formulas.rate_limits import minute_exceedance_fraction, used_fraction
from planner.planning.advice.changes import CHANGES, Ground
from planner.planning.advice.savings import INPUT_LINES, OPTIONS, VERDICT_CACHE
from planner.planning.advice.time_saved import PREFILL, time_saved
from planner.planning.bill.calls import LINES
from planner.planning.explain.derivation import (
    Derived,
    Function,
    Operand,
    between,
    difference,
    known,
    modelled,
    of,
    quotient,
    stated,
)
from planner.planning.explain.leaves import Scene, rule_leaf
from planner.planning.limits.limit_uses import counting_words
from planner.planning.limits.provider_tiers import plan_of
from planner.specs.answers.estimate import HostingKind
from planner.specs.answers.explanation import Origin
from planner.specs.answers.tier_check import LimitUse

TIERS = "recommendation.provider_tiers"


def _use(s: Scene, index: int) -> LimitUse:
    """Return the limit that the tier advice speaks of, checked again."""
    tier = s.estimate.recommendation.provider_tiers[index]
    plan = plan_of(s.case, s.estimate.workload, s.bill.priced, tier.provider, s.estimate.as_of)
    check = known(plan.current or plan.lowest, tier.provider)
    return known(check.tightest, tier.provider)


def _limit(s: Scene, index: int, use: LimitUse) -> Operand:
    tier = s.estimate.recommendation.provider_tiers[index]
    edition = s.case.books.rate_limits[tier.edition or ""]
    origin = Origin(
        kind="book",
        place=f"pricing.yaml rate_limits {edition.id} {tier.shown_tier} {use.kind}",
        source=edition.source,
        trust=edition.confidence,
        since=edition.valid_from,
        checked=edition.checked,
    )
    return Operand(name=use.kind, value=use.limit, origin=origin)


def _peak(s: Scene, index: int, use: LimitUse) -> Operand:
    """Return what the busiest minute or day takes from a limit."""
    edition = s.case.books.rate_limits[s.estimate.recommendation.provider_tiers[index].edition or ""]
    counting = edition.accounting
    models = [
        s.ref(f"cost.by_model[{index}].share", f"share_of_{cost.model}")
        for index, cost in enumerate(s.estimate.cost.by_model)
        if cost.model in use.models
    ]
    operands = (
        s.ref("workload.peak_requests_per_s"),
        *models,
        s.ref("workload.input_tokens.mean", "input_tokens"),
        s.ref("workload.output_tokens.mean", "output_tokens"),
        *(() if s.case.scenario.prompt.max_tokens is None else (s.key("prompt.max_tokens"),)),
        s.key("reliability.error_rate"),
        s.key("reliability.max_retries"),
    )
    terms = Derived(
        rule="requests of the peak, retries included, × what one takes from the limit",
        operands=operands,
        note=f"on tokens {edition.provider} counts {counting_words(counting)}; {counting.source or edition.source}",
    )
    return between("peak", use.peak, terms)


def _used(s: Scene, index: int) -> Derived:
    use = _use(s, index)
    return of(used_fraction, _peak(s, index, use), _limit(s, index, use))


def _exceed(s: Scene, index: int) -> Derived:
    use = _use(s, index)
    operands = (_peak(s, index, use), _limit(s, index, use), s.ref("workload.burstiness"))
    note = "the probability that one minute of the peak hour brings more than the limit"
    return modelled(minute_exceedance_fraction, *operands, note=note)


def _with_it(s: Scene, at: Ground, name: str) -> Operand:
    """Return the bill of a changed scenario, computed again."""
    terms = Derived(
        rule="cost.usd_per_month of the scenario with the advice followed",
        operands=(
            s.ref("workload.requests_per_month"),
            *s.refs("cost.by_model[*].price.input_usd_per_mtok", "model"),
        ),
        note=f"the whole bill is computed again with {name}",
    )
    return between("usd_per_month_with_it", at.usd, terms)


def _saving(end: Literal["after", "low", "high"]) -> Function:
    """Return the derivation of a saving: the bill less the bill with the advice followed, or less an option."""

    def derive(s: Scene, index: int) -> Derived:
        advice = s.estimate.recommendation.advice[index]
        if advice.id in OPTIONS:
            return _option_saving(s, OPTIONS[advice.id])
        ground = Ground(case=s.case, workload=s.estimate.workload, as_of=s.estimate.as_of)
        change = CHANGES[advice.id](ground) if advice.id in CHANGES else ""
        if isinstance(change, str):
            leaf = rule_leaf(s, "saving", 0.0, f"checklist {advice.id}")
            return stated(leaf, "this advice changes latency, and no bill")
        return difference(
            s.ref("cost.usd_per_month"), _with_it(s, getattr(change, end) or change.after, advice.id)
        )

    return derive


def _option_saving(s: Scene, kind: HostingKind) -> Derived:
    options = s.estimate.recommendation.options
    found = [
        s.ref(f"recommendation.options[{index}].usd_per_month")
        for index, option in enumerate(options)
        if option.kind == kind and not option.refused and option.usd_per_month is not None
    ]
    return Derived(
        rule="cost.usd_per_month − smallest usd_per_month of the options of this kind",
        operands=(s.ref("cost.usd_per_month"), *found),
        replay=lambda api, *own: api - min(own),
    )


def _fraction(s: Scene, index: int) -> Derived:
    """Return the saving over the bill, or over what its input costs."""
    advice = s.estimate.recommendation.advice[index]
    saved = s.ref(f"{ITEMS}[{index}].saving_usd_per_month")
    if advice.rule_of == "bill":
        return quotient(saved, s.ref("cost.usd_per_month"))
    lines = [
        s.ref(f"cost.lines[{place}].usd_per_month", line.name)
        for place, line in enumerate(s.estimate.cost.lines)
        if line.name in LINES[:INPUT_LINES]
    ]
    return Derived(
        rule="saving_usd_per_month ÷ Σ input lines",
        operands=(saved, *lines),
        replay=lambda part, *whole: part / sum(whole),
    )


def _rule(end: Literal["low", "high"]) -> Function:
    def derive(s: Scene, index: int) -> Derived:
        advice = s.estimate.recommendation.advice[index]
        rule = next(item for item in s.case.rules.checklist if item.id == advice.id).rule
        value = getattr(advice, f"rule_{end}_fraction")
        return stated(rule_leaf(s, f"rule_{end}_fraction", value, f"key_numbers.{rule}.{end}"))

    return derive


def _time_saved(s: Scene, index: int) -> Derived:
    advice = s.estimate.recommendation.advice[index]
    numbers = s.case.rules.key_numbers
    if advice.id in PREFILL:
        read = numbers.prefill_s_per_token.middle
        operands: tuple[Operand, ...] = (
            s.ref("workload.input_tokens.mean", "input_tokens"),
            s.ref("workload.static_prefix_tokens"),
            rule_leaf(s, "prefill_s_per_token", read, "key_numbers.prefill_s_per_token"),
        )
    else:
        speed = numbers.output_tokens_per_s.middle
        operands = (
            s.ref("workload.output_tokens.mean", "output_tokens"),
            rule_leaf(s, "output_tokens_per_s", speed, "key_numbers.output_tokens_per_s"),
        )
    return modelled(time_saved, *operands, note=advice.time_basis or advice.id)


def _verdict_saving(s: Scene) -> Derived:
    """Return the saving of the cache that the tree names: there already, or by following the advice."""
    name = VERDICT_CACHE[s.estimate.recommendation.caching.kind]
    if name == "prompt" and s.estimate.api.prompt_cache is not None:
        return stated(s.ref("api.prompt_cache.saving_usd_per_month"))
    for index, cache in enumerate(s.estimate.api.caches):
        if cache.name == name:
            return stated(s.ref(f"api.caches[{index}].saving_usd_per_month.value"))
    wanted = "prompt-caching" if name == "prompt" else f"{name}-cache"
    ids = [item.id for item in s.estimate.recommendation.advice]
    return stated(s.ref(f"{ITEMS}[{ids.index(wanted)}].saving_usd_per_month"))


ITEMS = "recommendation.advice"
ADVICE: Mapping[str, Function] = {
    "recommendation.caching.saving_usd_per_month": _verdict_saving,
    f"{TIERS}[*].used_fraction": _used,
    f"{TIERS}[*].exceed_fraction": _exceed,
    f"{ITEMS}[*].saving_usd_per_month": _saving("after"),
    f"{ITEMS}[*].saving_low_usd_per_month": _saving("low"),
    f"{ITEMS}[*].saving_high_usd_per_month": _saving("high"),
    f"{ITEMS}[*].saving_fraction": _fraction,
    f"{ITEMS}[*].rule_low_fraction": _rule("low"),
    f"{ITEMS}[*].rule_high_fraction": _rule("high"),
    **{f"{ITEMS}[*].time_saved_s.{part}": _time_saved for part in ("value", "low", "high")},
}
