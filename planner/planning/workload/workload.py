"""A scenario into a workload: volumes, the shape over the day, and token statistics."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

from planner.formulas.text_tokens import (
    CHARACTERS_PER_TOKEN,
    WORDS_PER_TOKEN,
    prose_characters,
    tokens_from_characters,
    tokens_from_pages,
    tokens_from_words,
)
from planner.formulas.traffic import (
    SHAPES,
    Z_P50,
    Z_P95,
    Z_P99,
    lognormal_quantile,
    lognormal_sigma_from_mean,
    lognormal_sigma_from_median,
    mean_requests_per_s,
    normalised_weights,
    users_requests_per_month,
)
from planner.specs.base import Grade
from planner.specs.scenario.scenario import Scenario
from planner.specs.scenario.traffic import TokenSizes, Traffic
from planner.specs.scenario.workload import PartSize, TextSize, TokenStats, TraceSummary, Workload
from planner.units import SECONDS_PER_DAY

ROUNDING = 1e-12  # shares of weights that are equal on paper differ by less
NO_TOKENS = TokenStats(mean=0, p50=0, p95=0, p99=0)


def workload_of(
    scenario: Scenario, texts: Mapping[str, TextSize], trace: TraceSummary | None = None
) -> Workload:
    """Return the scenario's traffic and sizes as plain numbers.

    Parameters
    ----------
    scenario : the validated scenario.
    texts : measured size of each prompt part that is a file, by part name.
    trace : what the scenario's trace says, when it has one.
    """
    traffic, prompt = scenario.traffic, scenario.prompt
    per_day = requests_per_day(traffic, trace)
    mean_per_s = float(mean_requests_per_s(per_day))
    weights = hourly_weights(traffic)
    shape_peak = trace.peak_to_mean if trace is not None else max(weights)
    peak_to_mean = traffic.peak_to_mean or shape_peak
    parts = part_sizes(scenario, texts)
    static = prompt.static_prefix_tokens
    return Workload(
        requests_per_day=per_day,
        requests_per_month=per_day * traffic.days_per_month,
        mean_requests_per_s=mean_per_s,
        hourly_weights=weights,
        peak_to_mean=peak_to_mean,
        peak_requests_per_s=mean_per_s * peak_to_mean,
        burstiness=trace.burstiness if trace is not None else traffic.burstiness,
        growth_per_month_fraction=traffic.growth_per_month,
        horizon_months=traffic.horizon_months,
        days_per_month=traffic.days_per_month,
        input_tokens=_input_stats(scenario, parts, trace),
        output_tokens=_stats_or(prompt.output_tokens, trace.output_tokens if trace else NO_TOKENS),
        reasoning_tokens=_stats_or(prompt.reasoning_tokens, NO_TOKENS),
        static_prefix_tokens=static if static is not None else _static_tokens(parts),
        parts=parts,
        grade=_grade(scenario, trace),
    )


def requests_per_day(traffic: Traffic, trace: TraceSummary | None) -> float:
    """Return the mean requests a day, whichever way the volume was given. [requests/day]"""
    if traffic.requests_per_day is not None:
        return traffic.requests_per_day
    if traffic.requests_per_second is not None:
        return traffic.requests_per_second * SECONDS_PER_DAY
    if traffic.requests_per_month is not None:
        return traffic.requests_per_month / traffic.days_per_month
    if traffic.users is not None:
        users = traffic.users
        monthly = users_requests_per_month(
            users.monthly_active, users.sessions_per_user_per_month, users.requests_per_session
        )
        return float(monthly) / traffic.days_per_month
    if trace is None:
        raise ValueError("a scenario with a trace needs the trace's summary")
    return trace.requests / trace.duration_s * SECONDS_PER_DAY


def hourly_weights(traffic: Traffic) -> tuple[float, ...]:
    """Return the traffic of each hour of the day or week relative to the mean. [1]"""
    shape = traffic.shape
    return normalised_weights(SHAPES[shape] if isinstance(shape, str) else shape)


def token_stats(sizes: TokenSizes) -> TokenStats:
    """Return mean and percentiles of a token count, however it was given. [tokens]"""
    if sizes.values is not None:
        return _discrete(sizes.values, sizes.weights or (1.0,) * len(sizes.values))
    tail, z = (sizes.p99, Z_P99) if sizes.p99 is not None else (sizes.p95, Z_P95)
    if sizes.p50 is not None:
        sigma = lognormal_sigma_from_median(sizes.p50, tail, z) if tail is not None else 0.0
        mean = sizes.p50 / lognormal_quantile(1.0, sigma, Z_P50)
    else:
        mean = sizes.mean or 0.0
        sigma = lognormal_sigma_from_mean(mean, tail, z) if tail is not None else 0.0
    p50, p95, p99 = (lognormal_quantile(mean, sigma, q) for q in (Z_P50, Z_P95, Z_P99))
    return TokenStats(mean=mean, p50=p50, p95=p95, p99=p99, sigma=sigma)


def _discrete(values: tuple[float, ...], weights: tuple[float, ...]) -> TokenStats:
    total = sum(weights)
    pairs = sorted(zip(values, weights, strict=True))
    reached = tuple(accumulate(weight for _, weight in pairs))

    def quantile(fraction: float) -> float:
        return next(
            value
            for (value, _), seen in zip(pairs, reached, strict=True)
            if seen >= fraction * total * (1 - ROUNDING)
        )

    mean = sum(value * weight for value, weight in pairs) / total
    return TokenStats(mean=mean, p50=quantile(0.5), p95=quantile(0.95), p99=quantile(0.99))


def _stats_or(sizes: TokenSizes | None, otherwise: TokenStats) -> TokenStats:
    return token_stats(sizes) if sizes is not None else otherwise


def part_sizes(scenario: Scenario, texts: Mapping[str, TextSize]) -> tuple[PartSize, ...]:
    """Return the prompt's parts, each in the unit in which its size is known."""
    found = []
    for name, part in (scenario.prompt.parts or {}).items():
        if part.file is not None:
            text = texts[name]
            size = text_amount(text)
            found.append(PartSize(name=name, unit="characters", amount=size, static=part.static, text=text))
        elif part.tokens is not None:
            mean = token_stats(part.tokens).mean
            found.append(PartSize(name=name, unit="tokens", amount=mean, static=part.static))
        elif part.words is not None:
            found.append(PartSize(name=name, unit="words", amount=part.words, static=part.static))
        elif part.characters is not None:
            found.append(PartSize(name=name, unit="characters", amount=part.characters, static=part.static))
        else:
            found.append(PartSize(name=name, unit="pages", amount=part.pages or 0.0, static=part.static))
    return tuple(found)


