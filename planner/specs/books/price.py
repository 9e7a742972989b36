"""API prices: the rows of ``pricing.yaml`` under ``api``. Dated, sourced, in USD per million tokens.

A price that is absent is not published, never free; free is written as 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from itertools import pairwise
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, model_validator

from planner.specs.base import Document, refusal

Confidence = Literal["high", "medium", "low"]
"""``high``: vendor's own page or several agreeing sources. ``low``: one second-hand source, or disputed."""
Basis = Literal["announced", "observed", "contract"]
"""Announced by the vendor for that date, first seen on that date, or agreed in your own contract."""
Ttl = Literal["5m", "30m", "1h", "24h"]
STANDARD: Literal["standard"] = "standard"  #: the mode that every model has
ModeOrStandard = Literal["standard", "batch", "flex", "priority"]
# the lifetimes that providers sell for what is written to their caches
TTL_S: dict[Ttl, float] = {"5m": 300.0, "30m": 1800.0, "1h": 3600.0, "24h": 86_400.0}

Rising = TypeVar("Rising", int, date)
Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Tokens = Annotated[int, Field(gt=0)]
RowId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._:-]*(/[a-z0-9][a-z0-9._:-]*)+$")]
HourUtc = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class TokenPrices(Document):
    """The prices of one kind of service, all in USD per million tokens.

    ``input`` is what a token costs that the cache neither serves nor stores. Reasoning tokens cost what output
    costs, in the standard mode and in every other.
    A cache-write price replaces the input price of the tokens written; where it is absent and the model's
    cache writes ``as_input``, they cost what plain input costs.
    """

    input_usd_per_mtok: Usd
    output_usd_per_mtok: Usd
    cached_read_usd_per_mtok: Usd | None = None
    cache_write_5m_usd_per_mtok: Usd | None = None
    cache_write_30m_usd_per_mtok: Usd | None = None
    cache_write_1h_usd_per_mtok: Usd | None = None

    @model_validator(mode="after")
    def _cached_input_is_not_dearer(self) -> Self:
        cached = self.cached_read_usd_per_mtok
        if cached is not None and cached > self.input_usd_per_mtok:
            raise refusal(f"cached input at most {self.input_usd_per_mtok:g}, the input price", f"{cached:g}")
        return self


class LongContextTier(TokenPrices):
    """Prices of a whole request whose input is strictly longer than ``above_input_tokens``."""

    above_input_tokens: Tokens


class ServicePrices(TokenPrices):
    """Prices of one processing mode, with the long-context tiers that the vendor publishes for that mode."""

    long_context: tuple[LongContextTier, ...] = ()

    @model_validator(mode="after")
    def _tiers_rise(self) -> Self:
        require_rising("long_context thresholds", [tier.above_input_tokens for tier in self.long_context])
        return self


class ModePrices(ServicePrices):
    """Prices of a mode besides standard. ``effective_from``: sold, or verified, only from that date on."""

    effective_from: date | None = None


class Modes(Document):
    """The processing modes that a model has besides standard. An absent mode cannot be bought."""

    batch: ModePrices | None = None
    flex: ModePrices | None = None
    priority: ModePrices | None = None


class OffPeakWindow(Document):
    """A daily window in UTC; one that ends before it starts runs over midnight. No weekdays = every day."""

    starts_utc: HourUtc
    ends_utc: HourUtc
    weekdays: tuple[Annotated[int, Field(ge=0, le=6)], ...] = ()

    @property
    def start(self) -> time:
        """Start of the window."""
        return time.fromisoformat(self.starts_utc)

    @property
    def end(self) -> time:
        """End of the window, itself outside."""
        return time.fromisoformat(self.ends_utc)


class OffPeak(ServicePrices):
    """Prices inside the off-peak windows; judged by the time at which the request is made."""

    windows: tuple[OffPeakWindow, ...] = Field(min_length=1)


class RegionMultiplier(Document):
    """What processing in a region multiplies token prices by. Fees per call are not multiplied."""

    region: str
    factor: Annotated[float, Field(gt=0)]


class Fee(Document):
    """A fee per call that does not depend on tokens, such as a web search."""

    name: str
    usd_per_thousand_calls: Usd


class Alternate(Document):
    """What another source says, of the standard mode unless it names another. Kept, so that a dispute stays visible."""

    source: str
    mode: ModeOrStandard = STANDARD
    input_usd_per_mtok: Usd
    output_usd_per_mtok: Usd
    cached_read_usd_per_mtok: Usd | None = None
    note: str | None = None


