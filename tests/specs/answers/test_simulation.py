"""Requests and limits that no engine could serve are refused; times that follow from time stamps."""

from typing import Any

import numpy as np
import pytest

from planner.errors import UsageError
from planner.specs.answers.simulation import EngineLimits, RequestBatch, SimulatedRequests


@pytest.mark.parametrize(
    "name", ["max_num_seqs", "max_num_batched_tokens", "block_tokens", "pool_tokens", "slot_tokens"]
)
def test_a_limit_of_nothing_is_refused(name: str) -> None:
    limits: dict[str, Any] = {name: 0}
    with pytest.raises(UsageError, match=f"{name} must be at least 1, found 0"):
        EngineLimits(**limits)


def test_a_step_must_have_a_token_for_each_sequence() -> None:
    with pytest.raises(UsageError, match=r"max_num_batched_tokens \(4\) is smaller than max_num_seqs \(5\)"):
        EngineLimits(max_num_seqs=5, max_num_batched_tokens=4)
    assert EngineLimits(max_num_seqs=4, max_num_batched_tokens=4).max_num_seqs == 4


@pytest.mark.parametrize(
    ("arrivals", "inputs", "outputs", "message"),
    [
        ([0.0, 1.0], [1], [1, 1], r"differ in number: \[1, 2\]"),
        ([1.0, 0.5], [1, 1], [1, 1], "sorted and not negative"),
        ([-1.0, 0.5], [1, 1], [1, 1], "sorted and not negative"),
        ([0.0], [0], [1], "at least one input token"),
        ([0.0], [1], [0], "at least one output token"),
    ],
)
def test_requests_that_do_not_belong_together_are_refused(
    arrivals: list[float], inputs: list[int], outputs: list[int], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        RequestBatch(
            arrival_s=np.array(arrivals), input_tokens=np.array(inputs), output_tokens=np.array(outputs)
        )


def test_a_batch_may_be_empty() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert RequestBatch(arrival_s=np.zeros(0), input_tokens=none, output_tokens=none).size == 0


def test_times_are_differences_of_time_stamps_and_a_refused_request_has_none() -> None:
    served = SimulatedRequests(
        arrival_s=np.array([1.0, 2.0, 3.0]),
        scheduled_s=np.array([1.5, 2.0, np.nan]),
        first_token_s=np.array([2.0, 4.0, np.nan]),
        last_token_s=np.array([5.0, 4.0, np.nan]),
        input_tokens=np.array([10, 10, 999]),
        output_tokens=np.array([4, 1, 7]),
        cached_tokens=np.zeros(3, dtype=np.int64),
        preemptions=np.zeros(3, dtype=np.int64),
    )
    assert served.queue_s[:2].tolist() == [0.5, 0.0]
    assert served.ttft_s[:2].tolist() == [1.0, 2.0]
    assert served.e2e_s[:2].tolist() == [4.0, 2.0]
    assert served.tpot_s[0] == 1.0  # (5 - 2) / (4 - 1)
    assert np.isnan(served.tpot_s[1])  # a single token has no gap
    assert served.refused == 1
    assert served.duration_s == 4.0
    assert served.output_tokens_per_s == (4 + 1) / 4.0
