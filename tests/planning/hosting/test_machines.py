"""Whole machines that hold a peak: redundancy, spares, prices of rented and owned ones."""

from dataclasses import replace
from datetime import date

import pytest

from planner.inputs.books import load_books
from planner.planning.hosting.machines import (
    Offer,
    away_fraction,
    fleet,
    owned_offer,
    rented_offers,
    spot_machines,
)
from planner.specs.scenario.hosting import Autoscale, OwnedHardware, SelfHosted, Spot

TODAY = date(2026, 11, 23)


SINGLE = Offer(name="cloud/one/any", purchase="on_demand", usd_per_hour=2.0, gpu_count=1)


EIGHT = Offer(name="cloud/eight/any", purchase="on_demand", usd_per_hour=16.0, gpu_count=8)


PLAIN = SelfHosted(max_utilization=1.0)


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
        offer,
        spot,
        peak_requests_per_s=20.0,
        requests_per_s_per_replica=2.0,
        gpus=1,
        availability_fraction=0.99999,
    )
    assert strict.spare > held.spare
    borne = spot_machines(held, spot, 1, None)
    assert borne is not None
    # 10 of 12 must be up, each away 1.64 % of the time: Σ C(12,k)·0.0164^k·0.9836^(12−k) for k up to 2
    assert borne.enough_up_fraction == pytest.approx(0.99913, abs=1e-5)
    assert (borne.wanted_fraction, borne.away_s) == (0.999, 600)
    assert spot_machines(replace(held, offer=SINGLE), spot, 1, None) is None


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
