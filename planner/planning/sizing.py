"""How many replicas, hour by hour and month by month, hold the latency limits."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import numpy as np

from planner.errors import UsageError
from planner.simulation.engine import simulate
from planner.simulation.step import StepCosts
from planner.specs.load import SloTarget
from planner.specs.simulation import EngineLimits, RequestBatch, SimulatedRequests
from planner.specs.sizing import GrowthStep, ReplicaSchedule, SizedReplicas
from planner.units import SECONDS_PER_HOUR

MOST_REPLICAS = 4096  #: a search beyond this is a configuration that cannot hold the limits at any size


def replicas_for_slo(
    share_of: Callable[[int], RequestBatch],
    *,
    costs: StepCosts,
    limits: EngineLimits,
    targets: tuple[SloTarget, ...],
    lost: int = 1,
) -> SizedReplicas:
    """Return the fewest replicas that hold every limit at the peak with ``lost`` of them gone.

    Parameters
    ----------
    share_of
        The requests that one of ``n`` serving replicas sees at the peak.
    costs, limits
        The replica.
    targets
        Percentiles and their limits; a refused request misses all of them.
    lost
        Replicas that may fail at the peak: 0, or 1 for n+1.

    Raises
    ------
    UsageError
        When one request alone misses a limit, so that no number of replicas helps.
    """

    def holds(serving: int) -> bool:
        return meets(simulate(share_of(serving), costs=costs, limits=limits), targets)

    high = 1
    while not holds(high):
        high *= 2
        if high > MOST_REPLICAS:
            raise UsageError(
                f"{MOST_REPLICAS:,} replicas do not hold the limits: this configuration is too slow for them",
                cure="use a faster GPU, more of them per replica, or a smaller quantization",
            )
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return SizedReplicas(serving=high, lost=lost, replicas=high + lost)


def meets(served: SimulatedRequests, targets: tuple[SloTarget, ...]) -> bool:
    """Say whether every percentile is within its limit; answers of one token have no time per token."""
    return all(_value(served, target) <= target.limit_s for target in targets)


def _value(served: SimulatedRequests, target: SloTarget) -> float:
    values = getattr(served, "tpot_s" if target.metric == "itl_s" else target.metric)
    refused = np.isnan(served.last_token_s)
    known = np.where(refused, np.inf, values)
    known = known[~np.isnan(known)]
    if not known.size:
        return 0.0
    return float(np.quantile(known, target.fraction, method="higher"))


def replica_schedule(
    hourly_requests_per_s: tuple[float, ...],
    *,
    requests_per_s_per_replica: float,
    lost: int = 1,
    cold_start_s: float = 0.0,
) -> ReplicaSchedule:
    """Return the replicas of each hour, static and autoscaled.

    An autoscaler that takes ``cold_start_s`` to start a replica must ask for it that long before, so an hour runs
    what the hours within reach need, rounded up to whole hours.

    Raises
    ------
    UsageError
        For a capacity of zero or less.
    """
    if not requests_per_s_per_replica > 0:
        raise UsageError(
            f"a replica's capacity must be above 0, found {requests_per_s_per_replica:g} requests/s"
        )
    needed = tuple(max(ceil(rate / requests_per_s_per_replica), 1) + lost for rate in hourly_requests_per_s)
    ahead = ceil(cold_start_s / SECONDS_PER_HOUR)
    hours = len(needed)
    running = tuple(
        max(needed[(hour + later) % hours] for later in range(ahead + 1)) for hour in range(hours)
    )
    static = max(needed)
    return ReplicaSchedule(
        needed=needed,
        autoscaled=running,
        static=static,
        static_replica_hours=float(static * hours),
        autoscaled_replica_hours=float(sum(running)),
    )


def growth_steps(
    peak_requests_per_s: float,
    *,
    growth_per_month_fraction: float,
    horizon_months: int,
    requests_per_s_per_replica: float,
    lost: int = 1,
) -> tuple[GrowthStep, ...]:
    """Return the first month and every month in which a replica is added, with the replicas from then on."""
    steps: list[GrowthStep] = []
    for month in range(horizon_months + 1):
        rate = peak_requests_per_s * (1 + growth_per_month_fraction) ** month
        replicas = max(ceil(rate / requests_per_s_per_replica), 1) + lost
        if not steps or replicas > steps[-1].replicas:
            steps.append(GrowthStep(month=month, replicas=replicas))
    return tuple(steps)
