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


def test_shapes_too_large_for_the_continued_fraction_are_refused_instead_of_answered_wrongly() -> None:
    with pytest.raises(ValueError, match=r"does not settle for shapes as large as 1e\+12 and 1e\+12"):
        incomplete_beta_fraction(0.5 - 1e-9, 1e12, 1e12)


@given(st.floats(0.5, 0.999999), st.floats(0.1, 1))
def test_few_degrees_of_freedom_have_far_quantiles_that_are_found(fraction: float, degrees: float) -> None:
    value = student_t_quantile(fraction, degrees)
    assert student_t_cdf_fraction(value, degrees) == pytest.approx(fraction, abs=1e-7)


@pytest.mark.parametrize(("successes", "expected"), [(-1, 0.0), (0, 0.5**4), (4, 1.0), (9, 1.0)])
def test_fewer_than_none_is_impossible_and_all_or_more_is_certain(successes: int, expected: float) -> None:
    assert binomial_cdf_fraction(successes, 4, 0.5) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("x", "expected"), [(-0.1, 0.0), (0.0, 0.0), (1.0, 1.0), (1.1, 1.0)])
def test_the_integral_is_empty_below_its_range_and_whole_above(x: float, expected: float) -> None:
    assert incomplete_beta_fraction(x, 2, 3) == expected


@pytest.mark.parametrize("x", [0.1, 0.9])
def test_both_sides_of_the_peak_follow_the_polynomial(x: float) -> None:
    # I_x(2, 3) = 6x² - 8x³ + 3x⁴
    assert incomplete_beta_fraction(x, 2, 3) == pytest.approx(6 * x**2 - 8 * x**3 + 3 * x**4)
