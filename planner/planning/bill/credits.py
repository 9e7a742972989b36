"""Credits of contracts, used up month by month before anything is paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from planner.formulas.bill import after_credits_usd
from planner.records import dataclass
from planner.specs.books.price import Contract
from planner.specs.case import Case
from planner.units import DAYS_PER_MONTH


@dataclass(frozen=True, kw_only=True, slots=True)
class Owed:
    """What one model costs in the first month. [USD/month]"""

    model: str
    usd: float


def spend_credits(
    case: Case, owed: Sequence[Owed], factors: Sequence[float], as_of: date
) -> tuple[float, ...]:
    """Return the credits used in each month, whose bill is that of the first times its factor. [USD/month]

    A contract's credits pay for what it is about, one model or all of its provider, until they are gone or it ends.
    """
    used = [0.0] * len(factors)
    for account in case.scenario.accounts.values():
        if account.contract is None:
            continue
        contract = case.books.contracts[account.contract]
        mine = sum(each.usd for each in owed if contract.covers(each.model))
        left, end = contract.credits_usd, end_month(contract, as_of)
        for month, factor in enumerate(factors):
            held = min(max(end - month, 0.0), 1.0)
            rest = float(after_credits_usd(left, mine * factor * held))
            used[month] += left - rest
            left = rest
    return tuple(used)


def end_month(contract: Contract, as_of: date) -> float:
    """Return after how many months a contract ends; infinity where it does not say. [months]"""
    if contract.valid_to is None:
        return float("inf")
    return (contract.valid_to - as_of).days / DAYS_PER_MONTH
