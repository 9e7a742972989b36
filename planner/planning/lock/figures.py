"""The figures of a scenario: bill, limits and options, without advice and reasons."""

from __future__ import annotations

from datetime import date

from planner.planning.bill.api_cost import api_cost, monthly_bill
from planner.planning.bill.calls import PricedCall
from planner.planning.hosting.configurations import Workbench
from planner.planning.hosting.options import hosting_options
from planner.planning.limits.provider_tiers import provider_tiers
from planner.records import dataclass
from planner.specs.answers.estimate import ApiCost, HostingOption, TierAdvice
from planner.specs.case import Case
from planner.specs.scenario.workload import Workload


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What is computed of a workload at the prices of a date."""

    workload: Workload
    cost: ApiCost
    priced: tuple[PricedCall, ...]
    tiers: tuple[TierAdvice, ...]
    options: tuple[HostingOption, ...]


def figures_of(case: Case, workload: Workload, as_of: date, workbench: Workbench) -> Figures:
    """Return the figures of a workload.

    Raises
    ------
    DataError
        When a price that the answer needs is missing.
    UsageError
        When the scenario asks for something that cannot be, such as a prompt beyond a model's context.
    """
    bill = monthly_bill(case, workload, as_of)
    cost = api_cost(case, workload, as_of, bill, alone=False)
    tiers, _ = provider_tiers(case, workload, bill.priced, as_of)
    return Figures(
        workload=workload,
        cost=cost,
        priced=bill.priced,
        tiers=tiers,
        options=hosting_options(case, workload, cost, as_of, workbench),
    )
