"""Credits of contracts, used up month by month before anything is paid."""

from __future__ import annotations

from collections.abc import Sequence

from planner.formulas.bill import after_credits_usd
from planner.records import dataclass
from planner.specs.case import Case


@dataclass(frozen=True, kw_only=True, slots=True)
class Owed:
    """What one model costs in the first month. [USD/month]"""

    model: str
    usd: float


def spend_credits(case: Case, owed: Sequence[Owed], factors: Sequence[float]) -> tuple[float, ...]:
    """Return the credits used in each month, whose bill is that of the first times its factor. [USD/month]

    A contract's credits pay for what it is about, one model or all of its provider, until they are gone.
    """
    used = [0.0] * len(factors)
    for account in case.scenario.accounts.values():
        if account.contract is None:
            continue
        contract = case.books.contracts[account.contract]
        mine = sum(each.usd for each in owed if contract.covers(each.model))
        left = contract.credits_usd
        for month, factor in enumerate(factors):
            rest = float(after_credits_usd(left, mine * factor))
            used[month] += left - rest
            left = rest
    return tuple(used)
