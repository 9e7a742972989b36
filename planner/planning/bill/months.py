"""The months of the horizon: grown with the traffic, on the contracts that hold in them, less the credits left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from planner.formulas.traffic import grown
from planner.planning.bill.credits import Owed, end_month, spend_credits
from planner.records import dataclass
from planner.specs.answers.estimate import MonthCost
from planner.specs.case import Case
from planner.specs.scenario.workload import Workload
from planner.units import MeanCount


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """A stretch of the horizon under the same contracts, in months from its start.

    ``growing_usd`` and ``fixed_usd`` are a month's bill of the first month's traffic on these terms.
    """

    from_month: MeanCount
    to_month: MeanCount
    growing_usd: float
    fixed_usd: float

    def part_of(self, month: int) -> float:
        """Return how much of a month, counted from 0, lies in this stretch. [1]"""
        return max(min(self.to_month, month + 1.0) - max(self.from_month, float(month)), 0.0)


def ending(case: Case, as_of: date, horizon_months: int) -> tuple[tuple[float, str], ...]:
    """Return the accounts whose contract ends inside the horizon, with the month of its end, soonest first."""
    found = []
    for provider, account in case.scenario.accounts.items():
        if account.contract is not None:
            end = end_month(case.books.contracts[account.contract], as_of)
            if end < horizon_months:
                found.append((end, provider))
    return tuple(sorted(found))


def without_contracts(case: Case, providers: Sequence[str]) -> Case:
    """Return the case with some accounts at the list price."""
    accounts = {
        name: account.model_copy(update={"contract": None}) if name in providers else account
        for name, account in case.scenario.accounts.items()
    }
    return replace(case, scenario=case.scenario.model_copy(update={"accounts": accounts}))


def months_of(
    case: Case, workload: Workload, as_of: date, terms: Sequence[Terms], owed: Sequence[Owed]
) -> Iterator[MonthCost]:
    """Yield each month of the horizon. ``owed`` is what each model costs in the first month."""
    factors = [
        float(grown(1.0, workload.growth_per_month_fraction, month))
        for month in range(workload.horizon_months)
    ]
    used = spend_credits(case, owed, factors, as_of)
    for month, (factor, credit) in enumerate(zip(factors, used, strict=True)):
        parts = [(each.part_of(month), each) for each in terms]
        gross = sum(part * (each.growing_usd * factor + each.fixed_usd) for part, each in parts)
        yield MonthCost(
            month=month + 1,
            requests=workload.requests_per_month * factor,
            usd=gross - credit,
            credits_usd=credit,
            first_terms_fraction=parts[0][0],
        )
