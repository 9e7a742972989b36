"""The main job, step by step: workload, bill, tiers, hosting, advice, recommendation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from planner.planning.advice.changes import Ground
from planner.planning.advice.savings import with_saving, with_savings
from planner.planning.advice.what_if import followed
from planner.planning.bill.api_cost import api_cost, monthly_bill
from planner.planning.bill.api_plan import api_plan
from planner.planning.bill.bill_cautions import api_cautions
from planner.planning.bill.draws import Billed
from planner.planning.bill.uncertainty import bill_spread, is_uncertain, over_horizon
from planner.planning.hosting.configurations import Workbench
from planner.planning.hosting.options import hosting_options
from planner.planning.limits.provider_tiers import provider_tiers
from planner.planning.prediction.step_profiles import NO_MACHINE
from planner.planning.recommend import cheapest_option, ranked_options, recommend
from planner.planning.workload.advise import checklist_advice, rule_of_thumb_tier, walk_cache_tree
from planner.planning.workload.cautions import cautions
from planner.planning.workload.defaults import defaults_used, keys_not_used
from planner.planning.workload.facts import facts_of
from planner.planning.workload.tokens import prompt_by_model, token_cautions
from planner.planning.workload.trace import summary_of
from planner.planning.workload.workload import workload_of
from planner.specs.answers.estimate import ApiCost, Estimate, HostingOption
from planner.specs.case import Case
from planner.specs.profiles.step import LocalMachine
from planner.specs.scenario.uncertainty import BillSpread

if TYPE_CHECKING:
    import numpy as np


def workbench_for(cases: Sequence[Case], machine: LocalMachine = NO_MACHINE) -> Workbench:
    """Return a bench on which configurations that several scenarios share are worked out once.

    ``machine`` is where the question is asked.
    """
    return Workbench(
        profiles=cases[0].profiles,
        memory_profile=cases[0].vllm_memory,
        measured=cases[0].measured,
        machine=machine,
    )


def estimate_scenario(
    case: Case,
    as_of: date,
    what_if: Sequence[str] = (),
    *,
    advised: bool = True,
    rng: Callable[[], np.random.Generator] | None = None,
    workbench: Workbench | None = None,
) -> Estimate:
    """Return everything that planner says about one scenario at the prices of a date.

    ``what_if`` names advice of the checklist that is followed first, one after another. Without ``advised`` the
    checklist is left out, which prices other models than those of the scenario. ``rng`` makes the generator for the
    draws behind the range of the bill; it is called where anything is uncertain. Without it there is no range. ``workbench`` is
    what scenarios that are estimated in one call share.

    Raises
    ------
    DataError
        When a price that the answer needs is missing.
    UsageError
        When the scenario asks for something that cannot be, such as a prompt beyond a model's context, or the advice
        cannot be followed.
    """
    stated, rules, trace = case.scenario, case.rules, summary_of(case)
    start = Ground(case=case, workload=workload_of(stated, case.texts, trace), as_of=as_of)
    ground, steps = followed(start, what_if)
    case, workload = ground.case, ground.workload
    bill = monthly_bill(case, workload, as_of)
    cost, priced = api_cost(case, workload, as_of, bill), bill.priced
    plan = api_plan(case, workload, cost, as_of, bill)
    tiers, tier_notices = provider_tiers(case, workload, priced, as_of)
    workbench = workbench or workbench_for((case,))
    options = hosting_options(case, workload, cost, as_of, workbench, simulated=rng is not None)
    facts = facts_of(case.scenario, workload, rules.thresholds)
    advice = with_savings(checklist_advice(rules, facts) if advised else (), ground, options)
    recommendation = recommend(
        cost=cost,
        options=options,
        tiers=tiers,
        caching=with_saving(walk_cache_tree(rules, facts), advice, plan),
        advice=advice,
        budget_usd_per_month=stated.budget.usd_per_month,
        rule_of_thumb=rule_of_thumb_tier(rules, workload.requests_per_day),
    )
    models = tuple({each.call.model.id: each.call.model for each in priced}.values())
    notices = (
        *(notice for each in priced for notice in each.notices),
        *tier_notices,
        *api_cautions(case, cost, plan, facts, as_of),
        *cautions(case, cost, options, trace, as_of),
        *token_cautions(case, models),
        *(notice for option in options for notice in workbench.doubts(option.profile)),
    )
    billed = Billed(case=case, workload=workload, priced=priced, as_of=as_of)
    return Estimate(
        scenario=stated.name,
        description=stated.description,
        file=case.file,
        as_of=as_of,
        workload=workload,
        cost=cost,
        uncertainty=_spread(billed, cost, rng),
        tokens=prompt_by_model(case, workload, models),
        recommendation=recommendation,
        warnings=tuple(dict.fromkeys(notices)),
        defaults=tuple(defaults_used(stated)),
        noted=tuple(keys_not_used(stated)),
        api=plan,
        what_if=steps,
    )


def _spread(
    billed: Billed, cost: ApiCost, rng: Callable[[], np.random.Generator] | None
) -> BillSpread | None:
    if rng is None or not is_uncertain(billed):
        return None
    return over_horizon(bill_spread(billed, rng()), cost.months)


def cheapest_of(case: Case, as_of: date, workbench: Workbench) -> HostingOption | None:
    """Return the option that an estimate would choose, without limits, advice and the rest of it.

    Raises as :func:`estimate_scenario` does.
    """
    workload = workload_of(case.scenario, case.texts, summary_of(case))
    cost = api_cost(case, workload, as_of, alone=False)
    options = hosting_options(case, workload, cost, as_of, workbench)
    return cheapest_option(ranked_options(options))
