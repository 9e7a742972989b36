"""A month of draws is billed as that many months, one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from planner.planning.bill.api_cost import monthly_bill
from planner.planning.bill.calls import price_calls
from planner.planning.bill.draws import Billed, monthly_bill_usd, stated_month
from planner.planning.workload.workload import workload_of
from tests.cases_of import case_of
from tests.planning.diff.test_drift import CHAT
from tests.strategies import AS_OF, built, scenario_documents

USD = 162.0  # 300,000 requests of 2,000 and 400 tokens at 0.15 and 0.60 USD/Mtok: 90 and 72 USD


def billed(document: dict[str, Any]) -> Billed:
    case = case_of(built(document))
    workload = workload_of(case.scenario, {})
    return Billed(case=case, workload=workload, priced=price_calls(case, workload, AS_OF), as_of=AS_OF)


@given(scenario_documents())
@settings(max_examples=40, deadline=None)
def test_the_stated_month_is_the_bill_of_the_scenario(document: dict[str, Any]) -> None:
    drawn = billed(document)
    bill = monthly_bill(drawn.case, drawn.workload, AS_OF)
    assert float(monthly_bill_usd(drawn, stated_month(drawn))) == pytest.approx(bill.usd)


def test_each_draw_is_billed_for_itself() -> None:
    drawn = billed(CHAT)
    month = stated_month(drawn)
    draws = replace(
        month,
        requests=np.array([300_000.0, 600_000.0, 300_000.0, 300_000.0]),
        input_tokens=np.array([2000.0, 2000.0, 1000.0, 2000.0]),
        output_tokens=np.array([400.0, 400.0, 400.0, 800.0]),
    )
    assert monthly_bill_usd(drawn, draws) == pytest.approx([USD, 2 * USD, 45 + 72, 90 + 144])


def test_response_caches_take_their_hits_off_one_after_the_other() -> None:
    drawn = billed(CHAT | {"caching": {"exact": {"hit_rate": 0.2}, "semantic": {"hit_rate": 0.5}}})
    month = stated_month(drawn)
    assert (month.exact_hit, month.semantic_hit) == (0.2, 0.5)
    found = monthly_bill_usd(drawn, replace(month, exact_hit=np.array([0.0, 0.2, 1.0])))
    assert found == pytest.approx([0.5 * USD, 0.4 * USD, 0.0])
