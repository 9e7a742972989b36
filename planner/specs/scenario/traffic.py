"""How much traffic, how it is spread, and how long the prompts are."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from planner.specs.base import Document, refusal

HOURLY_SHAPES = (24, 168)  #: weights for the hours of a day or of a week
NamedShape = Literal["flat", "business_hours", "diurnal"]

# The heaviest log-normal tails that can still be reached from a mean, exp(z² / 2), rounded down: 3.868 and 14.97.
MAX_TAIL_TO_MEAN = {"p95": 3.86, "p99": 14.9}


class Users(Document):
    """Traffic told as people: how many, how often they come, how much they ask."""

    monthly_active: float = Field(gt=0, description="people who use the feature in a month")
    sessions_per_user_per_month: float = Field(gt=0, description="visits of one person a month")
    requests_per_session: float = Field(gt=0, description="model requests in one visit")


def _known_shape(value: object) -> object:
    if isinstance(value, str) and value not in NamedShape.__args__:  # type: ignore[attr-defined]
        raise refusal("flat, business_hours, diurnal, or 24 or 168 hourly weights", f'"{value}"')
    if isinstance(value, tuple) and len(value) not in HOURLY_SHAPES:
        raise refusal("24 or 168 hourly weights", f"{len(value)}")
    if isinstance(value, tuple) and not any(isinstance(v, int | float) and v > 0 for v in value):
        raise refusal("hourly weights of which one at least is above 0", "none")
    return value


class Traffic(Document):
    """The volume, given in exactly one way, its shape over the day, and its growth."""

    requests_per_day: float | None = Field(None, gt=0, description="mean requests a day")
    requests_per_second: float | None = Field(None, gt=0, description="mean requests a second, all day")
    requests_per_month: float | None = Field(None, gt=0, description="mean requests a month")
    users: Users | None = Field(None, description="volume told as people, sessions and requests")
    trace: str | None = Field(
        None, min_length=1, description="a recorded trace; sizes and shape come from it"
    )
    shape: Annotated[
        NamedShape | tuple[Annotated[float, Field(ge=0)], ...],
        BeforeValidator(_known_shape),
        Field(description="spread over the day: a name, or 24 or 168 hourly weights"),
    ] = "flat"
    peak_to_mean: float | None = Field(
        None, ge=1, description="busiest hour over the mean; overrides the shape"
    )
    burstiness: float = Field(1.0, gt=0, description="squared coefficient of variation of gaps; 1 = Poisson")
    growth_per_month: float = Field(0.0, gt=-1, description="growth of the volume a month, as a fraction")
    horizon_months: int = Field(12, ge=1, le=120, description="months that the plan looks ahead")
    utc_offset_hours: float = Field(
        0.0, ge=-12, le=14, description="local time minus UTC: places the shape against off-peak hours"
    )
    days_per_month: float = Field(30, gt=0, le=31, description="days that make one month's bill")

    @model_validator(mode="after")
    def _one_volume(self) -> Self:
        ways = ("requests_per_day", "requests_per_second", "requests_per_month", "users", "trace")
        given = [way for way in ways if getattr(self, way) is not None]
        if len(given) != 1:
            raise refusal("exactly one of " + ", ".join(ways), " and ".join(given) or "none of them")
        return self


def _number_is_mean(value: object) -> object:
    if isinstance(value, dict | TokenSizes):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        found = f'the text "{value}"' if isinstance(value, str) else str(value).lower()
        raise refusal("a number of tokens, {mean or p50, p95 or p99}, or {values, weights}", found)
    return {"mean": value}


class TokenSizes(Document):
    """How long something is, in tokens: a number, a log-normal, or listed values."""

    mean: float | None = Field(None, ge=0, description="mean tokens")
    p50: float | None = Field(None, gt=0, description="median tokens")
    p95: float | None = Field(None, gt=0, description="tokens that 95 % stay below")
    p99: float | None = Field(None, gt=0, description="tokens that 99 % stay below")
    values: tuple[Annotated[float, Field(ge=0)], ...] | None = Field(
        None, min_length=1, description="sizes that occur"
    )
    weights: tuple[Annotated[float, Field(ge=0)], ...] | None = Field(
        None, description="how often each occurs"
    )

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        centre = [name for name in ("mean", "p50", "values") if getattr(self, name) is not None]
        tail = [name for name in ("p95", "p99") if getattr(self, name) is not None]
        if len(centre) != 1:
            raise refusal("one of mean, p50 or values", " and ".join(centre) or "none of them")
        if self.values is not None and tail:
            raise refusal("values, or a percentile", f"values and {tail[0]}")
        if self.weights is not None:
            self._check_weights(self.weights)
        if len(tail) > 1:
            raise refusal("one of p95 and p99", "both")
        if tail:
            self._check_tail(tail[0])
        return self

    def _check_weights(self, weights: tuple[float, ...]) -> None:
        if self.values is None:
            raise refusal("weights together with values", "weights alone")
        if len(weights) != len(self.values):
            raise refusal("as many weights as values", f"{len(weights)} for {len(self.values)}")
        if not sum(weights) > 0:
            raise refusal("weights of which one at least is above 0", "none")

    def _check_tail(self, name: str) -> None:
        low = self.p50 if self.mean is None else self.mean
        high = getattr(self, name)
        centre = "mean" if self.p50 is None else "p50"
        if not low:
            raise refusal(f"a mean above 0 with {name}", "0")
        if high < low:
            raise refusal(f"{name} at or above the {centre} {low:g}", f"{high:g}")
        most = MAX_TAIL_TO_MEAN[name]
        if self.mean is not None and high > most * self.mean:
            raise refusal(f"{name} at most {most} × the mean (or give p50 and {name})", f"{high:g}")


Tokens = Annotated[TokenSizes, BeforeValidator(_number_is_mean)]


class PromptPart(Document):
    """One part of the prompt, sized in exactly one way."""

    file: str | None = Field(
        None, min_length=1, description="a text file beside the scenario; counted in tokens"
    )
    tokens: Tokens | None = Field(None, description="tokens")
    words: float | None = Field(None, ge=0, description="English words")
    characters: float | None = Field(None, ge=0, description="characters")
    pages: float | None = Field(None, ge=0, description="pages of 300 words")
    static: bool = Field(False, description="identical in every request: part of the cacheable prefix")

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        ways = ("file", "tokens", "words", "characters", "pages")
        given = [way for way in ways if getattr(self, way) is not None]
        if len(given) != 1:
            raise refusal("exactly one of " + ", ".join(ways), " and ".join(given) or "none of them")
        return self


class Prompt(Document):
    """What goes in and what comes out of one request."""

    input_tokens: Tokens | None = Field(None, description="length of the whole prompt")
    parts: dict[str, PromptPart] | None = Field(None, min_length=1, description="the prompt, part by part")
    counted_with: str | None = Field(
        None, min_length=1, description="tokenizer family in which the token counts here were taken"
    )
    static_prefix_tokens: float | None = Field(None, ge=0, description="tokens identical in every request")
    output_tokens: Tokens | None = Field(None, description="length of the visible answer")
    reasoning_tokens: Tokens | None = Field(None, description="hidden tokens, billed as output")
    max_tokens: int | None = Field(None, ge=1, description="the request's limit on output tokens")
    paid_calls: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="tool calls per request that the provider charges, by fee"
    )
    temperature: float | None = Field(None, ge=0, le=2, description="sampling temperature; 0 repeats itself")
    output_kind: Literal["free_text", "classification", "extraction", "code"] = Field(
        "free_text", description="what the answer is"
    )

    @model_validator(mode="after")
    def _one_input(self) -> Self:
        if self.input_tokens is not None and self.parts is not None:
            raise refusal("input_tokens or parts", "both")
        return self
