"""The part of an estimate that a lock remembers and that a diff compares."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from planner.specs.base import Document, Grade

ChoiceKind = Literal["api", "self_hosted", "edge"]


class Band(Document):
    """A prediction with its 80 % interval and its grade; the unit stands in the field's name."""

    value: float
    low: float
    high: float
    grade: Grade


class SwingOutcome(Document):
    """What the month costs with one uncertain input at its p10 and at its p90. [USD/month]"""

    at_low: float
    at_high: float


class ModelOutcome(Document):
    """What one API model of the mix costs a month."""

    share: float
    requests_per_month: float
    usd_per_request: float
    usd_per_month: float
    lines: dict[str, float]
    """USD a month by cost line."""


class Choice(Document):
    """The option that is recommended."""

    kind: ChoiceKind
    name: str
    model: str | None = None
    gpu: str | None = None
    gpus_per_replica: int | None = None
    replicas: int | None = None
    machines: int | None = None
    rental: str | None = None
    purchase: str | None = None
    quantization: str | None = None
    usd_per_hour: float | None = None


class TierOutcome(Document):
    """The rate-limit tier of one provider. ``holds`` is ``None`` where its limits are not published."""

    tier: str
    holds: bool | None = None
    limit: str | None = None
    used_fraction: float | None = None


class Outcome(Document):
    """The figures of one scenario. ``None`` is unknown, or does not apply to the choice; never 0."""

    usd_per_month: float | None
    """What the choice costs a month; ``None`` where no option holds."""
    usd_per_month_band: Band | None = None
    """Machines: the cost at both ends of the capacity's interval. API: where hit rates or tokens are estimates or the
    scenario states bands, all of ``api_swings`` together."""
    api_usd_per_month: float
    api_usd_per_request: float
    api_swings: dict[str, SwingOutcome] = Field(default_factory=dict)
    """By uncertain input, where the API is the choice."""
    api_lines: dict[str, float]
    """The API's bill by cost line [USD/month]."""
    by_model: dict[str, ModelOutcome]
    choice: Choice | None
    requests_per_month: float
    input_tokens: float
    output_tokens: float
    reasoning_tokens: float
    part_tokens: dict[str, float]
    """Tokens of each prompt part in one request."""
    ttft_p95_s: Band | None = None
    tpot_p95_s: Band | None = None
    tiers: dict[str, TierOutcome]
    memory_headroom_fraction: float | None = None
    """Share of the KV pool that the load leaves free at the peak."""
    break_even_requests_per_day: float | None = None
