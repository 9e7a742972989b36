"""The months of the horizon: which part of each lies under which contracts."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from planner.planning.bill.months import Terms, ending, months_of, without_contracts
from planner.planning.workload.workload import workload_of
from planner.specs.scenario.scenario import Account
from tests.planning.scenes import FAQ, TODAY, case_of


def terms(from_month: float, to_month: float, usd: float = 100.0, fixed: float = 0.0) -> Terms:
    return Terms(from_month=from_month, to_month=to_month, growing_usd=usd, fixed_usd=fixed)


@given(st.floats(0, 24), st.floats(0, 24))
def test_the_parts_of_all_months_make_up_the_stretch(one: float, other: float) -> None:
    start, end = sorted((one, other))
    assert sum(terms(start, end).part_of(month) for month in range(24)) == pytest.approx(end - start)


def test_a_month_in_which_the_terms_change_is_paid_in_parts() -> None:
    """Half of the second month at 100 USD, half at 200; machines and caches at 10 USD do not grow."""
    case = case_of(FAQ, "traffic.growth_per_month=0.5", "traffic.horizon_months=3", "accounts={}")
    workload = workload_of(case.scenario, case.texts)
    stretches = (terms(0, 1.5, 100.0, 10.0), terms(1.5, 3, 200.0, 10.0))
    found = list(months_of(case, workload, TODAY, stretches, ()))
    assert [month.usd for month in found] == pytest.approx([110, 1.5 * 150 + 10, 2.25 * 200 + 10])
    assert [month.first_terms_fraction for month in found] == [1.0, 0.5, 0.0]
    assert found[2].requests == pytest.approx(workload.requests_per_month * 1.5**2)


def test_contracts_that_outlive_the_horizon_do_not_end() -> None:
    """The example's contract ends on 2027-07-01, 220 days or 7.23 months after 2026-11-23."""
    ((month, provider),) = ending(case_of(FAQ), TODAY, 12)
    assert provider == "anthropic"
    assert month == pytest.approx(220 / (365 / 12))
    assert ending(case_of(FAQ), TODAY, 7) == ()
    assert ending(case_of(FAQ, "accounts={anthropic: {tier: build}}"), TODAY, 12) == ()


def test_an_account_at_the_list_price_keeps_everything_but_its_contract() -> None:
    case = case_of(FAQ)
    before = case.scenario.accounts["anthropic"]
    after = without_contracts(case, ["anthropic"]).scenario.accounts["anthropic"]
    assert (before.contract, after.contract) == ("anthropic-2026", None)
    assert after == before.model_copy(update={"contract": None}) != Account()
    assert without_contracts(case, ["openai"]).scenario == case.scenario
