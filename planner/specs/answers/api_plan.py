"""What stands behind the bill at the provider: caches, routing, failures, currency."""

from __future__ import annotations

from datetime import date
from typing import Literal

from planner.records import dataclass
from planner.specs.base import Quantity
from planner.specs.books.price import Ttl
from planner.units import Count, Ratio

Verdict = Literal["below", "inside", "above"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheUse:
    """One response cache: what it answers, what it leaves to the next layer, what it costs and saves.

    ``hit`` is the share of the requests that it sees. ``added_latency_s`` is what a miss waits for it. The saving is
    the difference of two bills, with the layer and without it, its own cost included.
    """

    name: str
    hit: Quantity
    stated: bool
    seen_requests_per_month: float
    answered_requests_per_month: float
    left_requests_per_month: float
    usd_per_month: float
    added_latency_s: Quantity
    saving_usd_per_month: Quantity


@dataclass(frozen=True, kw_only=True, slots=True)
class TtlSaving:
    """What prompt caching with one lifetime saves against none; negative where writes cost more than hits save."""

    ttl: Ttl | None
    saving_usd_per_month: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptCacheUse:
    """The provider's prompt cache as the scenario has it, against none and against other lifetimes."""

    saving_usd_per_month: float
    by_ttl: tuple[TtlSaving, ...]

    @property
    def pays(self) -> bool:
        """Whether the bill is lower with it."""
        return self.saving_usd_per_month > 0

    @property
    def best(self) -> TtlSaving | None:
        """The lifetime that saves most."""
        return max(self.by_ttl, key=lambda each: each.saving_usd_per_month, default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutingPoint:
    """The bill at one share of requests that the small model settles."""

    small_share: Ratio
    usd_per_month: float
    saving_fraction: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutingCheck:
    """What a mix or a cascade saves against its dearest model alone, and how that hangs on the small model's share.

    ``small_share`` is the share routed to the cheapest model, or the share of its answers that a cascade accepts.
    The rule of thumb's ranges stand beside the computed figures.
    """

    kind: Literal["shares", "cascade"]
    small_model: str
    large_model: str
    small_share: Ratio
    saving_fraction: float
    points: tuple[RoutingPoint, ...]
    rule_share_low: Ratio
    rule_share_high: Ratio
    rule_saving_low: Ratio
    rule_saving_high: Ratio

    @property
    def verdict(self) -> Verdict:
        """Where the computed saving lies against the rule's range."""
        if self.saving_fraction < self.rule_saving_low:
            return "below"
        return "above" if self.saving_fraction > self.rule_saving_high else "inside"


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorRow:
    """One class of error that the scenario states: how often, whether it is retried, what it bills.

    What a failed attempt bills is assumed unless the scenario states it.
    """

    name: str
    http: Count | None
    rate_fraction: float
    retries: Count
    billed_fraction: float
    billed_stated: bool
    strategy: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakerEffect:
    """What a circuit breaker does at this error rate and traffic.

    ``trips_per_month`` are openings by chance, without an outage. ``detects_outage_s`` is how long an outage lasts
    before it opens at the mean traffic; ``None`` where the traffic is too thin for its window.
    """

    trips_per_month: float
    open_fraction: float
    detects_outage_s: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Failures:
    """What errors, retries and failover make of cost, availability, latency and rate limits.

    ``extra_usd_per_month`` is the difference of two bills, with these errors and without any. Added latency counts
    waits before retries and timeouts, over all requests; ``extra_load_fraction`` is attempts above one a request.
    """

    errors: tuple[ErrorRow, ...]
    attempts_per_request: float
    extra_load_fraction: float
    availability_fraction: float
    availability_without_failover_fraction: float
    target_fraction: float | None
    failover_model: str | None
    extra_usd_per_month: float
    usd_per_answered_request: float
    added_mean_s: float
    added_p95_s: float
    breaker: BreakerEffect

    @property
    def holds(self) -> bool | None:
        """Whether the availability target is met; ``None`` without one."""
        return None if self.target_fraction is None else self.availability_fraction >= self.target_fraction


@dataclass(frozen=True, kw_only=True, slots=True)
class Converted:
    """The bill in another currency, at a rate of a stated date."""

    currency: str
    units_per_usd: float
    effective_from: date
    source: str
    per_request: float
    per_day: float
    per_month: float
    horizon: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiPlan:
    """Everything about buying at the provider that is not the bill itself."""

    caches: tuple[CacheUse, ...]
    prompt_cache: PromptCacheUse | None
    routing: RoutingCheck | None
    failures: Failures | None
    converted: Converted | None
