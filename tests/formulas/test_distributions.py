import pytest
from hypothesis import given, strategies as st
from scipy import stats

from planner.formulas.distributions import (
    binomial_cdf_fraction,
    incomplete_beta_fraction,
    student_t_cdf_fraction,
    student_t_quantile,
)


@given(st.floats(0, 1), st.floats(0.1, 3000), st.floats(0.1, 3000))
def test_the_incomplete_beta_function_is_scipy_s(x: float, a: float, b: float) -> None:
    assert incomplete_beta_fraction(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), abs=1e-9)


@given(st.integers(-2, 600), st.integers(1, 500), st.floats(0.001, 0.999))
def test_the_binomial_is_scipy_s(successes: int, trials: int, chance: float) -> None:
    expected = stats.binom.cdf(successes, trials, chance)
    assert binomial_cdf_fraction(successes, trials, chance) == pytest.approx(expected, abs=1e-9)


@given(st.floats(0.01, 0.99), st.floats(1, 200))
def test_student_s_t_is_scipy_s_and_its_quantile_inverts_it(fraction: float, degrees: float) -> None:
    value = student_t_quantile(fraction, degrees)
    assert value == pytest.approx(stats.t.ppf(fraction, degrees), abs=1e-7, rel=1e-7)
    assert student_t_cdf_fraction(value, degrees) == pytest.approx(fraction, abs=1e-9)


def test_a_probability_of_one_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="inside 0 to 1"):
        student_t_quantile(1.0, 5)
