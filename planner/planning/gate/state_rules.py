"""Findings about a scenario as it stands: budget, prices, rate limits, memory, latency targets, profiles."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from planner.planning.gate.hosting_rules import hosting_findings, profile_findings
from planner.planning.gate.standing import Standing
from planner.planning.hosting.rental_price import rental_price_in_force
from planner.specs.answers.estimate import ModelCost, TierAdvice
from planner.specs.case import Case
from planner.specs.gate.finding import Finding
from planner.units import DAYS_PER_MONTH, percent


def state_findings(standing: Standing) -> Iterator[Finding]:
    """Yield what a scenario breaks as it stands, whatever it was before."""
    yield from _budget(standing)
    yield from _prices(standing)
    yield from _limits(standing)
    yield from hosting_findings(standing)
    yield from profile_findings(standing)


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
