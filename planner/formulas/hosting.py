"""Whole machines: how many a peak needs, what they cost, and where they break even with an API."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count

import numpy as np

from planner.units import FloatArray, Numeric

STEEPEST = 1024.0  # a power that leaves the busiest hours only
HALVINGS = 40  # of the power: 1024 / 2⁴⁰ is a billionth
ZONES = 3  # clouds sell three availability zones a region; losing one leaves two thirds


def replicas_needed(
    peak_requests_per_s: float, requests_per_s_per_replica: float, utilization_fraction: float
) -> int:
    """Return the replicas that carry the peak without any to spare. [replicas]

    Parameters
    ----------
    peak_requests_per_s : the peak to carry. [requests/s]
    requests_per_s_per_replica : what one replica serves within the targets. [requests/s]
    utilization_fraction : share of that to plan with. [fraction]

    Raises
    ------
    ValueError
        When a replica serves nothing.

    References
    ----------
    .. [1] Whole replicas: the ceiling of demand over usable capacity.

    Examples
    --------
    >>> replicas_needed(20.0, 6.0, 0.8)
    5
    """
    usable = requests_per_s_per_replica * utilization_fraction
    if usable <= 0:
        raise ValueError("a replica must serve more than nothing")
    return max(1, math.ceil(peak_requests_per_s / usable - 1e-9))


def with_redundancy(replicas: int, redundancy: str) -> int:
    """Return the replicas to run so that the peak is held when one, or one zone of three, is lost. [replicas]

    Parameters
    ----------
    replicas : replicas that carry the peak. [replicas]
    redundancy : ``none``, ``n+1`` or ``zone``.

    References
    ----------
    .. [1] Two of three zones must carry the peak: ceil(3 n / 2).

    Examples
    --------
    >>> [with_redundancy(4, kind) for kind in ("none", "n+1", "zone")]
    [4, 5, 6]
    """
    if redundancy == "zone":
        return math.ceil(replicas * ZONES / (ZONES - 1))
    return replicas + (1 if redundancy == "n+1" else 0)


def whole_machines(replicas: int, gpus_per_replica: int, gpus_per_machine: int) -> int:
    """Return the machines to rent; a replica does not span machines. [machines]

    Parameters
    ----------
    replicas : replicas to run. [replicas]
    gpus_per_replica : GPUs of one replica. [GPUs]
    gpus_per_machine : GPUs of one machine as it is sold. [GPUs]

    Raises
    ------
    ValueError
        When a replica needs more GPUs than a machine has.

    References
    ----------
    .. [1] An 8-GPU instance is bought as 8 GPUs, whatever it runs.

    Examples
    --------
    >>> whole_machines(5, 2, 8)
    2
    """
    per_machine = gpus_per_machine // gpus_per_replica
    if per_machine == 0:
        raise ValueError(
            f"a replica of {gpus_per_replica} GPUs needs a machine with as many, not {gpus_per_machine}"
        )
    return math.ceil(replicas / per_machine)


def loaded_replicas(replicas: Numeric, redundancy: str) -> Numeric:
    """Return how many of the replicas carry load when one, or one zone of three, is lost. [replicas]

    Parameters
    ----------
    replicas : replicas that run. [replicas]
    redundancy : ``none``, ``n+1`` or ``zone``.

    References
    ----------
    .. [1] The inverse of :func:`with_redundancy`.

    Examples
    --------
    >>> [int(loaded_replicas(6, kind)) for kind in ("none", "n+1", "zone")]
    [6, 5, 4]
    """
    if redundancy == "zone":
        return np.floor_divide(replicas * (ZONES - 1), ZONES)
    return np.maximum(replicas - (1 if redundancy == "n+1" else 0), 0)


def machines_against_interruptions(*, needed: int, away_fraction: float, availability_fraction: float) -> int:
    """Return the machines to run so that enough of them are up, each being away for a share of the time. [machines]

    Parameters
    ----------
    needed : machines that must be up. [machines]
    away_fraction : share of the time in which one of them is being replaced. [fraction]
    availability_fraction : share of the time in which enough must be up. [fraction]

    Raises
    ------
    ValueError
        When machines are away all the time, or enough of them are asked for all the time.

    References
    ----------
    .. [1] Independent machines: the number away is binomial. Clouds reclaim in waves, so this is a lower bound.

    Examples
    --------
    One of ten machines, away 1 % of the time, is missing 9.6 % of the time, two of eleven 0.5 %, three of twelve 0.02 %:

    >>> machines_against_interruptions(needed=10, away_fraction=0.01, availability_fraction=0.999)
    12
    """
    if not (0 <= away_fraction < 1 and availability_fraction < 1):
        raise ValueError("machines must be up for some of the time, and not asked for all of it")
    return next(
        machines
        for machines in count(needed)
        if enough_up_fraction(machines=machines, needed=needed, away_fraction=away_fraction)
        >= availability_fraction
    )


def enough_up_fraction(*, machines: int, needed: int, away_fraction: float) -> float:
    """Return the share of the time in which enough of some machines are up. [fraction]

    Parameters
    ----------
    machines : machines that run. [machines]
    needed : machines that must be up. [machines]
    away_fraction : share of the time in which one of them is being replaced. [fraction]

    References
    ----------
    .. [1] Binomial distribution, as for :func:`machines_against_interruptions`.

    Examples
    --------
    >>> round(enough_up_fraction(machines=11, needed=10, away_fraction=0.01), 4)
    0.9948
    """
    return sum(
        math.comb(machines, away) * away_fraction**away * (1 - away_fraction) ** (machines - away)
        for away in range(machines - needed + 1)
    )


def crossing_volumes(
    *,
    usd_per_request: float,
    usd_by_step: Sequence[float] | FloatArray,
    volume_by_step: Sequence[float] | FloatArray,
) -> tuple[tuple[float, bool], ...]:
    """Return every volume at which the cheaper of API and hosting changes, and whether hosting is it from there on.

    Parameters
    ----------
    usd_per_request : what the API takes for a request. [USD/request]
    usd_by_step : rent with 1, 2, 3 … machines, never falling. [USD/month]
    volume_by_step : the most that they carry, rising. [requests/month]

    References
    ----------
    .. [1] Crossings of a line through the origin with a step function.

    Examples
    --------
    A machine at 100 USD carries 120 requests. At 1 USD each it is cheaper from 100 on, two machines from 200 on:

    >>> crossing_volumes(usd_per_request=1.0, usd_by_step=(100.0, 200.0), volume_by_step=(120.0, 240.0))
    ((100.0, True), (120.0, False), (200.0, True))
    """
    if usd_per_request <= 0:
        return ()
    usd, most = np.asarray(usd_by_step), np.asarray(volume_by_step)
    start = np.concatenate(([0.0], most[:-1]))
    cheaper_at_start, cheaper_at_end = usd <= usd_per_request * start, usd <= usd_per_request * most
    cheaper_before = np.concatenate(([False], cheaper_at_end[:-1]))
    found: list[tuple[float, bool]] = []
    for step in np.flatnonzero((cheaper_before != cheaper_at_start) | (cheaper_at_start != cheaper_at_end)):
        if cheaper_before[step] != cheaper_at_start[step]:
            found.append((float(start[step]), bool(cheaper_at_start[step])))
        if cheaper_at_end[step] and not cheaper_at_start[step]:
            found.append((float(usd[step] / usd_per_request), True))
    return tuple(found)


def stretched_weights(weights: tuple[float, ...], peak_to_mean: float) -> tuple[float, ...]:
    """Return hourly weights whose busiest hour is a given multiple of the mean: the shape, steeper or flatter. [1]

    Parameters
    ----------
    weights : traffic of each hour over the mean. [1]
    peak_to_mean : busiest hour over the mean. [1]

    References
    ----------
    .. [1] Each weight to one power, which keeps the order of the hours and those without traffic; found by halving.

    Examples
    --------
    >>> [round(weight, 3) for weight in stretched_weights((0.5, 1.0, 1.5), 2.0)]
    [0.179, 0.821, 2.0]

    A flat shape says nothing of the hours: each of them may be the peak.

    >>> stretched_weights((1.0, 1.0), 3.0)
    (3.0, 3.0)
    """
    highest = max(weights)
    if math.isclose(highest, peak_to_mean):
        return weights
    if min(weights) == highest:
        return (peak_to_mean,) * len(weights)

    def raised(power: float) -> tuple[float, ...]:
        powers = [(weight / highest) ** power if weight > 0 else 0.0 for weight in weights]
        mean = sum(powers) / len(powers)
        return tuple(each / mean for each in powers)

    low, high = 0.0, 1.0
    while max(raised(high)) < peak_to_mean and high < STEEPEST:
        high *= 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if max(raised(middle)) < peak_to_mean else (low, middle)
    return raised(high)
