"""Whether a provider's rate limits hold a load: tier by tier, limit by limit."""

from __future__ import annotations

from datetime import date
from typing import Literal

from planner.records import dataclass
from planner.specs.base import Notice
from planner.specs.books.limits import Requirement
from planner.units import MeanCount, Ratio

LimitKind = Literal[
    "requests_per_minute",
    "requests_per_day",
    "tokens_per_minute",
    "input_tokens_per_minute",
    "output_tokens_per_minute",
    "batch_queue_tokens",
    "batch_queue_requests",
]
TierStatus = Literal["holds", "tight", "exceeded", "unknown"]
"""``holds``: every limit stays at or under the alert line; ``tight``: above the line, under the limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitDemand:
    """What one model of a provider must take at the peak, per request and per minute.

    ``model`` is a row id of the pricing book. Token counts are means per request; ``input_tokens`` counts the
    cached part. ``max_tokens`` is the request's own limit, where it sets one. ``size_cv`` is standard deviation
    over mean of the tokens of a request.
    """

    model: str
    peak_requests_per_s: float
    requests_per_day: float
    input_tokens: float
    output_tokens: float
    cached_read_tokens: float = 0.0
    max_tokens: float | None = None
    burstiness: Ratio = 1.0
    size_cv: Ratio = 0.0
    attempts_per_request: float = 1.0
    batch_tokens_queued: MeanCount = 0.0
    batch_requests_queued: MeanCount = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitUse:
    """One limit of one tier against the peak. ``exceed_fraction``: probability that a peak minute exceeds it."""

    models: tuple[str, ...]
    kind: LimitKind
    limit: float
    peak: float
    used_fraction: float
    exceed_fraction: float | None
    months_until_broken: MeanCount


@dataclass(frozen=True, kw_only=True, slots=True)
class TierCheck:
    """One tier against the whole load on its provider. ``unpublished`` names models without a line in it."""

    tier: str
    name: str
    status: TierStatus
    requirement: Requirement
    monthly_spend_limit_usd: float | None
    uses: tuple[LimitUse, ...]
    unpublished: tuple[str, ...] = ()

    @property
    def tightest(self) -> LimitUse | None:
        """The limit that is used most, if any is known."""
        return max(self.uses, key=lambda use: use.used_fraction, default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class TierPlan:
    """The answer for one provider.

    ``lowest`` is the lowest tier whose limits all stay at or under the alert line, else the lowest that is merely
    not exceeded, else ``None``. ``unknown`` is true where the provider publishes nothing that covers the load.
    ``current`` is the tier that the account has, when it is known.
    """

    provider: str
    as_of: date
    edition: str | None
    source: str | None
    lowest: TierCheck | None
    current: TierCheck | None
    unknown: bool
    checks: tuple[TierCheck, ...]
    notices: tuple[Notice, ...] = ()