class ApiPrice(ServicePrices):
    """The price list of one model from one date until the next row's date."""

    effective_from: date
    basis: Basis
    modes: Modes = Modes()
    cache_storage_usd_per_mtok_hour: Usd | None = None
    context_window_tokens: Tokens | None = None
    offpeak: OffPeak | None = None
    region_multipliers: tuple[RegionMultiplier, ...] = ()
    fees: tuple[Fee, ...] = ()
    alternates: tuple[Alternate, ...] = ()
    source: Annotated[str, Field(min_length=1)]
    checked: date
    confidence: Confidence
    note: str | None = None


class DatedMinimum(Document):
    """The shortest prefix that is cached, from a date on."""

    effective_from: date
    tokens: Tokens


class CacheRules(Document):
    """How the provider's prompt cache works.

    ``automatic`` caches any repeated prefix; ``explicit`` needs a marked breakpoint or a cache object.
    ``writes`` is ``as_input`` where storing costs nothing on top of the input price, ``priced`` where the
    price row carries a price per time to live, ``free`` where the tokens written cost nothing at all.
    ``ttls`` are the lifetimes that can be had, the default first; each use refreshes them.
    """

    mode: Literal["automatic", "explicit"]
    writes: Literal["as_input", "priced", "free"]
    ttls: tuple[Ttl, ...] = ()
    min_tokens: tuple[DatedMinimum, ...] = ()
    granularity_tokens: Tokens | None = None
    hits_guaranteed: bool = True
    source: str | None = None


class Lifecycle(Document):
    """Whether the model can be bought. ``unlisted``: gone from the price lists, retirement date not known."""

    status: Literal["current", "deprecated", "retired", "unlisted"]
    deprecated_on: date | None = None
    retired_on: date | None = None
    last_seen: date | None = None
    successor: str | None = None

    @model_validator(mode="after")
    def _dates_fit_the_status(self) -> Self:
        if self.status == "retired" and self.retired_on is None:
            raise refusal("retired_on with status retired (unlisted where the date is unknown)", "none")
        if self.deprecated_on and self.retired_on and self.deprecated_on > self.retired_on:
            raise refusal(f"deprecated_on at or before {self.retired_on}", f"{self.deprecated_on}")
        return self


class ApiModel(Document):
    """One model as one provider sells it.

    ``id`` is ``provider/model``. ``aliases`` are the other names under which the same offer is known: the
    vendor's API name, dated snapshots, ``-latest``. ``open_model`` names the row of ``models.yaml`` when the
    weights are open, so that the offer can be compared with hosting the same model. Input and output share the
    context window unless ``max_input_tokens`` is given: then the input has that limit and the output its own.
    """

    id: RowId
    name: str
    aliases: tuple[str, ...] = ()
    context_window_tokens: Tokens | None = None
    max_input_tokens: Tokens | None = None
    max_output_tokens: Tokens | None = None
    tokenizer: str | None = None
    open_model: str | None = None
    cache: CacheRules | None = None
    lifecycle: Lifecycle
    prices: tuple[ApiPrice, ...] = Field(min_length=1)
    note: str | None = None

    @property
    def provider(self) -> str:
        """The part of the id before the first slash."""
        return self.id.split("/", 1)[0]

    @model_validator(mode="after")
    def _prices_are_in_order(self) -> Self:
        require_rising("effective_from dates", [price.effective_from for price in self.prices])
        if self.cache is None and any(price.cached_read_usd_per_mtok is not None for price in self.prices):
            raise refusal("the model's cache rules with a cached-read price", "none")
        return self


class Contract(Document):
    """Your own terms with a provider: a discount on token prices and fees, and credits used up first.

    ``applies_to`` is a provider or a row id.
    """

    id: str
    applies_to: str
    discount_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0
    credits_usd: Usd = 0.0
    valid_from: date
    valid_to: date | None = None
    source: str

    @property
    def provider(self) -> str:
        """The provider that the contract is with."""
        return self.applies_to.split("/", 1)[0]

    def covers(self, model_id: str) -> bool:
        """Whether the contract is about a model, by itself or by its provider."""
        return self.applies_to in (model_id, model_id.split("/", 1)[0])


class CurrencyRate(Document):
    """Units of a currency per USD, from a date on. Estimates are made in USD and converted for the reader."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    effective_from: date
    units_per_usd: Annotated[float, Field(gt=0)]
    source: str


def require_rising(what: str, values: Sequence[Rising]) -> None:
    """Refuse values that do not rise strictly.

    Raises
    ------
    PydanticCustomError
        Naming the first pair that is out of order; it becomes a fault of the row.
    """
    for earlier, later in pairwise(values):
        if not earlier < later:
            raise refusal(f"{what} that rise", f"{later} after {earlier}")
