"""The answer: what a scenario costs, what it takes, what is recommended, and why."""

from __future__ import annotations

from datetime import date
from typing import Literal

from planner.records import dataclass
from planner.specs.answers.api_plan import ApiPlan
from planner.specs.answers.hosting_plan import HostingPlan
from planner.specs.answers.prompt_cache import PrefixCaching
from planner.specs.answers.request_cost import PriceUsed
from planner.specs.base import Grade, Notice, Quantity
from planner.specs.books.tokenizer import PromptTokens
from planner.specs.refusal import Refusal
from planner.specs.scenario.uncertainty import BillSpread
from planner.specs.scenario.workload import Workload
from planner.units import Count, MeanCount, Ratio

HostingKind = Literal["api", "self_hosted", "edge"]
RARE_SHARE = (
    0.005  # chosen: what sees less than this of the most frequent model's requests is not worth a row
)
Effort = Literal["hours", "days", "weeks"]
AdviceState = Literal["applies", "unstated", "in place", "ruled out"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CostLine:
    """One reason for which money is spent."""

    name: str
    usd_per_month: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCost:
    """What one model of the mix costs.

    ``price`` is that of the first way in which it is bought; ``off_peak_fraction`` is the share of its calls at the
    vendor's off-peak price.
    """

    model: str
    share: Ratio
    requests_per_month: float
    usd_per_request: float
    usd_per_day: float
    usd_per_month: float
    lines: tuple[CostLine, ...]
    price: PriceUsed
    caching: PrefixCaching | None
    off_peak_fraction: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SingleModel:
    """What the same traffic would cost if one model of the mix served all of it."""

    model: str
    usd_per_day: float
    usd_per_month: float


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthCost:
    """The bill of one month of the horizon, after credits.

    ``first_terms_fraction`` is the part of it under the contracts of the first month, 1 unless one ended.
    """

    month: Count
    requests: MeanCount
    usd: float
    credits_usd: float = 0.0
    first_terms_fraction: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiCost:
    """The bill at the provider: per request, day, month and horizon, by model and by line."""

    usd_per_request: float
    usd_per_day: float
    usd_per_month: float
    usd_horizon: float
    by_model: tuple[ModelCost, ...]
    lines: tuple[CostLine, ...]
    months: tuple[MonthCost, ...]
    single_model: tuple[SingleModel, ...]
    routing_saving_fraction: float | None
    grade: Grade

    @property
    def frequent(self) -> tuple[ModelCost, ...]:
        """The models but those that are hardly ever reached, such as most failover models."""
        most = max(model.share for model in self.by_model)
        return tuple(model for model in self.by_model if model.share >= most * RARE_SHARE)


@dataclass(frozen=True, kw_only=True, slots=True)
class HostingOption:
    """One way to serve the whole scenario: what it costs, how fast it is, and why not if not."""

    kind: HostingKind
    name: str
    usd_per_month: float | None
    grade: Grade
    refused: tuple[Refusal, ...] = ()
    model: str | None = None
    gpu: str | None = None
    gpus_per_replica: int | None = None
    replicas: Count | None = None
    machines: Count | None = None
    rental: str | None = None
    purchase: str | None = None
    quantization: str | None = None
    usd_per_hour: float | None = None
    ttft_s: Quantity | None = None
    tpot_s: Quantity | None = None
    e2e_s: Quantity | None = None
    requests_per_s_per_replica: Quantity | None = None
    utilisation_fraction: float | None = None
    bound_by: str | None = None
    break_even_requests_per_day: float | None = None
    quality_equivalent: bool | None = None
    profile: str | None = None
    """The coefficients behind the speed: a file of the project's own where the configuration was measured."""
    plan: HostingPlan | None = None
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TierOutlook:
    """When growth breaks the tier in use, at which limit, and the tier that holds to the end of the horizon."""

    breaks_on: date
    limit: str
    tier_at_horizon: str | None
    requirement_at_horizon: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TierAdvice:
    """The rate-limit tier that a provider's share of the peak needs."""

    provider: str
    tier: str | None
    account_tier: str | None
    holds: bool | None
    rule_of_thumb: str
    limit: str | None
    used_fraction: float | None
    exceed_fraction: float | None
    requirement: str | None
    edition: str | None
    source: str | None
    reason: str
    outlook: TierOutlook | None = None

    @property
    def shown_tier(self) -> str:
        """The tier that ``reason`` speaks of: the account's where there is one, else the lowest that holds."""
        return self.account_tier or self.tier or "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheAdvice:
    """The branch of the caching decision tree that this scenario takes.

    The saving is that of the cache in the verdict: by following the advice, or already there.
    """

    kind: str
    verdict: str
    branch: tuple[str, ...]
    saving_usd_per_month: float | None
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """One item of a checklist, held against this scenario.

    ``unstated`` advice applies if a fact holds that the scenario does not tell. The saving is the difference of two
    runs of the calculator under the stated assumption; low and high are at the ends of its range. The fraction is of
    the whole bill, or of its input where the rule of thumb speaks of that; the rule's own range stands beside.
    ``effect`` is what the rule promises. ``time_saved_s`` is how much sooner a request is answered, ``time_basis`` what
    that rests on, or why it is unknown and which measurement tells. A saving of ``None`` was not computed, and the reason says why.
    """

    id: str
    title: str
    effort: Effort
    state: AdviceState
    reason: str
    effect: str | None
    source: str
    saving_usd_per_month: float | None = None
    saving_low_usd_per_month: float | None = None
    saving_high_usd_per_month: float | None = None
    saving_fraction: float | None = None
    rule_low_fraction: float | None = None
    rule_high_fraction: float | None = None
    rule_of: Literal["bill", "input"] | None = None
    time_saved_s: Quantity | None = None
    time_basis: str | None = None
    assumption: str | None = None

    @property
    def applies(self) -> bool:
        """Whether there is nothing against following it."""
        return self.state == "applies"


@dataclass(frozen=True, kw_only=True, slots=True)
class WhatIfStep:
    """One piece of advice applied on top of the ones before it; the deltas of all steps sum to the whole change."""

    id: str
    title: str
    assumption: str
    usd_before: float
    usd_after: float

    @property
    def delta_usd(self) -> float:
        """What the step changes; negative saves. [USD/month]"""
        return self.usd_after - self.usd_before


@dataclass(frozen=True, kw_only=True, slots=True)
class Recommendation:
    """What to choose, why, and why not the rest."""

    hosting: HostingOption | None
    provider_tiers: tuple[TierAdvice, ...]
    reasons: tuple[str, ...]
    options: tuple[HostingOption, ...]
    caching: CacheAdvice
    advice: tuple[Advice, ...]

    @property
    def refused(self) -> tuple[HostingOption, ...]:
        """The options that some rule excludes, each with its reasons."""
        return tuple(option for option in self.options if option.refused)


@dataclass(frozen=True, kw_only=True, slots=True)
class Default:
    """A default that filled a place which the scenario left open."""

    key: str
    value: str
    meaning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """Everything that planner says about one scenario."""

    scenario: str
    description: str
    file: str
    as_of: date
    workload: Workload
    cost: ApiCost
    recommendation: Recommendation
    warnings: tuple[Notice, ...]
    defaults: tuple[Default, ...]
    noted: tuple[str, ...]
    api: ApiPlan
    what_if: tuple[WhatIfStep, ...] = ()
    uncertainty: BillSpread | None = None
    tokens: tuple[PromptTokens, ...] = ()

    @property
    def recommended_usd_per_month(self) -> float:
        """What the chosen option costs; the API's bill where nothing is chosen. [USD/month]"""
        chosen = self.recommendation.hosting
        return (
            self.cost.usd_per_month
            if chosen is None or chosen.usd_per_month is None
            else chosen.usd_per_month
        )
