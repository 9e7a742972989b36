from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.optimize import nnls

from planner.formulas.least_squares import (
    coefficient_deviations,
    non_negative_least_squares,
    robust_non_negative_fit,
)


@given(seed=st.integers(0, 10_000), rows=st.integers(9, 20), columns=st.integers(1, 9))
def test_the_solution_is_that_of_lawson_and_hanson(seed: int, rows: int, columns: int) -> None:
    generator = np.random.default_rng(seed)
    matrix, target = generator.normal(size=(rows, columns)), generator.normal(size=rows)
    expected, _ = nnls(matrix, target)
    assert non_negative_least_squares(matrix, target) == pytest.approx(expected, abs=1e-8)


def test_no_coefficient_is_negative_even_when_that_would_fit_better() -> None:
    matrix = np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 1.0]])
    solution = non_negative_least_squares(matrix, np.array([1.0, 3.0, 5.0]))  # 2x - 1 would be exact
    assert solution[1] == 0.0
    assert solution[0] == pytest.approx((1 + 6 + 15) / 14)


def test_a_target_that_only_negative_coefficients_explain_gives_zeros() -> None:
    assert non_negative_least_squares(np.ones((3, 1)), -np.ones(3)).tolist() == [0.0]


def test_one_bad_point_of_ten_moves_the_robust_fit_little() -> None:
    size = np.arange(1.0, 11.0)
    target = 3.0 * size * (1 + 0.01 * np.cos(size))
    target[4] *= 20
    assert robust_non_negative_fit(size[:, None], target)[0] == pytest.approx(3.0, rel=0.02)


def test_deviations_follow_the_textbook_for_one_coefficient() -> None:
    # relative errors ±0.1 on two points: variance 0.02 / (2 - 1); deviation sqrt(0.02 / (1/0.9² + 1/1.1²))
    matrix, target = np.ones((2, 1)), np.array([0.9, 1.1])
    found = coefficient_deviations(matrix, target, np.array([1.0]))
    errors = 1 - 1 / target
    expected = np.sqrt((errors @ errors) / np.sum(1 / target**2))
    assert found.tolist() == pytest.approx([expected])


@given(seed=st.integers(0, 1000), powers=st.lists(st.integers(-15, 15), min_size=3, max_size=3))
def test_units_do_not_matter(seed: int, powers: list[int]) -> None:
    generator = np.random.default_rng(seed)
    matrix, target = generator.normal(size=(6, 3)), generator.normal(size=6)
    scale = 10.0 ** np.array(powers)
    in_other_units = non_negative_least_squares(matrix * scale, target * 1e-9) * scale / 1e-9
    assert in_other_units == pytest.approx(non_negative_least_squares(matrix, target), abs=1e-8)


def test_columns_that_are_nearly_the_same_end_as_well() -> None:
    # the active set goes round between them; what is left over is as small as Lawson and Hanson's in Fortran
    matrix = np.array([[1.0, 1.0, -2.0], [-0.99999999999, -1.00000000001, 1.99999999999]])
    solution = non_negative_least_squares(matrix, np.ones(2))
    assert (solution >= 0).all()
    assert np.linalg.norm(matrix @ solution - 1.0) == pytest.approx(0.0, abs=2e-4)


def test_nothing_to_explain_needs_nothing() -> None:
    assert non_negative_least_squares(np.ones((3, 2)), np.zeros(3)).tolist() == [0.0, 0.0]
    assert non_negative_least_squares(np.zeros((3, 2)), np.ones(3)).tolist() == [0.0, 0.0]


def test_the_robust_fit_is_where_errors_beyond_huber_s_limit_stop_pulling() -> None:
    generator = np.random.default_rng(5)
    size = np.arange(1.0, 41.0)
    target = 2 * size * (1 + 0.05 * generator.standard_t(2, size=40))
    (price,) = robust_non_negative_fit(size[:, None], target)
    errors = 1 - price * size / target
    limit = 1.345 * 1.4826 * np.median(np.abs(errors))
    pulls = np.clip(errors, -limit, limit)
    assert (np.abs(errors) > limit).sum() >= 5
    assert abs(pulls @ (size / target)) < 1e-6 * np.abs(pulls) @ (size / target)
