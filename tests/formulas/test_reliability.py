"""Retries, waits and circuit breakers against arithmetic and simulation."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from planner.formulas.reliability import (
    attempt_reached_fraction,
    longest_wait_s,
    retry_time_quantile_s,
    runs_until_failures,
)


@given(st.floats(0, 0.9), st.integers(0, 10))
def test_one_class_of_errors_is_the_geometric_series(error: float, retries: int) -> None:
    attempts = attempt_reached_fraction([error], [retries]).sum()
    assert attempts == pytest.approx((1 - error ** (retries + 1)) / (1 - error))


def test_a_class_without_retries_ends_the_request() -> None:
    assert list(attempt_reached_fraction([0.2, 0.1], [0, 0])) == [1.0]
    assert list(attempt_reached_fraction([], [])) == [1.0]


def test_waits_double_up_to_their_cap() -> None:
    assert [float(longest_wait_s(n, 2.0, 10.0)) for n in (1, 2, 3, 4)] == [2.0, 4.0, 8.0, 10.0]


@pytest.mark.parametrize(("jitter", "late"), [(True, 0.0), (True, 0.3), (False, 0.0), (False, 0.3)])
def test_the_tail_of_waits_is_that_of_a_simulation(jitter: bool, late: float) -> None:
    rng, count, waits, late_s = np.random.default_rng(7), 200_000, [1.0, 2.0, 4.0], 5.0
    reached = attempt_reached_fraction([0.6], [3])
    retries = (rng.random((count, 3)) < 0.6).cumprod(axis=1)
    part = rng.random((count, 3)) if jitter else np.ones((count, 3))
    times = (retries * (part * waits + late_s * (rng.random((count, 3)) < late))).sum(axis=1)
    found = retry_time_quantile_s(0.9, reached, waits, jitter=jitter, late_fraction=[late] * 3, late_s=late_s)
    assert found == pytest.approx(float(np.quantile(times, 0.9)), abs=0.06)


def test_a_tail_that_is_rarely_reached_is_zero() -> None:
    reached = attempt_reached_fraction([0.04], [3])
    assert (
        retry_time_quantile_s(0.95, reached, [1.0] * 3, jitter=True, late_fraction=[0.0] * 3, late_s=0) == 0
    )


def test_a_single_failure_comes_after_its_mean() -> None:
    assert float(runs_until_failures(0.1, 1)) == pytest.approx(10.0)
