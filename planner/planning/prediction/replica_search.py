"""The fewest replicas whose simulated percentiles hold the limits: slower than a formula, and its judge."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from planner.errors import UsageError
from planner.simulation.engine import simulate
from planner.simulation.step import StepCosts
from planner.specs.load import SloTarget
from planner.specs.simulation import EngineLimits, RequestBatch, SimulatedRequests
from planner.specs.sizing import SizedReplicas

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
