"""What is weighed when an open model is to be hosted: the plan, the configurations, the choice."""

from __future__ import annotations

from datetime import date

from planner.planning.hosting.configurations import Configuration, Workbench
from planner.planning.hosting.load_curve import LoadCurves
from planner.planning.hosting.machines import Fleet
from planner.planning.hosting.sizing import HostedTraffic
from planner.records import dataclass
from planner.specs.answers.estimate import ApiCost, HostingOption
from planner.specs.answers.serving import Capacity
from planner.specs.books.model import ModelSpec
from planner.specs.case import Case
from planner.specs.scenario.hosting import SelfHosted
from planner.specs.scenario.workload import Workload
from planner.units import Count


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What all configurations of one model share."""

    case: Case
    own: SelfHosted
    workload: Workload
    traffic: HostedTraffic
    cost: ApiCost
    model: ModelSpec
    as_of: date
    workbench: Workbench


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One configuration that fits, with its capacity and its row in the curves."""

    configuration: Configuration
    capacity: Capacity
    row: Count


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The cheapest fleet for one GPU type, and the cheapest among offers that are not chosen by default."""

    candidate: Candidate
    fleet: Fleet
    usd_per_month: float
    community: Fleet | None
    community_usd_per_month: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sized:
    """A choice with all that its option is made of."""

    plan: Plan
    choice: Choice
    curves: LoadCurves
    same: bool
    """Whether the API serves the same model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Weighed:
    """An option beside what it was made of; ``None`` where there was nothing to choose."""

    option: HostingOption
    sized: Sized | None = None
