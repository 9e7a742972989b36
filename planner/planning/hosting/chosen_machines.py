"""The machines of one's own that a scenario's estimate would choose, with the traffic that each replica gets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import inf

from planner.planning.bill.api_cost import api_cost
from planner.planning.bill.response_caches import reaching_fraction
from planner.planning.hosting.candidates import Sized, Weighed
from planner.planning.hosting.configurations import Workbench
from planner.planning.hosting.confirmation import confirmed
from planner.planning.hosting.load_steps import Demand, demand_of
from planner.planning.hosting.self_host import self_hosted_options
from planner.planning.workload.tokens import workload_hosted
from planner.planning.workload.trace import summary_of
from planner.planning.workload.workload import workload_of
from planner.records import dataclass
from planner.specs.answers.estimate import HostingOption
from planner.specs.books.model import ModelSpec
from planner.specs.case import Case
from planner.specs.scenario.hosting import SelfHosted


@dataclass(frozen=True, kw_only=True, slots=True)
class PeakTraffic:
    """What all machines of a scenario see together at its peak, behind its response caches."""

    demand: Demand
    requests_per_s: float


def peak_traffic(case: Case, model: ModelSpec | None) -> PeakTraffic:
    """Return the peak in the tokens of a model; as the scenario states them where none is named."""
    workload = workload_of(case.scenario, case.texts, summary_of(case))
    own = workload if model is None else workload_hosted(case, workload, model)
    return PeakTraffic(
        demand=demand_of(own), requests_per_s=workload.peak_requests_per_s * reaching_fraction(case)
    )


def weighed_machines(case: Case, own: SelfHosted, as_of: date, workbench: Workbench) -> tuple[Weighed, ...]:
    """Return every way to host the scenario on machines of one's own, as its estimate weighs them.

    Raises
    ------
    DataError
        When a price that the estimate needs is missing.
    """
    workload = workload_of(case.scenario, case.texts, summary_of(case))
    cost = api_cost(case, workload, as_of, alone=False)
    return confirmed(list(self_hosted_options(case, own, workload, cost, as_of, workbench)), always=False)


def cheapest_machines(weighed: Sequence[Weighed]) -> tuple[HostingOption, Sized] | None:
    """Return the cheapest that holds; where all are refused, the cheapest that could be sized at all."""
    found = [(each.option, each.sized) for each in weighed if each.sized is not None]

    def rank(each: tuple[HostingOption, Sized]) -> tuple[bool, float]:
        usd = each[0].usd_per_month
        return bool(each[0].refused), inf if usd is None else usd

    return min(found, key=rank, default=None)
