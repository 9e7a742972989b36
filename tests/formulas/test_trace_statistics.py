"""Burstiness and the busiest minute of recorded arrivals."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from planner.formulas.trace_statistics import peak_minute_to_mean, squared_cv


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [-1.0, -3.0]])
def test_values_without_a_mean_above_zero_have_no_variation(values: list[float]) -> None:
    with pytest.raises(ValueError, match="a mean above zero"):
        squared_cv(np.array(values))


def test_a_poisson_process_has_a_squared_cv_of_one_and_regular_arrivals_none() -> None:
    gaps = np.random.default_rng(1).exponential(2.0, 100_000)
    assert squared_cv(gaps) == pytest.approx(1.0, abs=0.03)
    assert squared_cv(np.full(10, 2.0)) == 0.0


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=50), st.floats(0.1, 100))
def test_variation_has_no_unit(values: list[float], factor: float) -> None:
    gaps = np.array(values)
    assert squared_cv(gaps * factor) == pytest.approx(squared_cv(gaps), abs=1e-9)


def test_regular_traffic_has_no_peak() -> None:
    assert (
        peak_minute_to_mean(np.arange(0.0, 601.0, 1.0)) == 1.0
    )  # 601 in 600 s; the last opens its own minute


def test_a_crowded_minute_is_counted_against_the_mean() -> None:
    # one request a minute for ten minutes, 9 more in minute 5: 19 in 9 minutes, 10 in the busiest
    arrivals = np.sort(np.concatenate([np.arange(10) * 60.0, 300.0 + np.arange(1, 10)]))
    assert peak_minute_to_mean(arrivals) == pytest.approx(10 / (19 / 9))


@given(st.lists(st.floats(0, 36_000), min_size=2, max_size=200), st.floats(0, 1e6))
def test_the_peak_is_at_least_the_mean_and_does_not_depend_on_the_clock(
    times: list[float], start: float
) -> None:
    arrivals = np.sort(np.round(np.array(times)))
    assert peak_minute_to_mean(arrivals) >= 1
    assert peak_minute_to_mean(arrivals + round(start)) == peak_minute_to_mean(arrivals)
