"""Machines by hour and by month, whole, spare ones included."""

from dataclasses import replace
from datetime import date

import pytest

from planner.inputs.books import load_books
from planner.planning.hosting.break_even import break_even
from planner.planning.hosting.machines import (
    Offer,
    away_fraction,
    fleet,
    owned_offer,
    rented_offers,
    spot_machines,
)
from planner.planning.hosting.sizing import (
    HostedTraffic,
    Replica,
    daily_machines,
    growth_steps,
    usd_per_month,
)
from planner.planning.workload.workload import workload_of
from planner.specs.base import Quantity
from planner.specs.hosting import Autoscale, OwnedHardware, Purchase, SelfHosted, Spot
from planner.specs.workload import Workload
from tests.strategies import built

TODAY = date(2026, 11, 23)
SINGLE = Offer(name="cloud/one/any", purchase="on_demand", usd_per_hour=2.0, gpu_count=1)
EIGHT = Offer(name="cloud/eight/any", purchase="on_demand", usd_per_hour=16.0, gpu_count=8)
PLAIN = SelfHosted(max_utilization=1.0)
REPLICA = Replica(requests_per_s=2.0, gpus=1)
STEADY = HostedTraffic(
    peak_requests_per_s=5.0,
    hourly_requests_per_s=(1.0, 5.0, 1.0, 1.0),
    growth_per_month_fraction=0.0,
    horizon_months=12,
    availability=None,
)


def test_a_machine_of_eight_is_rented_whole_and_a_replica_never_spans_two() -> None:
    # ceil(5/2) = 3 replicas, one to lose: 4; of 3 GPUs each, two to a machine of eight
    held = fleet(EIGHT, PLAIN, peak_requests_per_s=5.0, requests_per_s_per_replica=2.0, gpus=3)
    assert (held.loaded, held.replicas, held.machines) == (3, 4, 2)
    assert held.usd_per_month == 2 * 16.0 * 730


def test_losing_a_zone_takes_half_as_many_again() -> None:
    zoned = SelfHosted(max_utilization=1.0, redundancy="zone")
    held = fleet(SINGLE, zoned, peak_requests_per_s=8.0, requests_per_s_per_replica=2.0, gpus=1)
    assert (held.loaded, held.replicas) == (4, 6)  # two of three zones hold the four


def test_spot_machines_get_spares_for_the_time_that_replacements_take() -> None:
    spot = SelfHosted(
        max_utilization=1.0,
        redundancy="none",
        spot=Spot(interruptions_per_month=73, replacement_s=420),
        autoscale=Autoscale(cold_start_s=180),
    )
    # 73 interruptions of 600 s in 730 h: 12.17 h of 742.17 h
    assert away_fraction(spot) == pytest.approx(0.0164, abs=1e-4)
    offer = replace(SINGLE, purchase="spot")
    held = fleet(offer, spot, peak_requests_per_s=20.0, requests_per_s_per_replica=2.0, gpus=1)
    assert (held.replicas, held.machines, held.spare) == (10, 12, 2)
    strict = fleet(
        offer, spot, peak_requests_per_s=20.0, requests_per_s_per_replica=2.0, gpus=1, availability=0.99999
    )
    assert strict.spare > held.spare
    borne = spot_machines(held, spot, 1, None)
    assert borne is not None
    # 10 of 12 must be up, each away 1.64 % of the time: Σ C(12,k)·0.0164^k·0.9836^(12−k) for k up to 2
    assert borne.enough_up_fraction == pytest.approx(0.99913, abs=1e-5)
    assert (borne.wanted_fraction, borne.away_s) == (0.999, 600)
    assert spot_machines(replace(held, offer=SINGLE), spot, 1, None) is None


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


def test_an_owned_machine_costs_its_price_over_its_life_and_its_power() -> None:
    books = load_books()
    owned = OwnedHardware(price_usd=280_000, amortization_years=4, power_w=8000, pue=1.25, usd_per_kwh=0.1)
    offer = owned_offer(owned, books.hardware.find("h100-sxm"))
    assert isinstance(offer, Offer)
    assert offer.usd_per_hour == pytest.approx(280_000 / (4 * 8760) + 8 * 1.25 * 0.1)
    by_tdp = owned_offer(owned.model_copy(update={"power_w": None}), books.hardware.find("h100-sxm"))
    assert isinstance(by_tdp, Offer)
    assert by_tdp.usd_per_hour == pytest.approx(280_000 / (4 * 8760) + 8 * 0.7 * 1.25 * 0.1)
    dark = books.hardware.find("h100-sxm").model_copy(update={"tdp_w": None})
    assert "power_w" in str(owned_offer(owned.model_copy(update={"power_w": None}), dark))


def test_community_machines_are_told_apart_unless_their_cloud_is_named_or_they_are_allowed() -> None:
    rentals = load_books().rentals

    def community(own: SelfHosted) -> set[bool]:
        offers = rented_offers(rentals, own, "h100-sxm", "on_demand", "", TODAY)
        return {offer.community for offer in offers if "community" in offer.name}

    assert community(SelfHosted()) == {True}
    assert community(SelfHosted(clouds=("runpod",))) == {False}
    assert community(SelfHosted(community=True)) == {False}
    assert rented_offers(rentals, SelfHosted(), "h100-sxm", "owned", "", TODAY) == ()


def thousand_a_day() -> Workload:
    document = {
        "name": "chat",
        "traffic": {"requests_per_day": 1000.0},
        "prompt": {"input_tokens": 1000.0, "output_tokens": 100.0},
        "models": [{"model": "openai/gpt-4o-mini"}],
    }
    return workload_of(built(document), {})


def exact(value: float) -> Quantity:
    return Quantity(value=value, low=value / 2, high=value * 2, grade="fitted")


def test_break_even_follows_the_steps_of_whole_machines() -> None:
    own = SelfHosted(max_utilization=1.0, redundancy="none")
    workload = thousand_a_day()
    found = break_even(
        SINGLE,
        own,
        workload,
        gpus=1,
        requests_per_s=exact(0.001),
        reaching_fraction=1.0,
        api_usd_per_request=1.0,
        statement="stated",
    )
    assert found is not None
    # a machine is 1,460 USD a month of 30 days, 48.67 a day; a replica carries 86.4 requests a day at a flat shape
    assert found.requests_per_day.value == pytest.approx(1460 / 30)
    assert found.crossings == 3  # cheaper from 48.67, dearer from 86.4, cheaper for good from 97.33
    assert found.for_good_requests_per_day == pytest.approx(2 * 1460 / 30)
    # half as fast it carries 43.2: the first machine never pays, nor the second (86.4 for 97.33) …
    assert not found.certain
    assert found.requests_per_day.low == found.requests_per_day.high == found.requests_per_day.value


def test_an_api_that_costs_next_to_nothing_never_breaks_even() -> None:
    workload = thousand_a_day()
    for usd in (0.0, 1e-9):
        found = break_even(
            SINGLE,
            PLAIN,
            workload,
            gpus=1,
            requests_per_s=exact(1.0),
            reaching_fraction=1.0,
            api_usd_per_request=usd,
            statement="",
        )
        assert found is None
