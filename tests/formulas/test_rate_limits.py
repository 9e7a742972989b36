"""The probability of a crowded minute against exact distributions, and when growth reaches a line."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import nbinom, poisson

from planner.formulas.rate_limits import minute_exceedance_fraction, months_until


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


def test_an_idle_minute_exceeds_nothing() -> None:
    assert minute_exceedance_fraction(0.0, 1.0) == pytest.approx(0.0)


def test_shrinking_traffic_never_reaches_the_line() -> None:
    assert months_until(0.9, -0.1) == np.inf
