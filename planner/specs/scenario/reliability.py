"""Errors of the provider, and what is done about them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from planner.specs.base import Document, refusal

Rate = Annotated[float, Field(ge=0, lt=1)]
ErrorName = Literal[
    "any_error",
    "rate_limited",
    "server_error",
    "bad_gateway",
    "unavailable",
    "timeout",
    "bad_request",
    "auth_failure",
    "model_not_found",
    "content_filtered",
    "context_overflow",
    "invalid_json",
]
"""A class of error; ``any_error`` where only ``error_rate`` is stated."""


class ErrorRates(Document):
    """Share of attempts that end in each class of error."""

    rate_limited: Rate = Field(0.0, description="429")
    server_error: Rate = Field(0.0, description="500")
    bad_gateway: Rate = Field(0.0, description="502")
    unavailable: Rate = Field(0.0, description="503")
    timeout: Rate = Field(0.0, description="no answer within timeout_s")
    bad_request: Rate = Field(0.0, description="400: invalid parameters")
    auth_failure: Rate = Field(0.0, description="401")
    model_not_found: Rate = Field(0.0, description="404")
    content_filtered: Rate = Field(0.0, description="400: refused by the content filter")
    context_overflow: Rate = Field(0.0, description="400: prompt too long")
    invalid_json: Rate = Field(0.0, description="an answer that does not parse")

    @model_validator(mode="after")
    def _some_succeed(self) -> Self:
        total = sum(dict(self).values())
        if total >= 1:
            raise refusal("error rates whose sum is below 1", f"a sum of {total:g}")
        return self


class Backoff(Document):
    """Waiting before a retry: doubles from ``base_s`` up to ``max_s``."""

    base_s: float = Field(1.0, gt=0, description="longest wait before the first retry")
    max_s: float = Field(60.0, gt=0, description="longest wait before any retry")
    jitter: Literal["full", "none"] = Field(
        "full", description="full: a random part of the wait; none: all of it"
    )

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.max_s < self.base_s:
            raise refusal(f"max_s at or above base_s {self.base_s:g}", f"{self.max_s:g}")
        return self


class CircuitBreaker(Document):
    """Stops calling a provider that fails again and again."""

    failure_threshold: int = Field(5, ge=1, description="consecutive failures that open it")
    reset_timeout_s: float = Field(30.0, gt=0, description="how long it stays open")
    half_open_max: int = Field(1, ge=1, description="test requests before it closes again")
    monitor_window_s: float = Field(60.0, gt=0, description="failures older than this are forgotten")


class Reliability(Document):
    """Errors, retries, failover, and the circuit breaker."""

    error_rate: float = Field(
        0.0, ge=0, lt=1, description="share of attempts that fail in a way worth a retry"
    )
    errors: ErrorRates | None = Field(None, description="share of attempts by class, instead of error_rate")
    billed: dict[ErrorName, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict,
        description="part of a failed attempt's price that is charged, by class of error",
    )
    max_retries: int = Field(3, ge=0, le=20, description="further attempts after the first")
    timeout_s: float | None = Field(None, gt=0, description="how long an attempt may take")
    backoff: Backoff = Field(default_factory=Backoff)
    failover_model: str | None = Field(None, description="API model that takes over when retries are spent")
    circuit_breaker: CircuitBreaker = Field(default_factory=CircuitBreaker)
    provider_uptime: float = Field(0.999, gt=0, le=1, description="share of time that the provider is up")

    @model_validator(mode="after")
    def _errors_told_once(self) -> Self:
        if self.errors is not None and self.error_rate:
            raise refusal("error_rate or errors", "both")
        if self.errors is not None and self.errors.timeout and self.timeout_s is None:
            raise refusal("timeout_s, the time that a timeout takes, with errors.timeout", "none")
        told = {"any_error"} if self.errors is None else set(dict(self.errors))
        if unused := sorted(set(self.billed) - told):
            way = "any_error with error_rate" if self.errors is None else "classes of errors with errors"
            raise refusal(f"in billed, {way}", ", ".join(unused))
        return self
