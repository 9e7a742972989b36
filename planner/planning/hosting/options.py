"""The ways to serve a scenario: the API, our own machines, the user's device; each priced, or refused with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from planner.planning.hosting.configurations import Workbench
from planner.planning.hosting.confirmation import confirmed
from planner.planning.hosting.edge import edge_options
from planner.planning.hosting.self_host import self_hosted_options
from planner.specs.answers.estimate import ApiCost, HostingKind, HostingOption
from planner.specs.case import Case
from planner.specs.refusal import Refusal
from planner.specs.scenario.hosting import SelfHosted
from planner.specs.scenario.workload import Workload
from planner.units import percent

# data rule -> kinds of hosting that keep it; `region:` rules are looked up in the books
KEEPS_RULE: dict[str, tuple[HostingKind, ...]] = {
    "any": ("api", "self_hosted", "edge"),
    "self_hosted": ("self_hosted", "edge"),
    "on_device": ("edge",),
}


def hosting_options(
    case: Case,
    workload: Workload,
    cost: ApiCost,
    as_of: date,
    workbench: Workbench,
    *,
    simulated: bool = False,
) -> tuple[HostingOption, ...]:
    """Return every candidate of the scenario, with the reasons against it where there are any.

    The cheapest machines of our own are simulated where they come near a limit, and with ``simulated`` in any case.
    A scenario without ``hosting`` is weighed as the API against hosting the same open model, where there is one.
    """
    hosting = case.scenario.hosting
    options: list[HostingOption] = []
    if hosting is None or hosting.api is not None:
        options.append(_api(case, cost))
    own = hosting.self_hosted if hosting is not None else SelfHosted()
    if own is not None:
        weighed = self_hosted_options(case, own, workload, cost, as_of, workbench)
        options.extend(each.option for each in confirmed(list(weighed), always=simulated))
    if hosting is not None and hosting.edge is not None:
        options.extend(edge_options(case, hosting.edge, workload, workbench))
    return tuple(options)


def _api(case: Case, cost: ApiCost) -> HostingOption:
    seen = cost.frequent
    mix = " + ".join(f"{percent(model.share)} {model.model}" for model in seen)
    name = mix if len(seen) > 1 else seen[0].model
    return HostingOption(
        kind="api",
        name=f"API: {name}",
        usd_per_month=cost.usd_per_month,
        grade=cost.grade,
        refused=tuple(_data_refusals(case, cost)),
    )


def _data_refusals(case: Case, cost: ApiCost) -> Iterator[Refusal]:
    """Yield why the data rule excludes the API: a region rule is kept by models that are bought in that region."""
    rule = case.scenario.constraints.data
    if rule.startswith("region:"):
        region = rule.removeprefix("region:")
        elsewhere = [model.model for model in cost.by_model if model.price.region != region]
        if elsewhere:
            models = ", ".join(elsewhere)
            words = f"{models} not bought in {region}; accounts.PROVIDER.region chooses it where it is sold"
            yield Refusal(kind="data rule", words=words)
    elif "api" not in KEEPS_RULE[rule]:
        yield Refusal(kind="data rule", words=f"the data rule is {rule}")
