"""Which option to choose, why, and why not the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.specs.answers.estimate import (
    Advice,
    ApiCost,
    CacheAdvice,
    HostingOption,
    Recommendation,
    TierAdvice,
)
from planner.units import percent

WORTH_SAYING = 0.005  # a saving below half a per cent is no reason


def recommend(
    *,
    cost: ApiCost,
    options: Sequence[HostingOption],
    tiers: tuple[TierAdvice, ...],
    caching: CacheAdvice,
    advice: tuple[Advice, ...],
    budget_usd_per_month: float | None,
    rule_of_thumb: str,
) -> Recommendation:
    """Rank the options that hold by monthly cost and say why the first one wins."""
    ranked = ranked_options(options)
    chosen = cheapest_option(ranked)
    return Recommendation(
        hosting=chosen,
        provider_tiers=tiers,
        reasons=tuple(_reasons(cost, ranked, chosen, tiers, budget_usd_per_month, rule_of_thumb)),
        options=tuple(ranked),
        caching=caching,
        advice=advice,
    )


def ranked_options(options: Sequence[HostingOption]) -> list[HostingOption]:
    """Return the options that hold, cheapest first, and then the refused ones."""
    return sorted(options, key=lambda option: (bool(option.refused), option.usd_per_month or float("inf")))


def cheapest_option(ranked: Sequence[HostingOption]) -> HostingOption | None:
    """Return the first option that holds, or ``None`` when all are refused."""
    return next((option for option in ranked if not option.refused), None)


def _reasons(
    cost: ApiCost,
    ranked: Sequence[HostingOption],
    chosen: HostingOption | None,
    tiers: Sequence[TierAdvice],
    budget_usd_per_month: float | None,
    rule_of_thumb: str,
) -> Iterator[str]:
    if chosen is None:
        yield "no option satisfies data rule, memory and SLO together"
        return
    holding = [option for option in ranked if not option.refused]
    yield from _rank_reasons(chosen, holding, len(ranked))
    yield from _api_reasons(cost, chosen)
    yield from _horizon_reasons(cost, chosen, holding)
    if budget_usd_per_month is not None and chosen.usd_per_month is not None:
        share = chosen.usd_per_month / budget_usd_per_month
        word = f"uses {percent(share)} of" if share <= 1 else f"is {share:,.1f} times"
        yield f"{word} the budget of {budget_usd_per_month:,.0f} USD/month"
    if chosen.kind == "edge":
        yield "energy only: the device is the user's own"
    if chosen.kind == "api":
        yield from _conditions(tiers)
        yield f"the cheat sheet's rule of thumb for this many requests: {rule_of_thumb}"


def _rank_reasons(chosen: HostingOption, holding: Sequence[HostingOption], options: int) -> Iterator[str]:
    second = holding[1] if len(holding) > 1 else None
    if second is not None and chosen.usd_per_month is not None and second.usd_per_month is not None:
        saved = second.usd_per_month - chosen.usd_per_month
        yield f"cheapest of {len(holding)} options that hold; {second.name} costs {saved:,.2f} USD/month more"
    elif options > 1:
        yield f"the only one of {options} options that holds"


def _conditions(tiers: Sequence[TierAdvice]) -> Iterator[str]:
    """Say of each provider whose published limits are too low what it must allow for the choice to hold."""
    for tier in tiers:
        if tier.holds is False:
            named = f" for {tier.shown_tier} ({tier.reason})" if tier.account_tier or tier.tier else ""
            yield f"on one condition: {tier.provider} must allow more than it publishes{named}"


def _horizon_reasons(cost: ApiCost, chosen: HostingOption, holding: Sequence[HostingOption]) -> Iterator[str]:
    """Say what the choice costs over the horizon, and which option growth would make the cheaper one."""
    total = _horizon_usd(cost, chosen)
    if total is None:
        return
    if chosen.plan is not None:
        yield (
            f"over {chosen.plan.horizon_months} months {total:,.2f} USD, growth and further machines in it; "
            f"{cost.usd_horizon:,.2f} at the API"
        )
    others = [(usd, other) for other in holding if (usd := _horizon_usd(cost, other)) is not None]
    least, other = min(others, key=lambda each: each[0])
    if least < total * (1 - WORTH_SAYING):
        yield f"over the whole horizon {other.name} would be cheaper: {least:,.2f} against {total:,.2f} USD"


def _horizon_usd(cost: ApiCost, option: HostingOption) -> float | None:
    """Return what an option costs over the horizon; ``None`` where only a month is known. [USD]"""
    if option.kind == "api":
        return cost.usd_horizon
    return option.plan.usd_horizon if option.plan is not None else None


def _api_reasons(cost: ApiCost, chosen: HostingOption) -> Iterator[str]:
    saving = cost.routing_saving_fraction
    if chosen.kind == "api" and saving is not None and saving >= WORTH_SAYING:
        dearest = max(cost.single_model, key=lambda single: single.usd_per_month)
        yield (
            f"the mix saves {percent(saving, 1)} against {dearest.model} alone "
            f"({dearest.usd_per_day:,.2f} USD/day, {dearest.usd_per_month:,.2f} USD/month)"
        )
    if chosen.kind != "api" and chosen.usd_per_month is not None and cost.usd_per_month > 0:
        yield f"the API would cost {cost.usd_per_month:,.2f} USD/month, {cost.usd_per_month / max(chosen.usd_per_month, 0.01):,.1f} times as much"
