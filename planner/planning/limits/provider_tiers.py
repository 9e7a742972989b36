"""The rate-limit tier that each provider's share of the peak needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from planner.planning.bill.calls import PricedCall
from planner.planning.bill.response_caches import reaching_fraction
from planner.planning.limits.tier_outlook import requirement_text, spend_notices, tier_outlook
from planner.planning.limits.tiers import STATUS_WORDS, tier_plan
from planner.planning.workload.advise import rule_of_thumb_tier
from planner.specs.answers.estimate import TierAdvice
from planner.specs.answers.tier_check import LimitDemand, LimitUse, TierCheck, TierPlan
from planner.specs.base import Notice
from planner.specs.case import Case
from planner.specs.scenario.workload import TokenStats, Workload
from planner.units import percent

MANY_TIMES = 10.0  # from here on a percentage is no longer read
HARDLY_ANY = 0.005  # what would be shown as 0 %
WORTH_SAYING = 0.0005  # what is shown as 0.1 % of the peak minutes


def provider_tiers(
    case: Case, workload: Workload, priced: Sequence[PricedCall], as_of: date
) -> tuple[tuple[TierAdvice, ...], tuple[Notice, ...]]:
    """Return the tier that each provider of the scenario needs, and what there is to say about the limits."""
    providers = dict.fromkeys(each.call.model.provider for each in priced)
    plans = [plan_of(case, workload, priced, provider, as_of) for provider in providers]
    thumb = rule_of_thumb_tier(case.rules, workload.requests_per_day)
    advice = tuple(
        replace(
            _advice(plan, thumb, _account(case, plan.provider)),
            outlook=tier_outlook(
                plan,
                workload.growth_per_month_fraction,
                workload.horizon_months,
                case.rules.thresholds.headroom_fraction,
            ),
        )
        for plan in plans
    )
    return advice, tuple(notice for plan in plans for notice in _notices(case, workload, priced, plan))


def _notices(
    case: Case, workload: Workload, priced: Sequence[PricedCall], plan: TierPlan
) -> Iterator[Notice]:
    yield from plan.notices
    yield from spend_notices(plan, _bill(case, workload, priced, plan.provider))


def _bill(case: Case, workload: Workload, priced: Sequence[PricedCall], provider: str) -> float:
    """Return what the calls of one provider cost. [USD/month]"""
    per_request = sum(each.usd * each.call.share for each in priced if each.call.model.provider == provider)
    return per_request * workload.requests_per_month * reaching_fraction(case)


def plan_of(
    case: Case, workload: Workload, priced: Sequence[PricedCall], provider: str, as_of: date
) -> TierPlan:
    """Check every tier of one provider against what the scenario asks of its models at the peak."""
    return tier_plan(
        case.books.rate_limits.values(),
        [_demand(case, workload, each) for each in priced if each.call.model.provider == provider],
        as_of,
        current_tier=_account(case, provider),
        growth_per_month_fraction=workload.growth_per_month_fraction,
        alert_fraction=case.rules.thresholds.headroom_fraction,
        bill_usd_per_month=_bill(case, workload, priced, provider),
    )


def _account(case: Case, provider: str) -> str | None:
    account = case.scenario.accounts.get(provider)
    return account.tier if account is not None else None


def _demand(case: Case, workload: Workload, each: PricedCall) -> LimitDemand:
    share = each.call.share * reaching_fraction(case)
    sizes = each.workload  # in the tokens of the model
    output = sizes.output_tokens.mean + sizes.reasoning_tokens.mean
    in_batch = each.call.mode == "batch"
    return LimitDemand(
        model=each.call.model.id,
        peak_requests_per_s=0.0 if in_batch else workload.peak_requests_per_s * share,
        requests_per_day=0.0 if in_batch else workload.requests_per_day * share,
        input_tokens=sizes.input_tokens.mean,
        output_tokens=output,
        cached_read_tokens=each.caching.cached_read_tokens if each.caching is not None else 0.0,
        max_tokens=case.scenario.prompt.max_tokens,
        burstiness=workload.burstiness,
        size_cv=_size_cv(workload.input_tokens),
        attempts_per_request=each.call.attempts,
        batch_tokens_queued=workload.requests_per_day * share * sizes.input_tokens.mean if in_batch else 0.0,
        batch_requests_queued=workload.requests_per_day * share if in_batch else 0.0,
    )


def _size_cv(tokens: TokenStats) -> float:
    """Return the coefficient of variation of a log-normal with this shape: sqrt(exp(σ²) - 1). [1]"""
    return float((2.718281828459045 ** (tokens.sigma**2) - 1) ** 0.5)


def _advice(plan: TierPlan, rule_of_thumb: str, account: str | None) -> TierAdvice:
    check = plan.current or plan.lowest
    tightest = check.tightest if check is not None else None
    return TierAdvice(
        provider=plan.provider,
        tier=plan.lowest.tier if plan.lowest is not None else None,
        account_tier=account,
        holds=_holds(plan, check),
        rule_of_thumb=rule_of_thumb,
        limit=tightest.kind if tightest is not None else None,
        used_fraction=tightest.used_fraction if tightest is not None else None,
        exceed_fraction=tightest.exceed_fraction if tightest is not None else None,
        requirement=requirement_text(plan.lowest.requirement) if plan.lowest is not None else None,
        edition=plan.edition,
        source=plan.source,
        reason=_reason(plan, account, check, tightest),
    )


def _holds(plan: TierPlan, check: TierCheck | None) -> bool | None:
    if check is None:
        return None if plan.unknown else False
    return None if check.status == "unknown" else check.status == "holds"


def _reason(plan: TierPlan, account: str | None, check: TierCheck | None, tightest: LimitUse | None) -> str:
    if check is None:
        return (
            "limits are not published for this load; ask the provider"
            if plan.unknown
            else "no published tier holds the peak" + _even_the_highest(plan)
        )
    if tightest is None or check.status == "unknown":
        return f"no limits are published for {', '.join(check.unpublished) or 'this load'}; ask the provider"
    use = _used(tightest) + _refused(tightest)
    if account is None:
        needs = requirement_text(check.requirement)
        return f"lowest published tier that holds, {use}" + (f"; needs {needs}" if needs else "")
    better = plan.lowest.tier if plan.lowest is not None and check.status in {"tight", "exceeded"} else None
    return f"your tier {STATUS_WORDS[check.status]}, {use}" + (
        f"; take {better}" if better and better != account else ""
    )


def _used(use: LimitUse) -> str:
    return f"{_part(use.used_fraction)} {use.limit:,.0f} {_words(use.kind)} at the peak"


def _part(fraction: float) -> str:
    if fraction >= MANY_TIMES:
        return f"{fraction:,.0f} times"
    return f"{percent(fraction)} of" if fraction >= HARDLY_ANY else "less than 1 % of"


def _refused(use: LimitUse) -> str:
    """Return how often the peak runs into the limit, where that happens at all."""
    if use.exceed_fraction is None or use.exceed_fraction < WORTH_SAYING:
        return ""
    return f", a 429 in {percent(use.exceed_fraction, 1)} of its minutes"


def _even_the_highest(plan: TierPlan) -> str:
    """Return what the highest published tier would be used to."""
    known = (check for check in plan.checks if check.status != "unknown")
    *_, (tier, tightest) = ((check.tier, use) for check in known if (use := check.tightest) is not None)
    return f"; {tier}, the highest with published limits, would be at {_used(tightest)}"


def _words(kind: str) -> str:
    return kind.replace("_per_", "/").replace("_", " ")
