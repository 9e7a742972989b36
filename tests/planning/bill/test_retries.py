"""Where requests end when attempts fail: answered, spent or lost, and never anywhere else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from planner.planning.bill.retries import ErrorUse, errors_of, outcome_of
from tests.cases_of import case_of
from tests.planning.diff.test_drift import CHAT
from tests.strategies import built


def error(rate: float, retries: int = 0, *, fails_over: bool = True, billed: float = 0.0) -> ErrorUse:
    return ErrorUse(
        name="an error",
        http=None,
        rate_fraction=rate,
        retries=retries,
        fails_over=fails_over,
        billed_fraction=billed,
        billed_stated=False,
        strategy="",
    )


ERRORS = st.lists(
    st.builds(error, st.floats(0, 0.24), st.integers(0, 5), fails_over=st.booleans(), billed=st.floats(0, 1)),
    max_size=4,
).map(tuple)


def uses(**reliability: Any) -> dict[str, ErrorUse]:
    return {each.name: each for each in errors_of(case_of(built(CHAT | {"reliability": reliability})))}


@given(ERRORS)
def test_every_request_is_answered_fails_over_or_is_lost(errors: tuple[ErrorUse, ...]) -> None:
    """An error that is not worth a retry is granted none, as the table of classes says."""
    errors = tuple(
        each if each.fails_over else error(each.rate_fraction, fails_over=False) for each in errors
    )
    found = outcome_of(errors)
    assert found.answered_fraction + found.spent_fraction + found.lost_fraction == pytest.approx(1.0)
    assert found.attempts >= 1.0


@given(st.floats(0, 0.9), st.integers(0, 6))
def test_one_class_of_errors_is_the_geometric_series(rate: float, retries: int) -> None:
    found = outcome_of((error(rate, retries),))
    assert found.spent_fraction == pytest.approx(rate ** (retries + 1))
    assert found.attempts == pytest.approx((1 - rate ** (retries + 1)) / (1 - rate))


def test_failed_attempts_that_are_charged_are_counted_in_requests() -> None:
    # 0.2 fail and are charged by half, twice retried: 1.24 attempts, 0.248 failures, 0.124 of them paid
    assert outcome_of((error(0.2, 2, billed=0.5),)).billed_failures == pytest.approx(1.24 * 0.2 * 0.5)


def test_nothing_stated_means_that_nothing_fails() -> None:
    found = outcome_of(errors_of(case_of(built(CHAT))))
    assert (found.attempts, found.answered_fraction, found.lost_fraction) == (1.0, 1.0, 0.0)


def test_only_classes_that_a_retry_can_mend_are_retried() -> None:
    """A refused request stays refused, a rate limit passes; both are granted no more than the scenario grants."""
    found = uses(errors={"rate_limited": 0.05, "bad_request": 0.01, "timeout": 0.0}, max_retries=2)
    assert set(found) == {"rate_limited", "bad_request"}  # a class that never happens is none
    assert (found["rate_limited"].retries, found["rate_limited"].http) == (2, 429)
    assert (found["bad_request"].retries, found["bad_request"].fails_over) == (0, False)


def test_what_a_failure_costs_is_the_scenario_s_word_before_the_table_s() -> None:
    (stated,) = uses(errors={"invalid_json": 0.1}, billed={"invalid_json": 0.25}).values()
    (usual,) = uses(errors={"invalid_json": 0.1}).values()
    assert (stated.billed_fraction, stated.billed_stated) == (0.25, True)
    assert (usual.billed_fraction, usual.billed_stated) == (1.0, False)  # the answer came, and did not parse
