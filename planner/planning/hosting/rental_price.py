"""What a GPU machine costs per hour on a date, by way of purchase."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from planner.errors import DataError
from planner.records import dataclass
from planner.specs.base import Notice
from planner.specs.books.rental import GpuRental, Purchase, RentalPrice


@dataclass(frozen=True, kw_only=True, slots=True)
class RentalQuote:
    """The hourly price of one whole machine, with the row it comes from."""

    rental: str
    purchase: Purchase
    usd_per_hour: float
    price: RentalPrice
    notices: tuple[Notice, ...] = ()


def rental_price_in_force(rental: GpuRental, as_of: date) -> RentalPrice:
    """Return the price row of a machine on a date; before the first observation, the first row.

    Clouds publish today's price and no history, so most rows start on the day they were read.
    """
    started = [price for price in rental.prices if price.effective_from <= as_of]
    return started[-1] if started else rental.prices[0]


def rental_quote(rental: GpuRental, purchase: Purchase, as_of: date) -> RentalQuote:
    """Return what a machine costs per hour when bought in a certain way.

    Raises
    ------
    DataError
        When no price is published for that way of purchase, with those that are.
    """
    price = rental_price_in_force(rental, as_of)
    usd_per_hour = price.by_purchase[purchase]
    if usd_per_hour is None:
        known = ", ".join(way for way, usd in price.by_purchase.items() if usd is not None)
        raise DataError(
            f"{rental.id} has no {purchase} price on {as_of}",
            cure=f"prices in the book: {known}; put your own into your books folder",
        )
    return RentalQuote(
        rental=rental.id,
        purchase=purchase,
        usd_per_hour=usd_per_hour,
        price=price,
        notices=tuple(_notices(rental, price, as_of)),
    )


def rentals_of(
    rentals: Iterable[GpuRental], gpu: str, purchase: Purchase, as_of: date
) -> tuple[RentalQuote, ...]:
    """Return the quotes for machines with a GPU that can be bought in that way, cheapest per GPU first."""
    with_gpu = [rental for rental in rentals if rental.gpu == gpu]
    sold = [
        rental
        for rental in with_gpu
        if rental_price_in_force(rental, as_of).by_purchase[purchase] is not None
    ]
    counts = {rental.id: rental.gpu_count for rental in sold}
    quotes = [rental_quote(rental, purchase, as_of) for rental in sold]
    return tuple(sorted(quotes, key=lambda quote: (quote.usd_per_hour / counts[quote.rental], quote.rental)))


def _notices(rental: GpuRental, price: RentalPrice, as_of: date) -> Iterable[Notice]:
    if as_of < price.effective_from:
        yield Notice(
            code="RENTAL-LATER",
            message=f"the price of {rental.id} was first seen on {price.effective_from}, after {as_of}",
        )
    if price.confidence == "low":
        yield Notice(
            code="RENTAL-WEAK",
            message=f"the price of {rental.id} is a market price of one day",
            cure="ask the cloud, or take another one",
        )
