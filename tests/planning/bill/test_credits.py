"""Credits are spent month by month until they are gone or their contract ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from planner.planning.bill.credits import Owed, end_month, spend_credits
from planner.specs.books.price import Contract
from planner.specs.case import Case
from planner.specs.scenario.scenario import Account
from planner.units import DAYS_PER_MONTH
from tests.cases_of import case_of
from tests.planning.diff.test_drift import CHAT
from tests.strategies import AS_OF, built

OWED = (Owed(model="openai/gpt-4o-mini", usd=60.0), Owed(model="openai/gpt-5-mini", usd=40.0))


def contract(applies_to: str, credits_usd: float, valid_to: date | None = None) -> Contract:
    return Contract(
        id="own",
        applies_to=applies_to,
        credits_usd=credits_usd,
        valid_from=date(2026, 1, 1),
        valid_to=valid_to,
        source="test",
    )


def case_with(own: Contract | None) -> Case:
    case = case_of(built(CHAT))
    account = Account(contract=own.id if own is not None else None)
    scenario = case.scenario.model_copy(update={"accounts": {"openai": account}})
    contracts = {own.id: own} if own is not None else {}
    return replace(case, scenario=scenario, books=replace(case.books, contracts=contracts))


def spent(own: Contract, factors: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)) -> tuple[float, ...]:
    return spend_credits(case_with(own), OWED, factors, AS_OF)


def test_credits_pay_whole_months_until_they_are_gone() -> None:
    assert spent(contract("openai", 250.0)) == (100.0, 100.0, 50.0, 0.0)


def test_credits_of_one_model_pay_for_no_other() -> None:
    assert spent(contract("openai/gpt-5-mini", 100.0)) == (40.0, 40.0, 20.0, 0.0)


def test_a_growing_bill_takes_more_of_them_each_month() -> None:
    assert spent(contract("openai", 250.0), (1.0, 1.2, 1.44)) == pytest.approx((100.0, 120.0, 30.0))


def test_a_contract_that_ends_within_a_month_pays_for_its_part_of_it() -> None:
    end = AS_OF + timedelta(days=46)  # 46 days of 365 / 12 a month: one month, and 15.58 days of the second
    part = 46 / DAYS_PER_MONTH - 1
    assert spent(contract("openai", 1000.0, end)) == pytest.approx((100.0, 100.0 * part, 0.0, 0.0))


def test_an_account_without_a_contract_has_no_credits() -> None:
    assert spend_credits(case_with(None), OWED, (1.0, 1.0), AS_OF) == (0.0, 0.0)


@given(
    st.floats(0, 1e4),
    st.lists(st.floats(0.1, 3.0), min_size=1, max_size=12).map(tuple),
    st.integers(1, 400),
)
def test_no_month_pays_more_than_its_bill_and_all_no_more_than_there_is(
    credits_usd: float, factors: tuple[float, ...], days: int
) -> None:
    used = spent(contract("openai", credits_usd, AS_OF + timedelta(days=days)), factors)
    assert all(-1e-9 <= each <= 100.0 * factor + 1e-9 for each, factor in zip(used, factors, strict=True))
    assert sum(used) <= credits_usd + 1e-6


def test_a_contract_without_an_end_never_ends() -> None:
    assert end_month(contract("openai", 0.0), AS_OF) == float("inf")
    year = contract("openai", 0.0, AS_OF + timedelta(days=365))
    assert end_month(year, AS_OF) == pytest.approx(12.0)
