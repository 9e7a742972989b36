"""Findings about a scenario as it stands: budget, prices, rate limits, memory, latency targets, profiles."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from planner.planning.hosting.capacity import BOUNDS
from planner.planning.hosting.rental_price import rental_price_in_force
from planner.planning.workload.places import line_of
from planner.records import dataclass
from planner.specs.case import Case
from planner.specs.estimate import Estimate, HostingOption, ModelCost, TierAdvice
from planner.specs.finding import Finding
from planner.specs.gates import Gates, RuleId, Severity
from planner.specs.outcome import Outcome
from planner.specs.step_profile import StepProfile
from planner.units import DAYS_PER_MONTH, percent

SLO_WORDS = BOUNDS[:3]  # how a target that is missed is worded; the fourth is the KV pool


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One scenario as it stands: what was estimated, its gates, and what it was before where that is known."""

    case: Case
    estimate: Estimate
    gates: Gates
    before: Outcome | None
    today: date

    def at(self, key: str) -> int | None:
        """Return the line of a key of the scenario."""
        return line_of(self.case.lines, key)

    def finding(
        self,
        rule: RuleId,
        key: str,
        message: str,
        *,
        severity: Severity = "error",
        subject: str = "",
        expected: str | None = None,
        found: str | None = None,
        cure: str | None = None,
        cause: str | None = None,
        usd: float | None = None,
    ) -> Finding:
        """Return a finding at a key of the scenario."""
        return Finding(
            rule=rule,
            severity=severity,
            scenario=self.case.scenario.name,
            subject=subject,
            file=self.case.file,
            line=self.at(key),
            message=f"{self.case.scenario.name}: {message}",
            expected=expected,
            found=found,
            cause=cause,
            cure=cure,
            usd_per_month=usd,
        )


def state_findings(standing: Standing) -> Iterator[Finding]:
    """Yield what a scenario breaks as it stands, whatever it was before."""
    yield from _budget(standing)
    yield from _prices(standing)
    yield from _limits(standing)
    yield from _hosting(standing)
    yield from _profile(standing)


def _budget(s: Standing) -> Iterator[Finding]:
    budget, costs = s.case.scenario.budget, s.estimate.recommended_usd_per_month
    if budget.usd_per_month is not None and costs > budget.usd_per_month:
        was = s.before.usd_per_month if s.before is not None else None
        already = was is not None and was > budget.usd_per_month
        over = "was over the budget before and still is" if already else "exceeds the budget"
        yield s.finding(
            "BUDGET",
            "budget.usd_per_month",
            f"{costs:,.2f} USD/month {over} of {budget.usd_per_month:,.2f}",
            severity="warning" if already else "error",
            subject="a month",
            expected=f"at most {budget.usd_per_month:,.2f} USD/month",
            found=f"{costs:,.2f} USD/month",
            cure="see the advice of `planner estimate`, or raise budget.usd_per_month",
            usd=costs - budget.usd_per_month,
        )
    if budget.usd_per_request is not None:
        yield from _request_budget(s, budget.usd_per_request)


def _request_budget(s: Standing, most_usd: float) -> Iterator[Finding]:
    monthly = s.estimate.workload.requests_per_month
    each = s.estimate.recommended_usd_per_month / monthly
    if each > most_usd:
        yield s.finding(
            "BUDGET",
            "budget.usd_per_request",
            f"{each:.6f} USD a request exceed the budget of {most_usd:g}",
            subject="a request",
            expected=f"at most {most_usd:g} USD/request",
            found=f"{each:.6f} USD/request",
            cure="shorten the prompt or route to a smaller model, or raise budget.usd_per_request",
            usd=(each - most_usd) * monthly,
        )


def _prices(s: Standing) -> Iterator[Finding]:
    for model in s.estimate.cost.by_model:
        yield from _stale(s, model.model, model.price.checked, model_key(s.case, model.model))
        yield from _retired(s, model)
    chosen = s.estimate.recommendation.hosting
    if chosen is not None and chosen.rental is not None:
        row = s.case.books.rentals[chosen.rental]
        yield from _stale(
            s, row.id, rental_price_in_force(row, s.estimate.as_of).checked, "hosting.self_hosted"
        )


def _stale(s: Standing, row: str, checked: date, key: str) -> Iterator[Finding]:
    age = (s.today - checked).days
    if age > s.gates.max_price_age_days:
        yield s.finding(
            "PRICE-STALE",
            key,
            f"the price of {row} was last checked on {checked.isoformat()}, {age} days ago",
            subject=row,
            severity="warning",
            expected=f"checked within {s.gates.max_price_age_days} days",
            found=f"{age} days",
            cure="compare it with the provider's page and move `checked` in the pricing book",
        )


def _retired(s: Standing, model: ModelCost) -> Iterator[Finding]:
    months = s.case.scenario.traffic.horizon_months
    end = s.estimate.as_of + timedelta(days=months * DAYS_PER_MONTH)
    retired = model.price.retired_on
    if retired is not None and retired < end:
        successor = s.case.books.api.rows[model.model].lifecycle.successor
        yield s.finding(
            "PRICE-RETIRED",
            model_key(s.case, model.model),
            f"{model.model} retires on {retired.isoformat()}, before the {months} months of the plan end",
            subject=model.model,
            severity="warning",
            expected=f"sold until {end.isoformat()}",
            found=f"retired on {retired.isoformat()}",
            cure=f"plan for {successor}" if successor else "plan its successor",
        )


