"""How sure the inputs are, as a scenario says it, and what that makes of the monthly bill."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from planner.records import dataclass
from planner.specs.base import Document, refusal
from planner.units import Count

UncertainInput = Literal[
    "volume",
    "input tokens",
    "output tokens",
    "reasoning tokens",
    "prompt-cache hit rate",
    "exact-cache hit rate",
    "semantic-cache hit rate",
]


class FactorBand(Document):
    """A band around a stated value, as factors of it: one month in ten lies below p10, one in ten above p90."""

    p10: float = Field(gt=0, le=1, description="factor that one month in ten falls short of")
    p90: float = Field(ge=1, description="factor that one month in ten exceeds")


class RateBand(Document):
    """A band around a stated hit rate: one month in ten lies below p10, one in ten above p90."""

    p10: float = Field(ge=0, le=1, description="hit rate that one month in ten falls short of")
    p90: float = Field(ge=0, le=1, description="hit rate that one month in ten exceeds")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.p90 < self.p10:
            raise refusal(f"p90 at or above p10, {self.p10:g}", f"{self.p90:g}")
        return self


class Uncertainty(Document):
    """How far the scenario's own figures may be off; what is absent is taken as exact."""

    volume: FactorBand | None = Field(None, description="band of the requests a month")
    input_tokens: FactorBand | None = Field(None, description="band of the mean prompt length")
    output_tokens: FactorBand | None = Field(None, description="band of the mean answer length")
    reasoning_tokens: FactorBand | None = Field(None, description="band of the mean hidden tokens")
    prompt_hit_rate: RateBand | None = Field(None, description="band of caching.prompt.hit_rate")
    exact_hit_rate: RateBand | None = Field(None, description="band of caching.exact.hit_rate")
    semantic_hit_rate: RateBand | None = Field(None, description="band of caching.semantic.hit_rate")

    @property
    def given(self) -> bool:
        """Whether the scenario states any band."""
        return any(getattr(self, name) is not None for name in type(self).model_fields)


@dataclass(frozen=True, kw_only=True, slots=True)
class Swing:
    """One input at its p10 and at its p90, all others as stated: what the month then costs.

    ``low`` and ``high`` are the input itself: requests a month, tokens, or a hit rate.
    """

    input: UncertainInput
    low: float
    high: float
    usd_at_low: float
    usd_at_high: float

    @property
    def usd(self) -> float:
        """How far the bill moves. [USD/month]"""
        return abs(self.usd_at_high - self.usd_at_low)


@dataclass(frozen=True, kw_only=True, slots=True)
class BillSpread:
    """What the bill of one month may come to, from ``draws`` draws of everything that is uncertain.

    ``stated`` is false where the scenario gives no band, so that only the differences between single requests are
    in it. ``over_budget_fraction`` is the share of draws above the monthly budget, where there is one. ``swings``
    come with the largest first. The horizon's range holds one draw for all its months, and is there for stated bands.
    """

    p10_usd: float
    p50_usd: float
    p90_usd: float
    mean_usd: float
    draws: Count
    stated: bool
    over_budget_fraction: float | None
    swings: tuple[Swing, ...]
    horizon_p10_usd: float | None = None
    horizon_p90_usd: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PortfolioSpread:
    """What several scenarios, each bought as recommended, may come to a month: independent of each other, or together.

    ``uncertain`` of them have a range of their own; the others count as they are stated.
    """

    uncertain: Count
    independent_p10_usd: float
    independent_p90_usd: float
    together_p10_usd: float
    together_p90_usd: float
