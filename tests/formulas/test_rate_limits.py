"""The probability of a crowded minute against exact distributions, and when growth reaches a line."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import nbinom, poisson

from planner.formulas.rate_limits import (
    counted_input_tokens,
    counted_output_tokens,
    minute_exceedance_fraction,
    months_until,
    peak_minute_requests,
)


@pytest.mark.parametrize("dispersion", [1.0, 1.2, 2.0, 4.0, 10.0])
@pytest.mark.parametrize("mean", [2.0, 20.0, 300.0, 4000.0])
def test_the_approximation_is_within_a_hundredth_of_the_exact_sum(mean: float, dispersion: float) -> None:
    limits = np.floor(mean + np.arange(0, 5) * np.sqrt(mean * dispersion))
    exact = (
        poisson.sf(limits, mean)
        if dispersion == 1
        else nbinom.sf(limits, mean / (dispersion - 1), 1 / dispersion)
    )
    assert minute_exceedance_fraction(mean, limits, dispersion) == pytest.approx(exact, abs=0.01)


@given(st.floats(0, 1e6), st.floats(1, 1e6), st.floats(0.1, 50))
def test_a_probability_is_one_and_falls_with_the_limit(mean: float, limit: float, dispersion: float) -> None:
    at, above = (
        float(minute_exceedance_fraction(mean, each, dispersion)) for each in (limit, limit * 1.5 + 1)
    )
    assert 0 <= above <= at <= 1


@pytest.mark.parametrize(
    ("mean", "limit", "dispersion", "exact"), [(200, 240, 2.5, 0.039949), (500, 560, 3.0, 0.062533)]
)
def test_a_clustered_minute_has_the_skewness_of_the_negative_binomial(
    mean: float, limit: float, dispersion: float, exact: float
) -> None:
    """``scipy.stats.nbinom.sf(limit, mean / (D - 1), 1 / D)``, which has this mean and D times it as variance."""
    assert minute_exceedance_fraction(mean, limit, dispersion) == pytest.approx(exact, rel=1e-3)


def test_an_idle_minute_exceeds_nothing() -> None:
    assert minute_exceedance_fraction(0.0, 1.0) == pytest.approx(0.0)


def test_shrinking_traffic_never_reaches_the_line() -> None:
    assert months_until(0.9, -0.1) == np.inf


@given(st.floats(0.01, 0.99), st.floats(0.001, 1))
def test_grown_for_so_many_months_the_load_is_at_the_line(used: float, growth: float) -> None:
    months = float(months_until(used, growth))
    assert used * (1 + growth) ** months == pytest.approx(1.0)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.floats(0, 1))
def test_what_counts_lies_between_all_and_what_is_not_cached(plain: int, read: int, share: float) -> None:
    assert plain - 1e-6 <= counted_input_tokens(plain + read, read, share) <= plain + read + 1e-6


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.floats(0, 1))
def test_reserved_output_never_counts_less_than_what_is_produced(made: int, spare: int, share: float) -> None:
    assert made - 1e-6 <= counted_output_tokens(made, made + spare, share) <= made + spare + 1e-6


def test_retries_count_against_a_request_limit() -> None:
    assert peak_minute_requests(10.0, 1.5) == 1.5 * peak_minute_requests(10.0)
