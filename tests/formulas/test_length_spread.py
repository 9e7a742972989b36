"""Closed forms over many lengths are the sums over each of them."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from planner.formulas.length_spread import mean_capped_tokens, up_to_fraction
from planner.units import FloatArray

LENGTHS = st.lists(st.floats(0.01, 20), min_size=1, max_size=40).map(lambda each: np.sort(np.array(each)))


@given(LENGTHS, st.floats(1, 1e5), st.floats(0, 1e6), st.one_of(st.just(np.inf), st.floats(1, 1e6)))
def test_the_capped_mean_is_that_of_every_prompt(
    units: FloatArray,
    mean: float,
    cap: float,
    longest: float,
) -> None:
    lengths = units * mean
    counted = units <= longest / mean
    expected = np.where(counted, np.minimum(lengths, cap), 0.0).mean()
    assert mean_capped_tokens(units, mean, cap, longest) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert up_to_fraction(units, mean, longest) == pytest.approx(counted.mean())


def test_means_and_caps_may_be_arrays() -> None:
    units = np.array([0.5, 1.0, 1.5])
    found = mean_capped_tokens(units, np.array([200.0, 400.0]), np.array([150.0, 1e9]), np.inf)
    assert found == pytest.approx([(100 + 150 + 150) / 3, (200 + 400 + 600) / 3])
    assert up_to_fraction(units, np.array([200.0, 400.0]), 400.0) == pytest.approx([1.0, 2 / 3])


def test_prompts_of_no_tokens_cost_nothing() -> None:
    assert mean_capped_tokens(np.array([1.0]), 0.0, 100.0, np.inf) == pytest.approx(0.0, abs=1e-300)
