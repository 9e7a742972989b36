"""What a recorded trace says, on recordings whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from planner.planning.workload.trace import summarise
from planner.specs.scenario.workload import TraceSummary


def summary(arrival_s: list[float], input_tokens: list[float], output_tokens: list[float]) -> TraceSummary:
    return summarise(
        "t.csv",
        arrival_s=np.array(arrival_s),
        input_tokens=np.array(input_tokens),
        output_tokens=np.array(output_tokens),
    )


def test_a_clock_has_no_bursts_and_no_peak() -> None:
    found = summary([float(second) for second in range(601)], [100.0] * 601, [10.0] * 601)
    assert (found.requests, found.duration_s, found.burstiness) == (601, 600.0, 0.0)
    assert found.peak_to_mean == pytest.approx(1.0, rel=0.01)
    assert (found.input_tokens.mean, found.input_tokens.p99) == (100.0, 100.0)
    assert found.input_tokens.sigma == pytest.approx(0.0, abs=1e-12)


def test_a_poisson_process_has_a_burstiness_of_one() -> None:
    gaps = np.random.default_rng(1).exponential(0.5, 20_000)
    arrivals = np.cumsum(gaps).tolist()
    found = summary(arrivals, [1.0] * 20_000, [1.0] * 20_000)
    assert found.burstiness == pytest.approx(1.0, abs=0.05)
    assert found.requests / found.duration_s == pytest.approx(2.0, rel=0.03)


def test_the_shape_of_log_normal_sizes_is_found_again() -> None:
    sizes = np.exp(np.random.default_rng(2).normal(6.0, 0.8, 20_000)).tolist()
    found = summary([float(n) for n in range(20_000)], sizes, [5.0] * 20_000)
    assert found.input_tokens.sigma == pytest.approx(0.8, rel=0.02)
    assert found.input_tokens.p50 == pytest.approx(np.exp(6.0), rel=0.03)


def test_answers_without_a_token_are_counted_in_the_mean_and_not_in_the_shape() -> None:
    found = summary([0.0, 1.0, 3.0], [10.0, 10.0, 10.0], [0.0, 6.0, 6.0])
    assert (found.output_tokens.mean, found.output_tokens.sigma) == (4.0, 0.0)
    assert summary([0.0, 1.0], [1.0, 1.0], [0.0, 0.0]).output_tokens.sigma == 0.0


@given(st.lists(st.tuples(st.floats(0.001, 100), st.integers(1, 10_000)), min_size=2, max_size=50))
def test_percentiles_rise_and_the_peak_is_no_less_than_the_mean(rows: list[tuple[float, int]]) -> None:
    arrivals = np.cumsum([gap for gap, _ in rows]).tolist()
    sizes = [float(size) for _, size in rows]
    found = summary(arrivals, sizes, sizes)
    stats = found.input_tokens
    assert min(sizes) <= stats.p50 <= stats.p95 <= stats.p99 <= max(sizes)
    assert found.peak_to_mean >= 1.0
