"""Whether a simulated replica keeps up with what arrives."""

from __future__ import annotations

import math

import numpy as np

from planner.specs.answers.simulated import LatencyPoints, ReplicaSimulation
from planner.specs.answers.simulation import EngineLimits, SimulatedRequests

POINTS = LatencyPoints(mean=0.1, p50=0.1, p90=0.1, p95=0.1, p99=0.1)


def run(arrival_s: list[float], scheduled_s: list[float]) -> ReplicaSimulation:
    ones = np.ones(len(arrival_s), dtype=np.int64)
    seen = SimulatedRequests(
        arrival_s=np.array(arrival_s),
        scheduled_s=np.array(scheduled_s),
        first_token_s=np.array(scheduled_s),
        last_token_s=np.array(scheduled_s),
        input_tokens=ones,
        output_tokens=ones,
        cached_tokens=ones,
        preemptions=ones,
    )
    return ReplicaSimulation(
        model="m",
        hardware="h",
        gpus=1,
        quantization="bf16",
        profile="p",
        grade="fitted",
        limits=EngineLimits(max_num_batched_tokens=1, max_num_seqs=1, pool_tokens=1),
        requests=seen,
        ttft_s=POINTS,
        tpot_s=POINTS,
        e2e_s=POINTS,
        queue_s=POINTS,
        notices=(),
    )


def test_the_offered_rate_counts_the_gaps_between_arrivals() -> None:
    assert run([0.0, 1.0, 2.0, 4.0], [0.0] * 4).offered_requests_per_s == 3 / 4
    assert math.isnan(run([1.0, 1.0], [1.0, 1.0]).offered_requests_per_s)  # all at once have no rate


def test_a_replica_keeps_up_while_few_wait_at_the_last_arrival() -> None:
    """Of 400 requests a twentieth are 20; of a few, ten may wait at any moment."""
    arrivals = [float(n) for n in range(400)]
    for late, keeps_up in ((20, True), (21, False)):
        scheduled = [*arrivals[: 400 - late], *[500.0] * late]
        found = run(arrivals, scheduled)
        assert (found.backlog, found.keeps_up) == (late, keeps_up)
    assert run(arrivals[:11], [500.0] * 10 + [10.0]).keeps_up
    assert not run(arrivals[:11], [500.0] * 11).keeps_up
