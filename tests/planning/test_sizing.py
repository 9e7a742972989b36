"""Replicas by percentile, by hour and by month."""

from __future__ import annotations

import numpy as np
import pytest

from planner.errors import UsageError
from planner.planning.sizing import growth_steps, replica_schedule, replicas_for_slo
from planner.simulation.arrivals import gamma_arrivals
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


def test_an_autoscaler_with_a_cold_start_runs_the_next_hour_s_replicas_early() -> None:
    schedule = replica_schedule((1.0, 5.0, 1.0, 1.0), requests_per_s_per_replica=2.0, cold_start_s=180.0)
    assert schedule.needed == (2, 4, 2, 2)  # ceil(1/2) + 1, ceil(5/2) + 1
    assert schedule.autoscaled == (4, 4, 2, 2)
    assert (schedule.static, schedule.static_replica_hours) == (4, 16.0)
    assert schedule.autoscaled_replica_hours == 12.0


def test_growth_adds_a_replica_in_the_month_that_exceeds_the_last() -> None:
    steps = growth_steps(
        3.9, growth_per_month_fraction=0.1, horizon_months=3, requests_per_s_per_replica=2.0, lost=0
    )
    # 3.9, 4.29, 4.72, 5.19 requests/s over 2 a replica
    assert [(step.month, step.replicas) for step in steps] == [(0, 2), (1, 3)]


def test_a_replica_without_capacity_is_refused() -> None:
    with pytest.raises(UsageError, match="above 0"):
        replica_schedule((1.0,), requests_per_s_per_replica=0.0)
