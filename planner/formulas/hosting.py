"""Whole machines: how many a peak needs, what they cost, and where they break even with an API."""

from __future__ import annotations

import math

from planner.units import HOURS_PER_MONTH, SECONDS_PER_HOUR

WH_PER_KWH = 1000.0
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


def machines_usd_per_month(machines: int, usd_per_hour: float) -> float:
    """Return the rent of machines that run all month, idle or not. [USD/month]

    Parameters
    ----------
    machines : machines that run. [machines]
    usd_per_hour : rent of one. [USD/hour]

    References
    ----------
    .. [1] Clouds bill a month as 730 hours (365 · 24 / 12).

    Examples
    --------
    >>> machines_usd_per_month(2, 10.0)
    14600.0
    """
    return machines * usd_per_hour * HOURS_PER_MONTH


def energy_usd(power_w: float, busy_s: float, usd_per_kwh: float) -> float:
    """Return the price of the energy that a device draws while it works. [USD]

    Parameters
    ----------
    power_w : draw while working. [W]
    busy_s : time that it works. [s]
    usd_per_kwh : tariff. [USD/kWh]

    References
    ----------
    .. [1] Energy is power times time.

    Examples
    --------
    >>> round(energy_usd(100.0, 36_000.0, 0.15), 3)
    0.15
    """
    return power_w * busy_s / SECONDS_PER_HOUR / WH_PER_KWH * usd_per_kwh


def break_even_requests_per_month(
    *,
    api_usd_per_request: float,
    usd_per_month_by_replicas: tuple[float, ...],
    requests_per_month_by_replicas: tuple[float, ...],
) -> float | None:
    """Return the smallest volume at which hosting costs no more than the API, on the step function. [requests/month]

    Parameters
    ----------
    api_usd_per_request : what the API takes for a request. [USD/request]
    usd_per_month_by_replicas : rent with enough machines for 1, 2, 3 … replicas under load. [USD/month]
    requests_per_month_by_replicas : volume that so many replicas can carry. [requests/month]

    References
    ----------
    .. [1] Crossing of a line through the origin with a step function: the first step whose crossing lies on it.

    Examples
    --------
    One replica at 100 USD carries 50 requests; at 1 USD each the crossing needs the second step, at 150:

    >>> break_even_requests_per_month(api_usd_per_request=1.0, usd_per_month_by_replicas=(100.0, 150.0),
    ...     requests_per_month_by_replicas=(50.0, 200.0))
    150.0
    """
    if api_usd_per_request <= 0:
        return None
    before = 0.0
    for usd, most in zip(usd_per_month_by_replicas, requests_per_month_by_replicas, strict=True):
        crossing = max(usd / api_usd_per_request, before)
        if crossing <= most:
            return crossing
        before = most
    return None
