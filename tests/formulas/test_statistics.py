import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from planner.formulas.statistics import (
    batch_means,
    effective_samples,
    mean_interval,
    order_statistic_ranks,
    percentile_interval,
    percentile_s,
    samples_for_bound,
    samples_for_interval,
)


@pytest.mark.parametrize(
    ("fraction", "samples"), [(0.5, 6), (0.9, 36), (0.95, 72), (0.99, 368), (0.999, 3688)]
)
def test_an_interval_exists_from_exactly_the_published_sample_size(fraction: float, samples: int) -> None:
    assert samples_for_interval(fraction, 0.95) == samples
    assert order_statistic_ranks(samples, fraction, 0.95) is not None
    assert order_statistic_ranks(samples - 1, fraction, 0.95) is None


@pytest.mark.parametrize(
    ("fraction", "misses", "at_99", "at_95"),
    [
        (0.5, 0, 7, 5),
        (0.9, 0, 44, 29),
        (0.9, 1, 64, 46),
        (0.95, 3, 198, 153),
        (0.99, 1, 662, 473),
        (0.99, 10, 2010, 1693),
    ],
)
def test_sample_sizes_for_a_bound_are_those_of_mlperf(
    fraction: float, misses: int, at_99: int, at_95: int
) -> None:
    assert samples_for_bound(fraction, misses, 0.99) == at_99
    assert samples_for_bound(fraction, misses, 0.95) == at_95


@given(st.integers(6, 2000), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_ranks_cover_with_at_least_the_confidence(n: int, fraction: float) -> None:
    ranks = order_statistic_ranks(n, fraction, 0.95)
    if ranks is not None:
        low, high = ranks
        covered = stats.binom.cdf(high - 1, n, fraction) - stats.binom.cdf(low - 1, n, fraction)
        assert covered >= 0.95 - 1e-9
        assert low <= fraction * (n + 1) <= high


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=60))
def test_percentiles_rise(values: list[float]) -> None:
    sample = np.array(values)
    assert percentile_s(sample, 0.5) <= percentile_s(sample, 0.95) <= percentile_s(sample, 0.99)


def test_independent_values_keep_most_of_their_worth_and_correlated_ones_lose_it() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(size=2000)
    walk = np.convolve(rng.normal(size=2100), np.ones(50) / 50, "valid")[:2000]
    assert effective_samples(noise) > 1000
    assert effective_samples(walk) < 200
    assert effective_samples(np.ones(100)) == 100


def test_the_interval_of_the_mean_covers_under_correlation() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(100):
        walk = np.convolve(rng.normal(size=1040), np.ones(5), "valid")[:1024]
        interval = mean_interval(walk, 0.95)
        assert interval is not None
        covered += interval[0] <= 0 <= interval[1]
    assert (
        covered >= 87
    )  # 95 ± 2.2 expected, less a little bias of batches of 32; independent intervals cover 62


def test_one_value_has_no_interval() -> None:
    assert mean_interval(np.array([1.0]), 0.95) is None
    assert percentile_interval(np.arange(9.0), 0.5, samples=5.9, confidence_fraction=0.95) is None


def test_batches_take_values_in_order_and_leave_the_rest() -> None:
    assert batch_means(np.array([1.0, 3.0, 5.0, 7.0, 100.0])).tolist() == [3.0]


def test_the_interval_of_the_median_of_a_hundred_values_runs_from_the_40th_to_the_61st() -> None:
    # the binomial table for n = 100, p = 1/2: P(40 <= X <= 60) = 0.9648
    found = percentile_interval(np.arange(1.0, 101.0), 0.5, samples=100, confidence_fraction=0.95)
    assert found == pytest.approx((40.0, 61.0))
