"""Shapes, growth, and the log-normal that passes through a mean and a quantile."""

import math

import pytest
from hypothesis import given, strategies as st
from scipy import stats

from planner.formulas.traffic import (
    SHAPES,
    Z_P50,
    Z_P95,
    Z_P99,
    grown,
    horizon_factor,
    lognormal_quantile,
    lognormal_sigma_from_mean,
    lognormal_sigma_from_median,
    normalised_weights,
)


def test_the_measured_day_is_quietest_before_dawn_and_busiest_in_the_evening() -> None:
    """The published rates are over the day's mean: the 24 of them add up to 24, to the rounding of each."""
    day = SHAPES["diurnal"]
    assert sum(day) == pytest.approx(24, abs=0.05)
    assert (day.index(min(day)), day.index(max(day))) == (5, 20)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_has_24_hours_and_a_mean_of_one(shape: str) -> None:
    weights = normalised_weights(SHAPES[shape])
    assert len(weights) == 24
    assert sum(weights) == pytest.approx(24)


def test_the_peaks_are_the_documented_ones() -> None:
    assert max(normalised_weights(SHAPES["diurnal"])) == pytest.approx(1.46, abs=0.01)
    # 80 % of the day in ten hours: 0.08 an hour against a mean of 1/24
    assert max(normalised_weights(SHAPES["business_hours"])) == pytest.approx(0.08 * 24)


@pytest.mark.parametrize("weights", [(), (0.0, 0.0)])
def test_weights_without_traffic_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="one above zero"):
        normalised_weights(weights)


def test_the_quantiles_are_those_of_the_standard_normal() -> None:
    exact = stats.norm.ppf([0.5, 0.95, 0.99])
    assert exact == pytest.approx([Z_P50, Z_P95, Z_P99], abs=1e-12)


@given(st.floats(-0.5, 0.5), st.integers(1, 36))
def test_a_horizon_is_the_sum_of_its_months(growth: float, months: int) -> None:
    months_in_turn = sum(float(grown(1.0, growth, month)) for month in range(months))
    assert horizon_factor(growth, months) == pytest.approx(months_in_turn, rel=1e-6)


@given(st.floats(1, 1e5), st.floats(0.001, 1.6))
def test_the_shape_from_mean_and_quantile_gives_the_quantile_back(mean: float, sigma: float) -> None:
    quantile = lognormal_quantile(mean, sigma, Z_P95)
    if quantile < mean:  # below σ²/2 = zσ the p95 falls under the mean; real lengths are far from that
        return
    assert lognormal_sigma_from_mean(mean, quantile, Z_P95) == pytest.approx(sigma, abs=1e-5)


@pytest.mark.parametrize("sigma", [0.1, 0.604, 1.5])
def test_quantiles_are_scipy_s(sigma: float) -> None:
    exact = stats.lognorm(sigma, scale=400 * math.exp(-sigma * sigma / 2))
    assert lognormal_quantile(400, sigma, Z_P99) == pytest.approx(exact.ppf(0.99))
    assert lognormal_sigma_from_median(exact.median(), exact.ppf(0.95), Z_P95) == pytest.approx(sigma)


@pytest.mark.parametrize("quantile", [399.0, 400 * math.exp(Z_P95**2 / 2) * 1.01])
def test_a_quantile_that_no_log_normal_has_is_refused(quantile: float) -> None:
    with pytest.raises(ValueError, match="no log-normal has mean 400"):
        lognormal_sigma_from_mean(400.0, quantile, Z_P95)


def test_the_highest_quantile_that_one_has_is_accepted() -> None:
    # zσ - σ²/2 is largest at σ = z
    assert lognormal_sigma_from_mean(1.0, math.exp(2.0), 2.0) == 2.0
    assert lognormal_sigma_from_mean(1.0, math.exp(Z_P95**2 / 2 - 1e-9), Z_P95) == pytest.approx(
        Z_P95, abs=1e-4
    )
