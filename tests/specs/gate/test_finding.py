"""What a check answers: whether it passed, what the scenarios cost together, and where a finding is."""

from __future__ import annotations

from datetime import date

import pytest

from planner.specs.gate.finding import Checked, Finding, ScenarioCost


def cost(usd: float | None, before: float | None) -> ScenarioCost:
    return ScenarioCost(
        name="chat",
        file="chat.yaml",
        usd_per_month=usd,
        usd_per_month_before=before,
        usd_per_request=None,
        findings=0,
    )


def checked(*scenarios: ScenarioCost, findings: tuple[Finding, ...] = (), exit_code: int = 0) -> Checked:
    return Checked(
        today=date(2026, 11, 23),
        scenarios=scenarios,
        findings=findings,
        waived=(),
        difference=None,
        exit_code=exit_code,
    )


@pytest.mark.parametrize(
    ("usd", "before", "delta"), [(120.0, 100.0, 20.0), (None, 100.0, None), (120.0, None, None)]
)
def test_a_change_is_known_only_where_both_costs_are(
    usd: float | None, before: float | None, delta: float | None
) -> None:
    assert cost(usd, before).delta_usd_per_month == delta


def test_scenarios_without_a_cost_are_left_out_of_the_sum_and_not_counted_as_nothing() -> None:
    assert checked(cost(120.0, None), cost(None, 100.0), cost(30.0, 40.0)).usd_per_month == 150.0


def test_warnings_pass_where_the_exit_code_says_so() -> None:
    warning = Finding(rule="PRICE-STALE", severity="warning", message="old", file="pricing.yaml", line=7)
    found = checked(findings=(warning, warning))
    assert (found.count("warning"), found.count("error"), found.passed) == (2, 0, True)
    assert not checked(exit_code=1).passed
    assert warning.place == "pricing.yaml:7"
    assert Finding(rule="COST-TOTAL", severity="error", message="dear").place is None
