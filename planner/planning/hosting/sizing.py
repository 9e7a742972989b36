"""Machines by hour and by month for a replica of known capacity."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from planner.formulas.hosting import stretched_weights
from planner.formulas.traffic import grown
from planner.planning.hosting.machines import Fleet, Offer, fleet
from planner.records import dataclass
from planner.specs.answers.hosting_plan import DailyMachines, GrowthStep, HourStep
from planner.specs.scenario.hosting import SelfHosted
from planner.specs.scenario.workload import Workload
from planner.units import HOURS_PER_MONTH, SECONDS_PER_HOUR, Count


@dataclass(frozen=True, kw_only=True, slots=True)
class HostedTraffic:
    """Requests that reach the machines: the peak to carry, the hours of a day or week, and growth."""

    peak_requests_per_s: float
    hourly_requests_per_s: tuple[float, ...]
    growth_per_month_fraction: float
    horizon_months: Count
    availability_fraction: float | None
    """What the scenario asks for; ``None`` where it asks for none."""

    @property
    def varies(self) -> bool:
        """Whether some hours have less traffic than others."""
        return min(self.hourly_requests_per_s) < max(self.hourly_requests_per_s)

    def grown(self, factor: float) -> HostedTraffic:
        """Return the same traffic, more of it."""
        return replace(
            self,
            peak_requests_per_s=self.peak_requests_per_s * factor,
            hourly_requests_per_s=tuple(rate * factor for rate in self.hourly_requests_per_s),
        )


def hosted_traffic(
    workload: Workload, *, reaching_fraction: float, availability_fraction: float | None
) -> HostedTraffic:
    """Return a scenario's traffic behind its response caches, its busiest hour being the stated peak."""
    weights = stretched_weights(workload.hourly_weights, workload.peak_to_mean)
    mean = workload.mean_requests_per_s * reaching_fraction
    return HostedTraffic(
        peak_requests_per_s=workload.peak_requests_per_s * reaching_fraction,
        hourly_requests_per_s=tuple(mean * weight for weight in weights),
        growth_per_month_fraction=workload.growth_per_month_fraction,
        horizon_months=workload.horizon_months,
        availability_fraction=availability_fraction,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Replica:
    """What one replica serves, on how many GPUs."""

    requests_per_s: float
    gpus: Count


def fleet_for(offer: Offer, own: SelfHosted, traffic: HostedTraffic, replica: Replica) -> Fleet:
    """Return the machines that hold the traffic's peak."""
    return fleet(
        offer,
        own,
        peak_requests_per_s=traffic.peak_requests_per_s,
        requests_per_s_per_replica=replica.requests_per_s,
        gpus=replica.gpus,
        availability_fraction=traffic.availability_fraction,
    )


def daily_machines(
    offer: Offer, own: SelfHosted, traffic: HostedTraffic, replica: Replica
) -> DailyMachines | None:
    """Return the machines of each hour against a fixed number; ``None`` where no hour can do with fewer.

    An autoscaler that takes ``cold_start_s`` to start a replica must ask for it that long before, so an hour runs
    what the hours within reach need, rounded up to whole hours. Reserved and owned machines cost the same unused.
    """
    if not (traffic.varies and offer.by_the_hour):
        return None
    rates = traffic.hourly_requests_per_s
    needed = {
        rate: fleet_for(offer, own, replace(traffic, peak_requests_per_s=rate), replica).machines
        if rate
        else 0
        for rate in dict.fromkeys(rates)
    }
    hours, ahead = len(rates), ceil(own.autoscale.cold_start_s / SECONDS_PER_HOUR)
    running = [
        max(needed[rates[(hour + later) % hours]] for later in range(ahead + 1)) for hour in range(hours)
    ]
    mean, fixed = sum(running) / hours, max(needed.values())
    return DailyMachines(
        hours=hours,
        schedule=tuple(
            HourStep(hour=hour, machines=machines)
            for hour, machines in enumerate(running)
            if hour == 0 or machines != running[hour - 1]
        ),
        fixed=fixed,
        least=min(running),
        most=max(running),
        mean=mean,
        fixed_usd_per_month=fixed * offer.usd_per_hour * HOURS_PER_MONTH,
        autoscaled_usd_per_month=mean * offer.usd_per_hour * HOURS_PER_MONTH,
        cold_start_s=own.autoscale.cold_start_s,
    )


def usd_per_month(offer: Offer, own: SelfHosted, traffic: HostedTraffic, replica: Replica) -> float:
    """Return the rent of a month: machines by the hour where the scenario autoscales, else a fixed number."""
    daily = daily_machines(offer, own, traffic, replica) if own.autoscale.enabled else None
    if daily is not None:
        return daily.autoscaled_usd_per_month
    return fleet_for(offer, own, traffic, replica).usd_per_month


def growth_steps(
    offer: Offer, own: SelfHosted, traffic: HostedTraffic, replica: Replica
) -> tuple[tuple[GrowthStep, ...], float]:
    """Return the first month and every month in which the machines change, and the rent of the whole horizon."""
    steps: list[GrowthStep] = []
    total = 0.0
    for month in range(traffic.horizon_months):
        if month and not traffic.growth_per_month_fraction:
            total += steps[0].usd_per_month * (traffic.horizon_months - 1)
            break
        later = traffic.grown(float(grown(1.0, traffic.growth_per_month_fraction, month)))
        held = fleet_for(offer, own, later, replica)
        usd = usd_per_month(offer, own, later, replica)
        total += usd
        if not steps or (held.replicas, held.machines) != (steps[-1].replicas, steps[-1].machines):
            steps.append(
                GrowthStep(month=month + 1, replicas=held.replicas, machines=held.machines, usd_per_month=usd)
            )
    return tuple(steps), total
