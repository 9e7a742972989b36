"""Whether a figure beside the cost got better."""

import pytest

from planner.planning.diff.beside_cost import _verdict
from planner.specs.gate.difference import MetricName, Verdict


@pytest.mark.parametrize(
    ("name", "old", "new", "verdict"),
    [
        ("ttft_p95_s", 0.5, 0.5, "same"),
        ("ttft_p95_s", 0.5, 0.6, "worse"),
        ("ttft_p95_s", 0.6, 0.5, "better"),
        ("ttft_p95_s", None, 0.5, "neither"),
        ("ttft_p95_s", 0.5, None, "neither"),
    ],
)
def test_a_rising_latency_is_worse_and_an_unknown_one_is_neither(
    name: MetricName, old: float | None, new: float | None, verdict: Verdict
) -> None:
    assert _verdict(name, old, new) == verdict
