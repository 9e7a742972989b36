"""Machines by hour and by month, whole, spare ones included."""

from dataclasses import replace
from datetime import date

import pytest

from planner.planning.hosting.machines import (
    Offer,
)
from planner.planning.hosting.sizing import (
    HostedTraffic,
    Replica,
    daily_machines,
    growth_steps,
    usd_per_month,
)
from planner.specs.scenario.hosting import Autoscale, Purchase, SelfHosted

TODAY = date(2026, 11, 23)
SINGLE = Offer(name="cloud/one/any", purchase="on_demand", usd_per_hour=2.0, gpu_count=1)
PLAIN = SelfHosted(max_utilization=1.0)
REPLICA = Replica(requests_per_s=2.0, gpus=1)
STEADY = HostedTraffic(
    peak_requests_per_s=5.0,
    hourly_requests_per_s=(1.0, 5.0, 1.0, 1.0),
    growth_per_month_fraction=0.0,
    horizon_months=12,
    availability_fraction=None,
)


def test_an_autoscaler_with_a_cold_start_runs_the_next_hour_s_machines_early() -> None:
    scaled = SelfHosted(max_utilization=1.0, autoscale=Autoscale(enabled=True, cold_start_s=180))
    daily = daily_machines(SINGLE, scaled, STEADY, REPLICA)
    assert daily is not None
    # needed ceil(1/2) + 1 = 2 and ceil(5/2) + 1 = 4; hour 0 already runs hour 1's: (4, 4, 2, 2)
    assert (daily.fixed, daily.least, daily.most, daily.mean) == (4, 2, 4, 3.0)
    assert [(step.hour, step.machines) for step in daily.schedule] == [(0, 4), (2, 2)]
    assert daily.hours == 4
    assert usd_per_month(SINGLE, scaled, STEADY, REPLICA) == 3.0 * 2.0 * 730
    assert usd_per_month(SINGLE, PLAIN, STEADY, REPLICA) == 4 * 2.0 * 730


def test_an_hour_without_requests_runs_no_machine() -> None:
    night = replace(STEADY, hourly_requests_per_s=(5.0, 0.0, 0.0, 0.0))
    daily = daily_machines(
        SINGLE, SelfHosted(max_utilization=1.0, autoscale=Autoscale(cold_start_s=0)), night, REPLICA
    )
    assert daily is not None
    assert (daily.least, daily.most, daily.mean) == (0, 4, 1.0)


@pytest.mark.parametrize("purchase", ["reserved_1y", "owned"])
def test_what_is_paid_anyway_is_not_scaled(purchase: Purchase) -> None:
    scaled = SelfHosted(max_utilization=1.0, autoscale=Autoscale(enabled=True))
    offer = replace(SINGLE, purchase=purchase)
    assert daily_machines(offer, scaled, STEADY, REPLICA) is None
    assert usd_per_month(offer, scaled, STEADY, REPLICA) == 4 * 2.0 * 730


def test_growth_adds_a_machine_in_the_month_that_exceeds_the_last_and_the_horizon_sums_the_months() -> None:
    growing = replace(STEADY, peak_requests_per_s=3.9, growth_per_month_fraction=0.1, horizon_months=4)
    alone = SelfHosted(max_utilization=1.0, redundancy="none")
    steps, total = growth_steps(SINGLE, alone, growing, REPLICA)
    # 3.9, 4.29, 4.72, 5.19 requests/s over 2 a replica: 2, 3, 3, 3
    assert [(step.month, step.machines) for step in steps] == [(1, 2), (2, 3)]
    assert total == (2 + 3 + 3 + 3) * 2.0 * 730
    flat, year = growth_steps(
        SINGLE, alone, replace(growing, growth_per_month_fraction=0.0, horizon_months=12), REPLICA
    )
    assert (len(flat), year) == (1, 12 * 2 * 2.0 * 730)
