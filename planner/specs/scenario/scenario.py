"""The scenario: one LLM feature, as its file describes it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from planner.specs.base import Document, refusal
from planner.specs.books.price import STANDARD, ModeOrStandard
from planner.specs.scenario.caching import Caching, PromptCache, ResponseCache
from planner.specs.scenario.gates import Gates
from planner.specs.scenario.hosting import Hosting
from planner.specs.scenario.reliability import Reliability
from planner.specs.scenario.traffic import Prompt, Traffic
from planner.specs.scenario.uncertainty import RateBand, Uncertainty
from planner.units import MS_PER_S

SHARE_TOLERANCE = 1e-6  #: of a sum that is to be 1: three thirds written with seven digits pass
DATA_RULES = ("any", "self_hosted", "on_device")


class CascadeStage(Document):
    """One model of a cascade, and the share of its answers that are good enough."""

    model: str = Field(min_length=1, description="API model, as in the pricing book")
    accept: float = Field(
        1.0, ge=0, le=1, description="share of answers that go no further; 1 for the last stage"
    )
    mode: ModeOrStandard = Field(STANDARD, description="how the provider processes it")


class ModelShare(Document):
    """A model, or a cascade of models, and the share of requests that it gets."""

    model: str | None = Field(None, min_length=1, description="API model, as in the pricing book")
    cascade: tuple[CascadeStage, ...] | None = Field(
        None, min_length=2, description="models tried one after another"
    )
    share: float = Field(1.0, ge=0, le=1, description="share of the requests, as a fraction")
    mode: ModeOrStandard = Field(STANDARD, description="how the provider processes it")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.model is None) == (self.cascade is None):
            raise refusal("model or cascade", "both" if self.model else "neither")
        return self


class Batch(Document):
    """Requests that may wait for the batch API."""

    share: float = Field(0.0, ge=0, le=1, description="share of requests that may wait up to a day")


class Account(Document):
    """An account that exists already: its limits, and the terms on which it buys."""

    tier: str | None = Field(None, min_length=1, description="its rate-limit tier, as in the pricing book")
    region: str | None = Field(None, min_length=1, description="region of processing, where it costs extra")
    contract: str | None = Field(None, min_length=1, description="contract of your own pricing book")


class Slo(Document):
    """Targets, with their percentile in the name."""

    ttft_p95_ms: float | None = Field(None, gt=0, description="time to first token")
    tpot_p95_ms: float | None = Field(None, gt=0, description="time per output token after the first")
    e2e_p95_s: float | None = Field(None, gt=0, description="whole answer")
    availability: float | None = Field(None, gt=0, lt=1, description="share of requests answered")

    @property
    def limits_s(self) -> dict[str, float]:
        """The limits of 95th percentiles that are stated, by what they limit: TTFT, TPOT, e2e [s]."""
        stated_ms = {"TTFT": self.ttft_p95_ms, "TPOT": self.tpot_p95_ms}
        limits = {name: limit / MS_PER_S for name, limit in stated_ms.items() if limit is not None}
        return limits if self.e2e_p95_s is None else {**limits, "e2e": self.e2e_p95_s}


def _known_data_rule(value: object) -> object:
    if isinstance(value, str) and value not in DATA_RULES and not value.startswith("region:"):
        raise refusal("any, region:NAME, self_hosted or on_device", f'"{value}"')
    return value


class Constraints(Document):
    """What rules candidates out whatever they cost."""

    data: Annotated[str, BeforeValidator(_known_data_rule)] = Field(
        "any", description="where the data may go"
    )


class Budget(Document):
    """What may be spent."""

    usd_per_month: float | None = Field(None, gt=0, description="a month")
    usd_per_request: float | None = Field(None, gt=0, description="a request")


def _cascade_is_one_entry(value: object) -> object:
    return (value,) if isinstance(value, dict) else value


class Scenario(Document):
    """One LLM feature: traffic, prompt, models, and everything that decides where it runs."""

    version: Literal[1] = Field(1, description="version of this format")
    name: str = Field(
        min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="short name, no spaces"
    )
    description: str = Field("", description="one sentence for people")
    as_of: date | None = Field(None, description="date whose prices and limits apply; today if absent")
    books: str | None = Field(
        None, min_length=1, description="folder with books that override ours row by row"
    )
    currency: str | None = Field(
        None, min_length=1, description="shown beside USD at the dated rate of your own pricing book"
    )
    traffic: Traffic
    prompt: Prompt
    models: Annotated[tuple[ModelShare, ...], BeforeValidator(_cascade_is_one_entry)] = Field(
        min_length=1, description="API models and their shares, which sum to 1"
    )
    caching: Caching = Field(default_factory=Caching)
    batch: Batch = Field(default_factory=Batch)
    reliability: Reliability = Field(default_factory=Reliability)
    accounts: dict[str, Account] = Field(default_factory=dict, description="provider -> account")
    slo: Slo = Field(default_factory=Slo)
    constraints: Constraints = Field(default_factory=Constraints)
    hosting: Hosting | None = Field(None, description="candidates; a sensible set if absent")
    budget: Budget = Field(default_factory=Budget)
    gates: Gates = Field(default_factory=Gates)
    uncertainty: Uncertainty = Field(
        default_factory=Uncertainty, description="how far the stated figures may be off"
    )

    @field_validator("models")
    @classmethod
    def _shares_sum_to_one(cls, models: tuple[ModelShare, ...]) -> tuple[ModelShare, ...]:
        total = sum(entry.share for entry in models)
        if abs(total - 1) > SHARE_TOLERANCE:
            raise refusal("shares that sum to 1", f"a sum of {total:g}")
        return models

    @model_validator(mode="after")
    def _sizes_known(self) -> Self:
        if self.traffic.trace is None:
            if self.prompt.input_tokens is None and self.prompt.parts is None:
                raise refusal(
                    "prompt.input_tokens or prompt.parts (or a trace that tells the sizes)", "neither"
                )
            if self.prompt.output_tokens is None:
                raise refusal("prompt.output_tokens (or a trace that tells the sizes)", "nothing")
        return self

    @model_validator(mode="after")
    def _bands_hold_what_is_stated(self) -> Self:
        for name in ("prompt", "exact", "semantic"):
            band: RateBand | None = getattr(self.uncertainty, f"{name}_hit_rate")
            layer: PromptCache | ResponseCache | None = getattr(self.caching, name)
            stated = layer.hit_rate if layer is not None else None
            if band is not None and (stated is None or not band.p10 <= stated <= band.p90):
                raise refusal(
                    f"caching.{name}.hit_rate inside uncertainty.{name}_hit_rate, {band.p10:g} to {band.p90:g}",
                    "no hit rate" if stated is None else f"{stated:g}",
                )
        return self
