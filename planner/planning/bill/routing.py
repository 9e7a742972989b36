"""What a mix of models saves against its dearest one alone, and how that hangs on the small model's share."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from planner.planning.bill.api_cost import monthly_bill
from planner.specs.answers.api_plan import RoutingCheck, RoutingPoint
from planner.specs.answers.estimate import ApiCost
from planner.specs.case import Case
from planner.specs.scenario.scenario import ModelShare
from planner.specs.scenario.workload import Workload

SHOWN_SHARES = (0.6, 0.7, 0.8, 0.9)  # around the rule of thumb's 70-80 %


def routing_check(case: Case, workload: Workload, cost: ApiCost, as_of: date) -> RoutingCheck | None:
    """Return the check of a routed scenario; ``None`` where one model serves everything or nothing is saved."""
    if not cost.single_model or cost.routing_saving_fraction is None:
        return None
    ranked = sorted(cost.single_model, key=lambda single: single.usd_per_month)
    small, large = ranked[0], ranked[-1]
    share = _small_share(case, small.model)
    if share is None:
        return None
    rule = case.rules.key_numbers

    bills = _bills(case, small.model, workload, as_of)

    def point(at: float) -> RoutingPoint:
        usd = bills[at]
        return RoutingPoint(small_share=at, usd_per_month=usd, saving_fraction=1 - usd / large.usd_per_month)

    return RoutingCheck(
        kind="cascade" if case.scenario.models[0].cascade else "shares",
        small_model=small.model,
        large_model=large.model,
        small_share=share,
        saving_fraction=cost.routing_saving_fraction,
        points=tuple(point(at) for at in SHOWN_SHARES),
        rule_share_low=rule.small_model_share.low,
        rule_share_high=rule.small_model_share.high,
        rule_saving_low=rule.routing_saving_fraction.low,
        rule_saving_high=rule.routing_saving_fraction.high,
    )


def _bills(case: Case, small: str, workload: Workload, as_of: date) -> dict[float, float]:
    """Return the bill at each shown share. [USD/month]

    Without a prompt cache, whose hits depend on a model's traffic, the bill is a straight line between two shares.
    """
    least, most = SHOWN_SHARES[0], SHOWN_SHARES[-1]
    cache = case.scenario.caching.prompt
    straight = cache is None or not cache.enabled
    priced = {
        share: monthly_bill(_with_share(case, small, share), workload, as_of).usd
        for share in ((least, most) if straight else SHOWN_SHARES)
    }
    slope = (priced[most] - priced[least]) / (most - least)
    return {
        share: priced[share] if share in priced else priced[least] + slope * (share - least)
        for share in SHOWN_SHARES
    }


def _small_share(case: Case, small: str) -> float | None:
    """Return the share that the small model settles; ``None`` where shares and cascades are mixed."""
    models = case.scenario.models
    if len(models) == 1 and models[0].cascade:
        first = models[0].cascade[0]
        return first.accept if _is(case, first.model, small) else None
    if any(entry.cascade for entry in models):
        return None
    share = sum(entry.share for entry in models if _is(case, entry.model, small))
    return share if share < 1 else None


def _is(case: Case, name: str | None, row_id: str) -> bool:
    return name is not None and case.books.api.find(name).id == row_id


def _with_share(case: Case, small: str, share: float) -> Case:
    models = case.scenario.models
    if models[0].cascade:
        first = models[0].cascade[0].model_copy(update={"accept": share})
        stages = (first, *models[0].cascade[1:])
        changed: tuple[ModelShare, ...] = (models[0].model_copy(update={"cascade": stages}),)
    else:
        changed = _shared(case, models, small, share)
    return replace(case, scenario=case.scenario.model_copy(update={"models": changed}))


def _shared(case: Case, models: tuple[ModelShare, ...], small: str, share: float) -> tuple[ModelShare, ...]:
    """Give the small model a share; the others keep their proportions."""
    now = sum(entry.share for entry in models if _is(case, entry.model, small))

    def factor(entry: ModelShare) -> float:
        return share / now if _is(case, entry.model, small) else (1 - share) / (1 - now)

    return tuple(entry.model_copy(update={"share": entry.share * factor(entry)}) for entry in models)
