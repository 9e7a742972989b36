"""The pricing book as a whole: what ``pricing.yaml`` holds."""

from __future__ import annotations

from typing import Literal

from planner.specs.base import Document
from planner.specs.limits import RateLimitEdition
from planner.specs.price import ApiModel, Contract, CurrencyRate
from planner.specs.rental import GpuRental

PRICING_SCHEMA: Literal["planner.pricing/1"] = "planner.pricing/1"


class PricingBook(Document):
    """API prices, GPU rentals, rate-limit editions; and what only a user's own book has: contracts, currencies."""

    schema_version: Literal["planner.pricing/1"] = PRICING_SCHEMA
    api: tuple[ApiModel, ...] = ()
    rentals: tuple[GpuRental, ...] = ()
    rate_limits: tuple[RateLimitEdition, ...] = ()
    contracts: tuple[Contract, ...] = ()
    currencies: tuple[CurrencyRate, ...] = ()
