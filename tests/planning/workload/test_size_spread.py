"""How much requests differ in size: given by percentiles, by a list, or by parts that vary for themselves."""

from __future__ import annotations

from math import expm1, sqrt
from typing import Any

import pytest

from planner.planning.workload.size_spread import token_cvs
from planner.planning.workload.workload import workload_of
from tests.planning.diff.test_drift import CHAT
from tests.strategies import built


def cvs(**prompt: Any) -> tuple[float, float, float]:
    scenario = built(CHAT | {"prompt": {"output_tokens": 400.0} | prompt})
    return token_cvs(scenario, workload_of(scenario, {}))


def test_one_number_does_not_vary() -> None:
    assert cvs(input_tokens=2000.0) == (0.0, 0.0, 0.0)


def test_a_median_and_a_percentile_give_the_spread_of_their_log_normal() -> None:
    """p95 over p50 is exp(1.645 · sigma): 2.718 times as much means sigma = 1 / 1.645."""
    prompt, answer, hidden = cvs(
        input_tokens={"p50": 1000.0, "p95": 2718.281828}, output_tokens=10.0, reasoning_tokens=5.0
    )
    assert prompt == pytest.approx(sqrt(expm1((1 / 1.6448536) ** 2)), rel=1e-6)
    assert (answer, hidden) == (0.0, 0.0)


def test_listed_sizes_vary_as_they_are_listed() -> None:
    # 1 three times and 5 once: mean 2, variance (3 · 1 + 9) / 4 = 3
    weighted = {"values": [100.0, 500.0], "weights": [3.0, 1.0]}
    assert cvs(input_tokens=weighted)[0] == pytest.approx(sqrt(3) / 2)
    assert cvs(input_tokens={"values": [100.0, 300.0]})[0] == pytest.approx(0.5)
    assert cvs(input_tokens={"values": [0.0, 0.0]})[0] == 0.0


def test_parts_vary_for_themselves_and_the_fixed_ones_dilute_them() -> None:
    """Two parts of mean 200 and a spread of 100 each, beside 600 tokens that never change: sqrt(2) · 100 of 1,000."""
    part = {"tokens": {"values": [100.0, 300.0]}}
    parts = {"user": part, "history": part, "system": {"words": 450.0}}  # 0.75 words a token: 600 tokens
    assert cvs(parts=parts)[0] == pytest.approx(sqrt(2) * 100 / 1000)
    assert cvs(parts={"user": {"tokens": 0.0}})[0] == 0.0
