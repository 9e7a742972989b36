"""Arrivals and lengths have the rate, the burstiness and the mean that were asked for."""

import numpy as np
import pytest

from planner.errors import UsageError
from planner.formulas.trace_statistics import squared_cv
from planner.simulation.arrivals import gamma_arrivals, lognormal_tokens


@pytest.mark.parametrize("burstiness", [0.25, 1.0, 4.0])
def test_gaps_have_the_rate_and_the_squared_cv_that_were_asked_for(burstiness: float) -> None:
    generator = np.random.default_rng(1)
    arrivals = gamma_arrivals(generator, requests_per_s=5.0, requests=200_000, burstiness=burstiness)
    gaps = np.diff(arrivals, prepend=0.0)
    assert gaps.mean() == pytest.approx(0.2, rel=0.02)
    assert squared_cv(gaps) == pytest.approx(burstiness, rel=0.04)


def test_no_burstiness_is_a_steady_beat() -> None:
    beat = gamma_arrivals(np.random.default_rng(1), requests_per_s=4.0, requests=3, burstiness=0.0)
    assert beat.tolist() == [0.25, 0.5, 0.75]


@pytest.mark.parametrize(
    ("rate", "burstiness", "message"),
    [
        (0.0, 1.0, "above 0, found 0 requests/s"),
        (float("nan"), 1.0, "above 0, found nan"),
        (1.0, -0.5, "must not be negative, found -0.5"),
    ],
)
def test_rates_and_burstiness_that_cannot_be_are_refused(
    rate: float, burstiness: float, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        gamma_arrivals(np.random.default_rng(1), requests_per_s=rate, requests=3, burstiness=burstiness)


def test_lengths_have_the_mean_and_the_median_that_were_asked_for() -> None:
    drawn = lognormal_tokens(np.random.default_rng(1), mean=1000, p50=700, requests=200_000, most=1e9)
    assert drawn.mean() == pytest.approx(1000, rel=0.01)
    assert np.median(drawn) == pytest.approx(700, rel=0.01)


def test_lengths_without_spread_are_the_mean_and_none_is_under_one_or_over_the_most() -> None:
    generator = np.random.default_rng(1)
    assert lognormal_tokens(generator, mean=50, p50=50, requests=3, most=99).tolist() == [50, 50, 50]
    clipped = lognormal_tokens(generator, mean=5, p50=0.5, requests=10_000, most=20)
    assert (clipped.min(), clipped.max()) == (1, 20)
