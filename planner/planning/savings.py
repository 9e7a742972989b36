"""What a piece of advice is worth on a scenario: the bill with it against the bill without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from planner.errors import DataError, UsageError
from planner.planning.api_cost import monthly_bill
from planner.specs.caching import PromptCache
from planner.specs.case import Case
from planner.specs.estimate import Advice, ApiCost
from planner.specs.scenario import Scenario
from planner.specs.workload import Workload

WhatIf = Callable[[Scenario], Scenario]


def _with_prompt_cache(scenario: Scenario) -> Scenario:
    caching = scenario.caching.model_copy(update={"prompt": PromptCache()})
    return scenario.model_copy(update={"caching": caching})


# advice -> the scenario as it would be if the advice were followed; advice that needs a choice of yours is not here
WHAT_IF: dict[str, WhatIf] = {"prompt-caching": _with_prompt_cache}


def with_savings(
    advice: tuple[Advice, ...], case: Case, workload: Workload, cost: ApiCost, as_of: date
) -> tuple[Advice, ...]:
    """Return the advice with what following it saves a month, where that can be computed; dearest savings first."""
    priced = [
        replace(item, saving_usd_per_month=_saving(WHAT_IF[item.id], case, workload, cost, as_of))
        if item.applies and item.id in WHAT_IF
        else item
        for item in advice
    ]
    return tuple(sorted(priced, key=lambda item: -(item.saving_usd_per_month or 0.0)))


def _saving(what_if: WhatIf, case: Case, workload: Workload, cost: ApiCost, as_of: date) -> float | None:
    try:
        changed = monthly_bill(replace(case, scenario=what_if(case.scenario)), workload, as_of)
    except (DataError, UsageError):  # the advice cannot be followed at that date or with that model
        return None
    return cost.usd_per_month - changed.usd
