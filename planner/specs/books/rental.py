"""GPU machines by the hour: the rows of ``pricing.yaml`` under ``rentals``."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from planner.specs.base import Document, refusal
from planner.specs.books.price import Confidence, Usd, require_rising

Purchase = Literal["on_demand", "spot", "reserved_1y", "reserved_3y"]


class RentalPrice(Document):
    """What one whole machine costs per hour, from a date until the next row's date."""

    effective_from: date
    on_demand_usd_per_hour: Usd | None = None
    spot_usd_per_hour: Usd | None = None
    reserved_1y_usd_per_hour: Usd | None = None
    reserved_3y_usd_per_hour: Usd | None = None
    source: Annotated[str, Field(min_length=1)]
    checked: date
    confidence: Confidence
    note: str | None = None

    @model_validator(mode="after")
    def _some_price_is_known(self) -> Self:
        if not any(self.by_purchase.values()):
            raise refusal("a purchase price above 0", "none")
        return self

    @property
    def by_purchase(self) -> dict[Purchase, float | None]:
        """The hourly price by way of purchase; ``None`` where none is published."""
        return {
            "on_demand": self.on_demand_usd_per_hour,
            "spot": self.spot_usd_per_hour,
            "reserved_1y": self.reserved_1y_usd_per_hour,
            "reserved_3y": self.reserved_3y_usd_per_hour,
        }


class GpuRental(Document):
    """One machine type of one cloud in one region. It is rented whole: ``gpu_count`` GPUs or none.

    ``id`` is ``cloud/instance/region`` in lower case; ``instance`` is what the cloud calls the machine; ``gpu``
    names a row of ``hardware.yaml``.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9.-]+/[a-z0-9._-]+/[a-z0-9-]+$")]
    instance: str
    gpu: str
    gpu_count: Annotated[int, Field(gt=0)]
    vcpus: Annotated[int, Field(gt=0)] | None = None
    host_memory_gib: Annotated[float, Field(gt=0)] | None = None
    minimum_billing_s: Annotated[float, Field(ge=0)] | None = None
    community: bool = False
    """A broker's offer of machines whose operators are third parties: weighed only where its cloud is named."""
    prices: tuple[RentalPrice, ...] = Field(min_length=1)
    note: str | None = None

    @property
    def cloud(self) -> str:
        """The cloud that rents the machine out."""
        return self.id.split("/")[0]

    @property
    def region(self) -> str:
        """The region; ``any`` where the price is the same everywhere, ``market`` for auctions."""
        return self.id.split("/")[2]

    @model_validator(mode="after")
    def _prices_are_in_order(self) -> Self:
        require_rising("effective_from dates", [price.effective_from for price in self.prices])
        return self
