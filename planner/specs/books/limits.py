"""Provider rate limits: the rows of ``pricing.yaml`` under ``rate_limits``. Each row is one dated edition."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from planner.specs.base import Document, refusal
from planner.specs.books.price import Confidence, RowId, Usd

ANY_MODEL = "*"  #: the table's line for the models that it does not name
Count = Annotated[int, Field(gt=0)]


TotalCounts = Literal["sum", "larger"]
"""``sum``: prompt and answer are added up; ``larger``: only the larger of prompt and reserved answer counts."""


class TotalReading(Document):
    """Another way of counting the total that the provider writes of elsewhere. Kept, so that the doubt is seen."""

    total_counts: TotalCounts
    source: Annotated[str, Field(min_length=1)]


class Accounting(Document):
    """What a provider counts against its limits; ``None`` where it does not say.

    ``output_counts`` says whether output tokens share the total (``in_total``), have their own limit
    (``separate``) or are not limited (``no``). ``reserves_max_tokens``: a request is charged for its
    ``max_tokens`` when it arrives, however short the answer turns out. ``total_counts`` is about a limit on all
    tokens. Source, date and trust are those of the edition where they are absent here.
    """

    cached_input_counts: bool | None = None
    output_counts: Literal["in_total", "separate", "no"]
    reserves_max_tokens: bool | None = None
    total_counts: TotalCounts = "sum"
    alternates: tuple[TotalReading, ...] = ()
    scope: Literal["organization", "project"] = "organization"
    source: str | None = None
    checked: date | None = None
    confidence: Confidence | None = None


class Requirement(Document):
    """What it takes to get into a tier. ``other`` holds what is not money or time."""

    paid_usd: Usd | None = None
    days_since_first_payment: Annotated[int, Field(ge=0)] | None = None
    other: str | None = None


class Tier(Document):
    """One tier of an edition; an edition lists its tiers from the lowest to the highest.

    ``published`` is false where the provider names the tier and not its limits (custom, enterprise).
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    name: str
    requirement: Requirement = Requirement()
    monthly_spend_limit_usd: Usd | None = None
    published: bool = True


class TierLimits(Document):
    """The limits of one model or class in one tier. Absent: none published, which is not the same as none."""

    tier: str
    requests_per_minute: Count | None = None
    requests_per_day: Count | None = None
    tokens_per_minute: Count | None = None
    input_tokens_per_minute: Count | None = None
    output_tokens_per_minute: Count | None = None
    batch_queue_tokens: Count | None = None
    batch_queue_requests: Count | None = None


class LimitClass(Document):
    """The limits of one or several models. ``pooled``: they share one bucket, else each has its own.

    ``models`` are the parts of row ids after the provider; ``*`` stands for those that no other line names.
    ``above_input_tokens`` marks the separate bucket of long requests. A line may be valid for a part of its
    edition's time only.
    """

    models: tuple[str, ...] = Field(min_length=1)
    valid_from: date | None = None
    valid_to: date | None = None
    pooled: bool = False
    above_input_tokens: Count | None = None
    cached_input_counts: bool | None = None
    by_tier: tuple[TierLimits, ...] = Field(min_length=1)
    source: str | None = None
    confidence: Confidence | None = None
    note: str | None = None


class RateLimitEdition(Document):
    """What one provider allowed from ``valid_from`` until before ``valid_to``."""

    id: RowId
    provider: str
    valid_from: date
    valid_to: date | None = None
    accounting: Accounting
    tiers: tuple[Tier, ...] = Field(min_length=1)
    limits: tuple[LimitClass, ...] = ()
    batch_queue: LimitClass | None = None
    """What may wait in batches of all models together, where the provider limits that."""
    source: Annotated[str, Field(min_length=1)]
    checked: date
    confidence: Confidence
    note: str | None = None

    @model_validator(mode="after")
    def _lines_name_known_tiers(self) -> Self:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise refusal(f"valid_to after {self.valid_from}", f"{self.valid_to}")
        known = {tier.id for tier in self.tiers}
        groups = (*self.limits, *((self.batch_queue,) if self.batch_queue is not None else ()))
        named = {line.tier for group in groups for line in group.by_tier}
        if unknown := sorted(named - known):
            raise refusal(f"tiers of the edition: {', '.join(sorted(known))}", ", ".join(unknown))
        return self
