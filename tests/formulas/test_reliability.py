"""Retries trade failures for attempts."""

import pytest
from hypothesis import given, strategies as st

from planner.formulas.reliability import attempts_per_request, failed_fraction

ERRORS, RETRIES = st.floats(0, 0.99), st.integers(0, 10)


@given(ERRORS, RETRIES)
def test_every_attempt_is_a_success_a_failure_for_good_or_followed_by_another(
    error: float, retries: int
) -> None:
    attempts = float(attempts_per_request(error, retries))
    failed = float(failed_fraction(error, retries))
    # successes are the requests that do not fail for good: attempts · (1 - e) = 1 - e^(n+1)
    assert attempts * (1 - error) == pytest.approx(1 - failed)
    assert 1 - 1e-12 <= attempts <= retries + 1 + 1e-9


@given(ERRORS, RETRIES)
def test_one_more_retry_never_fails_more_requests(error: float, retries: int) -> None:
    assert failed_fraction(error, retries + 1) <= failed_fraction(error, retries)


def test_without_errors_one_attempt_is_enough() -> None:
    assert attempts_per_request(0.0, 5) == 1.0
    assert failed_fraction(0.0, 5) == 0.0