def text_amount(text: TextSize) -> float:
    """Return the characters of English prose that take as many tokens as a file. [characters]"""
    kinds = text.kinds
    if kinds is None:
        return float(text.characters)
    return float(
        prose_characters(
            kinds.letters,
            kinds.digits,
            kinds.symbols,
            kinds.other_letters,
            kinds.wide,
            kinds.further_spaces,
        )
    )


def part_tokens(
    part: PartSize,
    words_per_token: float = WORDS_PER_TOKEN,
    characters_per_token: float = CHARACTERS_PER_TOKEN,
) -> float:
    """Return the tokens of one part under a tokenizer's ratios; parts given in tokens stay as given. [tokens]"""
    if part.unit == "words":
        return float(tokens_from_words(part.amount, words_per_token))
    if part.unit == "characters":
        return float(tokens_from_characters(part.amount, characters_per_token))
    if part.unit == "pages":
        return float(tokens_from_pages(part.amount, words_per_token))
    return part.amount


def _static_tokens(parts: tuple[PartSize, ...]) -> float:
    return sum(part_tokens(part) for part in parts if part.static)


def _input_stats(scenario: Scenario, parts: tuple[PartSize, ...], trace: TraceSummary | None) -> TokenStats:
    if scenario.prompt.input_tokens is not None:
        return token_stats(scenario.prompt.input_tokens)
    if not parts:
        return trace.input_tokens if trace is not None else NO_TOKENS
    mean = sum(part_tokens(part) for part in parts)
    spread = {name: _parts_quantile(scenario, parts, name) for name in ("p50", "p95", "p99")}
    return TokenStats(mean=mean, **spread)


def _parts_quantile(scenario: Scenario, parts: tuple[PartSize, ...], name: str) -> float:
    """Add the parts at one percentile: an upper bound above the median, for parts that vary together."""
    total = 0.0
    for part in parts:
        sizes = (scenario.prompt.parts or {})[part.name].tokens
        total += getattr(token_stats(sizes), name) if sizes is not None else part_tokens(part)
    return total


def _grade(scenario: Scenario, trace: TraceSummary | None) -> Grade:
    return "measured" if trace is not None and scenario.prompt.input_tokens is None else "assumed"
