"""One bucket of a provider against what draws on it: every published limit and its use at the peak."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from planner.formulas.rate_limits import (
    counted_input_tokens,
    counted_output_tokens,
    counted_total_tokens,
    minute_exceedance_fraction,
    months_until,
    peak_minute_requests,
    token_dispersion,
    used_fraction,
)
from planner.specs.answers.tier_check import LimitDemand, LimitKind, LimitUse
from planner.specs.books.limits import Accounting, LimitClass, TierLimits
from planner.units import MeanCount, Ratio

MINUTE_KINDS: tuple[LimitKind, ...] = (
    "requests_per_minute",
    "tokens_per_minute",
    "input_tokens_per_minute",
    "output_tokens_per_minute",
)


class Draw(NamedTuple):
    """What draws on one limit at the peak, before it is held against the limit.

    ``limit_requests`` is the limit in requests of mean size, against ``requests`` in that minute, whose count spreads
    by ``dispersion``; both are ``None`` where the limit is not of a minute.
    """

    models: tuple[str, ...]
    kind: LimitKind
    limit: float
    peak: float
    requests: MeanCount = 0.0
    limit_requests: MeanCount | None = None
    dispersion: Ratio = 1.0


def limit_draws(
    accounting: Accounting, line: LimitClass | None, tier: str, demands: Sequence[LimitDemand]
) -> tuple[Draw, ...]:
    """Return what draws on each limit that the line publishes for a tier; empty where it publishes none."""
    limits = next((each for each in line.by_tier if each.tier == tier), None) if line is not None else None
    if line is None or limits is None:
        return ()
    return tuple(_draws(limits, _rules_of(line, accounting), demands))


def limit_uses(draws: Sequence[Draw], growth_per_month_fraction: float = 0.0) -> tuple[LimitUse, ...]:
    """Return the use of each limit. All are computed at once, which takes little longer than one."""
    if not draws:
        return ()
    peaks, limits = np.array([each.peak for each in draws]), np.array([each.limit for each in draws])
    used = used_fraction(peaks, limits)
    exceed = minute_exceedance_fraction(
        np.array([each.requests for each in draws]),
        np.array([each.limit_requests or 0.0 for each in draws]),
        np.array([each.dispersion for each in draws]),
    )
    months = months_until(used, growth_per_month_fraction)
    found = zip(draws, *(np.asarray(each).tolist() for each in (used, exceed, months)), strict=True)
    return tuple(
        LimitUse(
            models=draw.models,
            kind=draw.kind,
            limit=draw.limit,
            peak=draw.peak,
            used_fraction=share,
            exceed_fraction=_exceed(draw, beyond),
            months_until_broken=left,
        )
        for draw, share, beyond, left in found
    )


def _exceed(draw: Draw, computed: float) -> float | None:
    """Return how often a minute goes beyond its limit; nothing does where nothing draws on it."""
    if draw.kind not in MINUTE_KINDS:
        return None
    return computed if draw.peak > 0 else 0.0


def counted_per_request(kind: LimitKind, rules: Accounting, demand: LimitDemand) -> float:
    """Return what one request takes from a limit of a kind. [requests or tokens]

    Where the provider does not say what it counts, the stricter reading holds.
    """
    if kind == "requests_per_minute":
        return 1.0
    cached_counts = float(rules.cached_input_counts is not False)
    inputs = float(counted_input_tokens(demand.input_tokens, demand.cached_read_tokens, cached_counts))
    ceiling = max(demand.max_tokens or 0.0, demand.output_tokens)
    reserved = float(rules.reserves_max_tokens is not False)
    outputs = float(counted_output_tokens(demand.output_tokens, ceiling, reserved))
    if kind == "input_tokens_per_minute":
        return inputs
    if kind == "output_tokens_per_minute":
        return outputs
    if rules.output_counts != "in_total":
        return inputs
    return float(counted_total_tokens(inputs, outputs, float(rules.total_counts == "sum")))


def counting_words(rules: Accounting) -> str:
    """Return what a request takes from a limit on tokens, in words."""
    cached = (
        "the whole prompt" if rules.cached_input_counts is not False else "the prompt without cached reads"
    )
    answer = (
        "the answer" if rules.reserves_max_tokens is False else "max_tokens, or the answer where none is set"
    )
    if rules.output_counts == "no":
        return f"{cached}; answers do not count"
    if rules.output_counts == "separate":
        return f"{cached}; apart from it {answer}"
    if rules.total_counts == "larger":
        return f"the larger of {cached} and {answer}"
    return f"{cached} and {answer}"


def _rules_of(line: LimitClass, accounting: Accounting) -> Accounting:
    if line.cached_input_counts is None:
        return accounting
    return accounting.model_copy(update={"cached_input_counts": line.cached_input_counts})


def _draws(limits: TierLimits, rules: Accounting, demands: Sequence[LimitDemand]) -> Iterator[Draw]:
    for kind in MINUTE_KINDS:
        limit = getattr(limits, kind)
        if limit is not None:
            yield _minute_draw(kind, limit, rules, demands)
    models = _models(demands)
    if limits.requests_per_day is not None:
        daily = sum(demand.requests_per_day * demand.attempts_per_request for demand in demands)
        yield Draw(models, "requests_per_day", limits.requests_per_day, daily)
    tokens = sum(demand.batch_tokens_queued for demand in demands)
    if limits.batch_queue_tokens is not None and tokens:
        yield Draw(models, "batch_queue_tokens", limits.batch_queue_tokens, tokens)
    queued = sum(demand.batch_requests_queued for demand in demands)
    if limits.batch_queue_requests is not None and queued:
        yield Draw(models, "batch_queue_requests", limits.batch_queue_requests, queued)


def _models(demands: Sequence[LimitDemand]) -> tuple[str, ...]:
    """Return each model once: it may be asked in several modes."""
    return tuple(dict.fromkeys(demand.model for demand in demands))


def _minute_draw(kind: LimitKind, limit: float, rules: Accounting, demands: Sequence[LimitDemand]) -> Draw:
    minutes = [
        float(peak_minute_requests(demand.peak_requests_per_s, demand.attempts_per_request))
        for demand in demands
    ]
    sizes = [counted_per_request(kind, rules, demand) for demand in demands]
    requests = sum(minutes)
    peak = sum(minute * size for minute, size in zip(minutes, sizes, strict=True))
    models = _models(demands)
    if peak <= 0:
        return Draw(models, kind, limit, peak)
    spread = _dispersion(kind, demands, minutes)
    return Draw(models, kind, limit, peak, requests, limit * requests / peak, spread)


def _dispersion(kind: LimitKind, demands: Sequence[LimitDemand], minutes: Sequence[float]) -> float:
    counts_tokens = kind != "requests_per_minute"
    each = (
        minute * float(token_dispersion(demand.burstiness, demand.size_cv if counts_tokens else 0.0))
        for minute, demand in zip(minutes, demands, strict=True)
    )
    return sum(each) / sum(minutes)