def model_key(case: Case, row_id: str) -> str:
    """Return the key of the scenario that names an API model."""
    for index, entry in enumerate(case.scenario.models):
        if entry.model is not None and case.books.api.find(entry.model).id == row_id:
            return f"models[{index}].model"
        for stage, step in enumerate(entry.cascade or ()):
            if case.books.api.find(step.model).id == row_id:
                return f"models[{index}].cascade[{stage}].model"
    return "reliability.failover_model"


def _limits(s: Standing) -> Iterator[Finding]:
    """Yield providers whose limits do not hold the peak, where the API is what would serve it."""
    made = s.estimate.recommendation
    chosen = made.hosting
    if chosen is not None and chosen.kind != "api":
        return
    if not any(option.kind == "api" and not option.refused for option in made.options):
        return
    for tier in made.provider_tiers:
        if tier.holds is False:
            yield _limit(s, tier)


def _limit(s: Standing, tier: TierAdvice) -> Finding:
    stated = tier.provider in s.case.scenario.accounts
    tight = tier.used_fraction is not None and tier.used_fraction <= 1
    better = tier.tier if tier.tier is not None and tier.tier != tier.account_tier else None
    needs = f" ({tier.requirement})" if tier.requirement else ""
    cure = (
        f"move to {better}{needs}"
        if better
        else "ask for a custom limit, spread the peak, or route a part elsewhere"
    )
    return s.finding(
        "LIMIT",
        f"accounts.{tier.provider}.tier" if stated else "models",
        f"{' '.join(filter(None, (tier.provider, tier.account_tier)))}: {tier.reason}",
        subject=tier.provider,
        severity="warning" if tight else "error",
        expected="the peak within the tier's limits",
        found=f"{percent(tier.used_fraction)} of {tier.limit}"
        if tier.used_fraction is not None
        else "no tier holds",
        cure=cure,
    )


def _hosting(s: Standing) -> Iterator[Finding]:
    """Yield own machines that no longer hold: nothing else holds either, or they were what was chosen before."""
    chosen, options = s.estimate.recommendation.hosting, s.estimate.recommendation.options
    own = [option for option in options if option.kind != "api"]
    if not own or any(not option.refused for option in own):
        return
    was_own = (
        s.before is not None
        and s.before.choice is not None
        and any(option.kind == s.before.choice.kind for option in own)
    )
    if chosen is not None and not was_own:
        return
    yield from (_refusal(s, option, lost=was_own) for option in own if _is_physical(option))


def _is_physical(option: HostingOption) -> bool:
    """Tell whether memory or a latency target refuses an option; a rule about data or quality is the author's own."""
    return _misses_slo(option) or _does_not_fit(option)


def _misses_slo(option: HostingOption) -> bool:
    return any(word in reason for reason in option.refused for word in SLO_WORDS)


def _does_not_fit(option: HostingOption) -> bool:
    return any("GiB" in reason or "fit" in reason for reason in option.refused)


def _refusal(s: Standing, option: HostingOption, *, lost: bool) -> Finding:
    slo = _misses_slo(option)
    before = " (it was the choice before)" if lost else ""
    return s.finding(
        "SLO" if slo else "FIT",
        "slo" if slo else f"hosting.{option.kind}",
        f"{option.name}{before}: {option.refused[0]}",
        subject=option.name,
        expected="one option that holds the targets" if slo else "weights and KV cache within the memory",
        found=option.refused[0],
        cause=None,
        cure="relax the target, take a faster GPU or a smaller model"
        if slo
        else "take more GPUs, a smaller quantization or context: see `planner fit`",
    )


def _profile(s: Standing) -> Iterator[Finding]:
    chosen = s.estimate.recommendation.hosting
    measured = s.case.measured.get((chosen.profile if chosen is not None else None) or "")
    if chosen is not None and measured is not None:
        yield from _measured_profile(s, chosen, measured)
        return
    memory = s.case.vllm_memory
    age = (s.today - memory.fitted).days
    if chosen is not None and chosen.kind == "self_hosted" and age > s.gates.max_profile_age_days:
        yield s.finding(
            "PROFILE-STALE",
            "hosting.self_hosted",
            f"the memory profile of {memory.engine} was fitted on {memory.fitted.isoformat()}, {age} days ago",
            subject=memory.engine,
            severity="warning",
            expected=f"fitted within {s.gates.max_profile_age_days} days",
            found=f"{age} days",
            cure="fit it again on the engine version in use: planner calibrate",
        )


def _measured_profile(s: Standing, chosen: HostingOption, measured: StepProfile) -> Iterator[Finding]:
    age = (s.today - date.fromisoformat(measured.measured_on)).days
    if age > s.gates.max_profile_age_days:
        yield s.finding(
            "PROFILE-STALE",
            f"hosting.{chosen.kind}",
            f"{chosen.profile} was measured on {measured.measured_on}, {age} days ago",
            subject=chosen.profile or measured.model,
            severity="warning",
            expected=f"measured within {s.gates.max_profile_age_days} days",
            found=f"{age} days",
            cure="measure it again on the engine version in use: planner bench --calibrate",
        )
