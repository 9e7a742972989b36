import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from planner.formulas.decisions import (
    difference_interval,
    sequential_evidence,
    smallest_detectable_difference,
)


def test_looking_after_every_request_rejects_a_true_limit_in_less_than_five_of_a_hundred_runs() -> None:
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(200):
        misses = np.cumsum(rng.random(300) < 0.05)
        wrong += any(sequential_evidence(int(m), n + 1, 0.05) >= 20 for n, m in enumerate(misses))
    assert wrong <= 10


def test_the_evidence_of_a_clear_miss_comes_fast_and_never_overflows() -> None:
    assert sequential_evidence(5, 10, 0.05) > 20
    assert np.isfinite(sequential_evidence(100_000, 100_000, 0.001))


@given(
    st.lists(st.floats(-100, 100), min_size=3, max_size=20),
    st.lists(st.floats(-100, 100), min_size=3, max_size=20),
)
def test_the_difference_interval_is_welch_s(before: list[float], after: list[float]) -> None:
    a, b = np.array(before), np.array(after)
    low, best, high = difference_interval(a, b, 0.95)
    assert low <= best <= high
    if a.std() > 1e-3 and b.std() > 1e-3:
        expected = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
        assert (low, high) == pytest.approx((expected.low, expected.high), rel=1e-6, abs=1e-6)


def test_samples_without_spread_detect_anything() -> None:
    same = np.ones(4)
    assert difference_interval(same, same, 0.95) == (0.0, 0.0, 0.0)
    assert smallest_detectable_difference(same, same, confidence_fraction=0.95, power_fraction=0.8) == 0.0


def test_what_can_be_detected_is_the_reach_of_the_interval_and_of_the_power() -> None:
    # both variances 1, three values each: standard error sqrt(2/3), 4 degrees; t(0.975) = 2.776, t(0.8) = 0.941
    values = np.array([1.0, 2.0, 3.0])
    found = smallest_detectable_difference(values, values + 5, confidence_fraction=0.95, power_fraction=0.8)
    assert found == pytest.approx(np.sqrt(2 / 3) * (2.7764 + 0.9410), rel=1e-4)
