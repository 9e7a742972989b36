"""The main job, step by step: workload, bill, tiers, hosting, advice, recommendation."""

from __future__ import annotations

from datetime import date

from planner.planning.advise import checklist_advice, rule_of_thumb_tier, walk_cache_tree
from planner.planning.api_calls import price_calls
from planner.planning.api_cost import api_cost
from planner.planning.cautions import cautions
from planner.planning.defaults import defaults_used, keys_not_used
from planner.planning.facts import facts_of
from planner.planning.hosting import hosting_options
from planner.planning.provider_tiers import provider_tiers
from planner.planning.recommend import cheapest_option, ranked_options, recommend
from planner.planning.savings import with_savings
from planner.planning.trace import summary_of
from planner.planning.workload import workload_of
from planner.specs.case import Case
from planner.specs.estimate import Estimate, HostingOption


def estimate_scenario(case: Case, as_of: date) -> Estimate:
    """Return everything that planner says about one scenario at the prices of a date.

    Raises
    ------
    DataError
        When a price that the answer needs is missing.
    UsageError
        When the scenario asks for something that cannot be, such as a prompt beyond a model's context.
    """
    scenario, rules = case.scenario, case.rules
    trace = summary_of(case)
    workload = workload_of(scenario, case.texts, trace)
    cost = api_cost(case, workload, as_of)
    priced = price_calls(case, workload, as_of)
    tiers, tier_notices = provider_tiers(case, workload, priced, as_of)
    options = hosting_options(case, workload, cost, as_of)
    facts = facts_of(scenario, workload, rules.thresholds)
    recommendation = recommend(
        cost=cost,
        options=options,
        tiers=tiers,
        caching=walk_cache_tree(rules, facts),
        advice=with_savings(checklist_advice(rules, facts), case, workload, cost, as_of),
        budget_usd_per_month=scenario.budget.usd_per_month,
        rule_of_thumb=rule_of_thumb_tier(rules, workload.requests_per_day),
    )
    notices = (
        *(notice for each in priced for notice in each.notices),
        *tier_notices,
        *cautions(case, cost, options, trace, as_of),
    )
    return Estimate(
        scenario=scenario.name,
        description=scenario.description,
        file=case.file,
        as_of=as_of,
        workload=workload,
        cost=cost,
        recommendation=recommendation,
        warnings=tuple(dict.fromkeys(notices)),
        defaults=tuple(defaults_used(scenario)),
        noted=tuple(keys_not_used(scenario)),
    )


def cheapest_of(case: Case, as_of: date) -> HostingOption | None:
    """Return the option that an estimate would choose, without limits, advice and the rest of it.

    Raises as :func:`estimate_scenario` does.
    """
    workload = workload_of(case.scenario, case.texts, summary_of(case))
    options = hosting_options(case, workload, api_cost(case, workload, as_of), as_of)
    return cheapest_option(ranked_options(options))
