"""Engines, loads, metrics and statistics as foreign tables call them."""

from __future__ import annotations

import pytest

from planner.planning.judge.metric_words import metric_of, statistic_of
from planner.planning.judge.table_words import engine_of, load_of, precision_of


@pytest.mark.parametrize(
    ("metric", "unit", "ours"),
    [
        ("Mean TTFT (ms)", "", "ttft"),
        ("p99_itl_ms", "", "tpot"),
        ("E2E latency", "", "e2e"),
        ("throughput", "tok/s/gpu", "output_throughput_per_gpu"),
        ("throughput", "req/s", "request_throughput"),
        ("throughput", "samples/s", "request_throughput"),
        ("throughput", "tok/s", "output_throughput"),
        ("joules", "", None),
    ],
)
def test_a_metric_is_told_by_its_name_and_its_unit(metric: str, unit: str, ours: str | None) -> None:
    assert metric_of(metric, unit) == ours


def test_words_that_nobody_uses_mean_nothing() -> None:
    assert engine_of("abacus") is None
    assert load_of("somehow") is None
    assert precision_of("q9") is None
    assert statistic_of("worst") == "mean"
