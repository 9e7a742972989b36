"""Draws from a band meet its ends, keep its middle and never leave what is possible."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from planner.formulas.bands import Z_P90, banded_factor, banded_rate, joint_reach_usd, widened_factor

LOWS, HIGHS, NORMALS = st.floats(0.05, 1), st.floats(1, 20), st.floats(-6, 6)


@given(LOWS, HIGHS, NORMALS, st.floats(0, 3))
def test_a_larger_draw_is_a_larger_factor_and_none_is_negative(
    low: float, high: float, normal: float, more: float
) -> None:
    found = float(banded_factor(normal, low, high))
    assert found > 0
    assert float(banded_factor(normal + more, low, high)) >= found * (1 - 1e-12)


@given(LOWS, HIGHS)
def test_one_draw_in_ten_lies_beyond_each_end(low: float, high: float) -> None:
    draws = np.random.default_rng(5).standard_normal(20_000)
    factors = np.asarray(banded_factor(draws, low, high))
    if low < 0.999:
        assert np.mean(factors < low) == pytest.approx(0.1, abs=0.01)
    if high > 1.001:
        assert np.mean(factors > high) == pytest.approx(0.1, abs=0.01)


@given(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)).map(sorted), NORMALS)
def test_a_rate_stays_a_rate_and_meets_its_band(rates: list[float], normal: float) -> None:
    p10, stated, p90 = rates
    assert 0 <= float(banded_rate(normal, stated, p10, p90)) <= 1
    ends = [float(banded_rate(z, stated, p10, p90)) for z in (-Z_P90, 0.0, Z_P90)]
    assert ends == pytest.approx([p10, stated, p90], abs=1e-12)


@given(HIGHS, st.floats(0, 3), st.floats(1, 1e6), st.floats(1, 100))
def test_chance_widens_a_band_and_more_requests_average_it_out(
    high: float, cv: float, count: float, times: float
) -> None:
    few, many = (widened_factor(high, Z_P90, cv, each) for each in (count, count * times))
    assert high * (1 - 1e-9) <= many <= few * (1 + 1e-9)
    low = widened_factor(1 / high, -Z_P90, cv, count)
    assert low == pytest.approx(1 / few)  # both ends of a symmetric band


def test_an_input_that_only_raises_an_amount_lowers_nothing() -> None:
    """Both of its ends lie above what is stated: 1 and 3 USD more."""
    assert joint_reach_usd(np.array([1.0]), np.array([3.0])) == (0.0, 3.0)
