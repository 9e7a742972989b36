"""Spread and waiting against simulated queues and the laws of percentiles."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from planner.formulas.queueing import (
    in_flight_deviation,
    lifetime_average_share,
    lognormal_scv,
    quantile_of_pair,
    quantile_of_sum,
    strayed_in_flight,
    variability_factor,
    wait_quantile_s,
)
from planner.units import FloatArray


def waits(load: float, service: float, size: int = 400_000) -> FloatArray:
    """Simulate an M/M/1 queue by Lindley's recursion and return how long each request waits."""
    rng = np.random.default_rng(11)
    steps = rng.exponential(service, size) - rng.exponential(service / load, size)
    walk = np.concatenate([[0.0], np.cumsum(steps)])
    found: FloatArray = walk - np.minimum.accumulate(walk)
    return found


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_waits_of_a_simulated_queue_lie_at_the_formula_s_quantiles(load: float) -> None:
    found = waits(load, 1.0)
    mean = load / (1 - load)  # M/M/1: ρ/(1 - ρ) services
    assert found.mean() == pytest.approx(mean, rel=0.05)
    for quantile in (0.5, 0.9, 0.95, 0.99):
        formula = wait_quantile_s(mean_wait_s=mean, utilization_fraction=load, quantile_fraction=quantile)
        assert np.quantile(found, quantile) == pytest.approx(float(formula), rel=0.08, abs=0.02)


@given(st.floats(0, 100), st.floats(0, 1), st.floats(0.5, 0.999), st.floats(0, 0.0005))
def test_fewer_exceed_a_longer_wait(mean: float, busy: float, quantile: float, more: float) -> None:
    at, beyond = (
        float(wait_quantile_s(mean_wait_s=mean, utilization_fraction=busy, quantile_fraction=each))
        for each in (quantile, quantile + more)
    )
    assert 0 <= at <= beyond


def test_servers_of_one_s_own_make_a_poisson_number() -> None:
    counts = np.random.default_rng(2).poisson(64, 100_000)
    found = in_flight_deviation(in_flight=64.0, elasticity=1.0, burstiness=1.0)
    assert counts.std() == pytest.approx(float(found), rel=0.02)


@pytest.mark.parametrize("mean", [10.0, 64.0, 400.0])
@pytest.mark.parametrize("deviations", [-1.645, 1.645])
def test_a_poisson_number_has_its_quantiles_where_the_product_form_says(
    mean: float, deviations: float
) -> None:
    counts = np.random.default_rng(3).poisson(mean, 200_000)
    share = 0.05 if deviations < 0 else 0.95
    found = strayed_in_flight(in_flight=mean, elasticity=1.0, burstiness=1.0, deviations=deviations)
    assert np.quantile(counts, share) == pytest.approx(float(found), abs=1.0)


def test_a_server_that_hardly_speeds_up_is_crowded_by_a_skewed_number() -> None:
    """Throughput ∝ √n: the birth-death process, state by state, against its quantile in one formula."""
    states = np.arange(1, 2000)
    logs = np.concatenate(([0.0], np.cumsum(0.5 * np.log(60.0 / states))))
    chances = np.exp(logs - logs.max())
    below = np.cumsum(chances) / chances.sum()
    found = strayed_in_flight(in_flight=60.0, elasticity=0.5, burstiness=1.0, deviations=1.645)
    assert np.searchsorted(below, 0.95) == pytest.approx(float(found), abs=1.5)


@given(st.floats(0.01, 1000), st.floats(0.02, 1), st.floats(0.2, 10), st.floats(-3, 3), st.floats(0, 1))
def test_a_higher_quantile_is_a_larger_crowd(
    mean: float, elasticity: float, burstiness: float, deviations: float, more: float
) -> None:
    low, high = (
        float(
            strayed_in_flight(in_flight=mean, elasticity=elasticity, burstiness=burstiness, deviations=each)
        )
        for each in (deviations, deviations + more)
    )
    assert 0 <= low <= high * (1 + 1e-12)


@given(st.floats(0, 100), st.floats(-5, 50), st.floats(-5, 50), st.floats(0, 1))
def test_parts_that_rise_together_exceed_those_that_do_not(
    mean: float, first: float, second: float, correlation: float
) -> None:
    found = float(quantile_of_pair(mean, first, second, correlation=correlation))
    apart, joined = float(quantile_of_sum(mean, first, second)), mean + max(first, 0) + max(second, 0)
    assert apart - 1e-9 <= found <= joined + 1e-9


@given(st.floats(0.01, 1), st.floats(0, 0.5))
def test_a_life_averages_a_push_out_the_more_the_faster_it_is_forgotten(slow: float, more: float) -> None:
    shares = [float(lifetime_average_share(each)) for each in (slow, min(slow + more, 1.0))]
    assert 0.73 < shares[1] <= shares[0] + 1e-9 <= 1 + 2e-9


@given(st.floats(0, 100), st.lists(st.floats(-50, 50), min_size=1, max_size=5))
def test_a_sum_exceeds_its_mean_by_less_than_all_parts_do_together(mean: float, parts: list[float]) -> None:
    found = float(quantile_of_sum(mean, *parts))
    positive = [max(part, 0.0) for part in parts]
    assert mean + max(positive) - 1e-9 <= found <= mean + sum(positive) + 1e-9


def test_a_log_normal_sample_has_the_variation_of_the_formula() -> None:
    sample = np.random.default_rng(4).lognormal(0.0, 0.5, 400_000)
    assert sample.var() / sample.mean() ** 2 == pytest.approx(float(lognormal_scv(0.5)), rel=0.02)


def test_constant_service_and_regular_arrivals_never_vary() -> None:
    assert variability_factor(arrival_scv=0.0, service_scv=0.0) == 0.0
    assert variability_factor(arrival_scv=1.0, service_scv=0.0) == 1.0  # M/D/1
