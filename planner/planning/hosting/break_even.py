"""From which volume on hosting costs less than the API, on the step function of whole machines."""

from __future__ import annotations

import numpy as np

from planner.formulas.hosting import crossing_volumes
from planner.formulas.machine_cost import machines_usd_per_month
from planner.planning.hosting.machines import Offer, carried_replicas
from planner.specs.answers.hosting_plan import BreakEven
from planner.specs.base import Quantity
from planner.specs.scenario.hosting import SelfHosted
from planner.specs.scenario.workload import Workload
from planner.units import SECONDS_PER_DAY

MOST_MACHINES = 128  #: as far as the step function is followed


def break_even(
    offer: Offer,
    own: SelfHosted,
    workload: Workload,
    *,
    gpus: int,
    requests_per_s: Quantity,
    reaching_fraction: float,
    api_usd_per_request: float,
    statement: str,
    availability_fraction: float | None = None,
) -> BreakEven | None:
    """Return the crossing volumes at the scenario's shape, redundancy and headroom; ``None`` where there is none.

    Volumes are the scenario's requests, those that its response caches answer among them. Machines are a fixed
    number all month.
    """
    rent = machines_usd_per_month(1, offer.usd_per_hour) / workload.days_per_month

    def crossings(capacity: float) -> tuple[tuple[float, bool], ...]:
        steady = capacity * own.max_utilization / workload.peak_to_mean / reaching_fraction
        per_day = steady * SECONDS_PER_DAY
        machines = np.arange(1.0, MOST_MACHINES + 1.0)
        return crossing_volumes(
            usd_per_request=api_usd_per_request,
            usd_by_step=machines * rent,
            volume_by_step=per_day * carried_replicas(machines, gpus, offer, own, availability_fraction),
        )

    found = crossings(requests_per_s.value)
    if not found:
        return None
    last = _for_good(found)
    ends = [crossings(capacity) for capacity in (requests_per_s.high, requests_per_s.low)]
    first = [each[0][0] for each in ends if each]
    volume = found[0][0]
    later = [_for_good(each) for each in ends]
    known = [each for each in (last, *later) if each is not None]
    return BreakEven(
        requests_per_day=Quantity(
            value=volume,
            low=min([volume, *first]),
            high=max([volume, *first]),
            grade=requests_per_s.grade,
        ),
        for_good_requests_per_day=last,
        for_good_low_requests_per_day=min(known, default=None),
        for_good_high_requests_per_day=None if None in later else max(known, default=None),
        crossings=len(found),
        certain=all(ends),
        statement=statement,
    )


def _for_good(crossings: tuple[tuple[float, bool], ...]) -> float | None:
    """Return the last crossing where hosting is the cheaper one behind it; ``None`` where it is not."""
    return crossings[-1][0] if crossings and crossings[-1][1] else None
