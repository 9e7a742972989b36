"""Caches before and at the provider: whole answers, and prompt prefixes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from planner.specs.base import Document


class ResponseCache(Document):
    """A cache of whole answers before the model."""

    hit_rate: float | None = Field(
        None, ge=0, le=1, description="share of the requests it sees that it answers; a prior if absent"
    )
    ttl_hours: float | None = Field(None, gt=0, description="how long an answer stays fresh")
    cost_usd_per_month: float = Field(0, ge=0, description="what running the cache costs")


class SemanticCache(ResponseCache):
    """A cache that also answers requests which only mean the same."""

    embedding_model: str | None = Field(
        None, min_length=1, description="API model that embeds each request it sees"
    )
    embedded_tokens: float | None = Field(
        None,
        gt=0,
        description="tokens embedded per request; the prompt without its static prefix, as far as the model takes it, if absent",
    )


class PromptCache(Document):
    """The provider's cache of prompt prefixes."""

    enabled: bool = Field(True, description="whether prompts are laid out and marked for it")
    ttl: Literal["5m", "30m", "1h", "24h"] | None = Field(
        None, description="lifetime bought; the provider's default if absent"
    )
    distinct_prefixes: int = Field(1, ge=1, description="different static prefixes in use at once")
    hit_rate: float | None = Field(None, ge=0, le=1, description="overrides the derived hit rate")
    ready_s: float = Field(
        0.5,
        ge=0,
        description="from a first request until its prefix can be read, about a TTFT; requests in between miss too",
    )
    stored_hours_per_day: float | None = Field(
        None, gt=0, le=24, description="an explicit cache, kept in the busiest hours; storage is billed"
    )


class Caching(Document):
    """The cache layers, in the order in which a request meets them."""

    queries: Literal["faq", "unique"] | None = Field(
        None, description="how alike requests are; tells the prior of an unstated hit rate"
    )
    exact: ResponseCache | None = Field(None, description="identical requests")
    semantic: SemanticCache | None = Field(None, description="similar requests")
    prompt: PromptCache | None = Field(None, description="the provider's prefix cache")
