"""Machines by the hour: dated, whole, and only in the ways that are published."""

from datetime import date

import pytest

from planner.errors import DataError
from planner.inputs.books import load_books
from planner.planning.hosting.rental_price import rental_quote, rentals_of
from planner.specs.books.rental import GpuRental

TODAY = date(2026, 11, 23)
P5 = "aws/p5.48xlarge/us-east-1"


def rental(row_id: str) -> GpuRental:
    return load_books().rentals[row_id]


@pytest.mark.parametrize(
    ("as_of", "usd_per_hour"),
    [(date(2025, 6, 4), 98.32), (date(2025, 6, 5), 55.04), (TODAY, 55.04)],
)
def test_the_price_cut_of_june_2025_is_dated(as_of: date, usd_per_hour: float) -> None:
    assert rental_quote(rental(P5), "on_demand", as_of).usd_per_hour == usd_per_hour


def test_before_the_first_observation_the_first_price_stands_with_a_notice() -> None:
    quote = rental_quote(rental("aws/g6.xlarge/us-east-1"), "on_demand", date(2025, 6, 15))
    assert quote.usd_per_hour == 0.8048
    assert [notice.code for notice in quote.notices] == ["RENTAL-LATER"]


def test_cloud_and_region_are_read_from_the_id() -> None:
    machine = rental(P5)
    assert (machine.cloud, machine.region, machine.gpu_count) == ("aws", "us-east-1", 8)


def test_no_reserved_price_is_invented() -> None:
    with pytest.raises(DataError, match="no reserved_1y price") as refusal:
        rental_quote(rental(P5), "reserved_1y", TODAY)
    assert "on_demand" in str(refusal.value.cure)


def test_machines_are_ranked_by_price_per_gpu() -> None:
    rentals = load_books().rentals
    quotes = rentals_of(rentals.values(), "h100-sxm", "on_demand", TODAY)
    per_gpu = [quote.usd_per_hour / rentals[quote.rental].gpu_count for quote in quotes]
    assert per_gpu == sorted(per_gpu)
    assert quotes[0].rental == "sfcompute/h100-market/market"
    assert quotes[0].notices[0].code == "RENTAL-WEAK"
    assert rentals_of(rentals.values(), "h100-sxm", "reserved_3y", TODAY) == ()
