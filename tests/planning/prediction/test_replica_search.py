"""The fewest replicas by simulated percentile."""

from __future__ import annotations

import numpy as np
import pytest

from planner.errors import UsageError
from planner.planning.prediction.replica_search import meets, replicas_for_slo
from planner.simulation.arrivals import gamma_arrivals
from planner.simulation.engine import simulate
from planner.simulation.step import StepCosts
from planner.specs.load import SloTarget
from planner.specs.simulation import EngineLimits, RequestBatch

COSTS = StepCosts(serial_s=np.full(2049, 0.02))
LIMITS = EngineLimits(max_num_seqs=8)
TTFT = (SloTarget(metric="ttft_s", fraction=0.95, limit_s=0.5),)


def share(replicas: int) -> RequestBatch:
    generator = np.random.default_rng(3)
    arrival_s = gamma_arrivals(generator, requests_per_s=20 / replicas, requests=400)
    return RequestBatch(arrival_s=arrival_s, input_tokens=np.full(400, 500), output_tokens=np.full(400, 50))


def test_the_fewest_replicas_hold_the_limit_and_one_fewer_would_not() -> None:
    # 50 steps of 20 ms: 1 s a request, 8 at once, so at most 8 requests/s a replica, and 20 need more than 2.5
    sized = replicas_for_slo(share, costs=COSTS, limits=LIMITS, targets=TTFT)
    assert sized.serving >= 3
    assert sized.replicas == sized.serving + 1


def test_a_limit_that_one_request_alone_misses_is_refused() -> None:
    with pytest.raises(UsageError, match="too slow"):
        replicas_for_slo(
            share,
            costs=COSTS,
            limits=LIMITS,
            targets=(SloTarget(metric="tpot_s", fraction=0.5, limit_s=0.019),),
        )


def test_answers_of_one_token_hold_any_limit_on_the_time_per_token() -> None:
    ones = RequestBatch(
        arrival_s=np.arange(4.0), input_tokens=np.full(4, 10), output_tokens=np.ones(4, dtype=np.int64)
    )
    served = simulate(ones, costs=COSTS, limits=LIMITS)
    assert meets(served, (SloTarget(metric="tpot_s", fraction=0.95, limit_s=1e-9),))
    assert not meets(served, (SloTarget(metric="ttft_s", fraction=0.95, limit_s=1e-9),))
