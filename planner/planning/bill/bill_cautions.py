"""What a reader must know about the bill at the provider: priors, contracts that end, targets missed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from planner.planning.workload.facts import Facts
from planner.specs.answers.api_plan import ApiPlan
from planner.specs.answers.estimate import ApiCost
from planner.specs.base import Notice
from planner.specs.case import Case
from planner.units import DAYS_PER_MONTH, percent


def api_cautions(case: Case, cost: ApiCost, plan: ApiPlan, facts: Facts, as_of: date) -> Iterator[Notice]:
    """Yield the notices that belong to the bill at the provider."""
    yield from _assumed_hits(plan)
    yield from _against_the_tree(plan, facts)
    yield from _contract_ends(case, cost, as_of)
    yield from _availability(plan)


def _assumed_hits(plan: ApiPlan) -> Iterator[Notice]:
    for cache in plan.caches:
        if not cache.stated:
            low, high = cache.hit.low, cache.hit.high
            band = f", {percent(low)} to {percent(high)}" if low < high else ""
            message = (
                f"the {cache.name} cache's hit rate is a rule of thumb: {percent(cache.hit.value)}{band}"
            )
            yield Notice(
                code="CACHE-PRIOR",
                message=message,
                cure=f"measure it, and give caching.{cache.name}.hit_rate",
            )


def _against_the_tree(plan: ApiPlan, facts: Facts) -> Iterator[Notice]:
    """Warn of a response cache where the same request may rightly get another answer."""
    if plan.caches and facts.get("varied"):
        names = " and ".join(cache.name for cache in plan.caches)
        message = f"the {names} cache repeats answers that vary (temperature above 0, free text)"
        cure = "give its ttl_hours if answers of that age are fresh enough, or leave it out"
        yield Notice(code="CACHE-VARIED", message=message, cure=cure)


def _contract_ends(case: Case, cost: ApiCost, as_of: date) -> Iterator[Notice]:
    end = as_of + timedelta(days=case.scenario.traffic.horizon_months * DAYS_PER_MONTH)
    for name in dict.fromkeys(model.price.contract for model in cost.by_model):
        contract = case.books.contracts[name] if name is not None else None
        if contract is not None and contract.valid_to is not None and contract.valid_to < end:
            message = (
                f"contract {contract.id} ends on {contract.valid_to}, inside the horizon; from then on the months "
                f"are at the list price, and no credits are left"
            )
            yield Notice(code="CONTRACT-ENDS", message=message, cure="plan its renewal")


def _availability(plan: ApiPlan) -> Iterator[Notice]:
    failures = plan.failures
    if failures is not None and failures.target_fraction is not None and failures.holds is False:
        message = (
            f"{percent(failures.availability_fraction, 4)} of the requests are answered, "
            f"less than the target of {percent(failures.target_fraction, 4)}"
        )
        cure = "retry more often, or fix what is lost" if failures.failover_model else "name a failover_model"
        yield Notice(code="AVAILABILITY", message=message, cure=cure)
