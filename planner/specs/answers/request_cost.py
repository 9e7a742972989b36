"""The price sheet of one request, and what the request costs, line by line."""

from __future__ import annotations

from datetime import date

from planner.records import dataclass
from planner.specs.base import Notice
from planner.specs.books.price import Basis, Confidence, ModeOrStandard, Ttl
from planner.units import Count, Numeric


@dataclass(frozen=True, kw_only=True, slots=True)
class TierPrices:
    """What tokens of each kind cost in one long-context tier, after region and contract.

    ``None``: the vendor publishes no such price, so the tokens cannot be billed.
    """

    input_usd_per_token: float
    output_usd_per_token: float
    cached_read_usd_per_token: float | None
    cache_write_usd_per_token: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceUsed:
    """Which row of the book an amount comes from, and which of its prices."""

    model: str
    effective_from: date
    basis: Basis
    source: str
    checked: date
    confidence: Confidence
    status: str
    retired_on: date | None
    mode: ModeOrStandard
    ttl: Ttl | None
    region: str | None
    off_peak: bool
    contract: str | None
    input_usd_per_mtok: float
    output_usd_per_mtok: float
    cached_read_usd_per_mtok: float | None
    cache_write_usd_per_mtok: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceSheet:
    """Everything that pricing requests of one model needs, unpacked from the book for one date and one mode.

    ``tiers`` holds the base prices and then one entry per threshold of ``above_input_tokens``.
    """

    used: PriceUsed
    tiers: tuple[TierPrices, ...]
    above_input_tokens: tuple[float, ...]
    context_window_tokens: int | None
    max_input_tokens: int | None
    max_output_tokens: int | None
    usd_per_call: dict[str, float]
    storage_usd_per_token_hour: float | None
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CostLines:
    """Cost of requests by line; each field is one amount or an array of them. [USD]"""

    input_usd: Numeric
    cached_usd: Numeric
    cache_write_usd: Numeric
    output_usd: Numeric

    @property
    def usd(self) -> Numeric:
        """All lines together. [USD]"""
        return self.input_usd + self.cached_usd + self.cache_write_usd + self.output_usd


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestCost:
    """What one request costs. ``usd`` is the sum of the lines below it; tokens are as they were billed.

    ``plain_input_tokens`` are neither read from a cache nor written to one, ``output_tokens`` include reasoning.
    """

    usd: float
    input_usd: float
    cached_usd: float
    cache_write_usd: float
    output_usd: float
    fees_usd: float
    storage_usd: float
    plain_input_tokens: float
    cached_read_tokens: float
    cache_write_tokens: float
    output_tokens: float
    long_context_tier: Count
    price: PriceUsed
    notices: tuple[Notice, ...] = ()
