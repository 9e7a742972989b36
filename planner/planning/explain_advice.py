"""Derivations of rate-limit use and of what advice saves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from planner.formulas.rate_limits import minute_exceedance_fraction, used_fraction
from planner.planning.api_cost import monthly_bill
from planner.planning.derivation import Derived, Function, Operand, between, difference, modelled, of
from planner.planning.explain_leaves import Scene
from planner.planning.provider_tiers import plan_of
from planner.planning.savings import WHAT_IF
from planner.specs.explanation import Origin
from planner.specs.tier_check import LimitUse

TIERS = "recommendation.provider_tiers"


def _use(s: Scene, index: int) -> LimitUse:
    """Return the limit that the tier advice speaks of, checked again."""
    tier = s.estimate.recommendation.provider_tiers[index]
    plan = plan_of(s.case, s.estimate.workload, s.bill.priced, tier.provider, s.estimate.as_of)
    check = plan.current or plan.lowest
    if check is None or check.tightest is None:
        raise LookupError(tier.provider)
    return check.tightest


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


def _peak(s: Scene, use: LimitUse) -> Operand:
    """Return what the busiest minute or day takes from a limit."""
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
        s.key("reliability.error_rate"),
        s.key("reliability.max_retries"),
    )
    terms = Derived(
        rule="requests of the peak, retries included, × what one takes from the limit",
        operands=operands,
        note="by the provider's own rules of counting cached and reserved tokens",
    )
    return between("peak", use.peak, terms)


def _used(s: Scene, index: int) -> Derived:
    use = _use(s, index)
    return of(used_fraction, _peak(s, use), _limit(s, index, use))


def _exceed(s: Scene, index: int) -> Derived:
    use = _use(s, index)
    operands = (_peak(s, use), _limit(s, index, use), s.ref("workload.burstiness"))
    note = "the probability that one minute of the peak hour brings more than the limit"
    return modelled(minute_exceedance_fraction, *operands, note=note)


def _saving(s: Scene, index: int) -> Derived:
    """Return the bill less the bill with the advice followed."""
    advice = s.estimate.recommendation.advice[index]
    changed = WHAT_IF[advice.id](s.case.scenario)
    made = s.estimate
    bill = monthly_bill(replace(s.case, scenario=changed), made.workload, made.as_of).usd
    terms = Derived(
        rule="cost.usd_per_month of the scenario with the advice followed",
        operands=(
            s.ref("workload.static_prefix_tokens"),
            s.ref("workload.mean_requests_per_s"),
            *s.refs("cost.by_model[*].price.input_usd_per_mtok", "model"),
        ),
        note=f"the whole bill is computed again with {advice.id}",
    )
    return difference(s.ref("cost.usd_per_month"), between("usd_per_month_with_it", bill, terms))


ADVICE: Mapping[str, Function] = {
    f"{TIERS}[*].used_fraction": _used,
    f"{TIERS}[*].exceed_fraction": _exceed,
    "recommendation.advice[*].saving_usd_per_month": _saving,
}
