"""The words of a difference, shared by every way to show it."""

from __future__ import annotations

from collections.abc import Iterator

from planner.report.numbers import (
    UNKNOWN,
    count,
    duration,
    percent,
    signed_percent,
    signed_usd,
    usd,
    usd_each,
)
from planner.specs.gate.difference import Cause, Difference, MetricChange, MetricName, ScenarioDifference
from planner.specs.gate.outcome import Band

SHOWN_SCENARIOS = 20  #: of a check or a diff, on screens and in comments; every one is in --format json

METRICS: dict[MetricName, str] = {
    "ttft_p95_s": "p95 TTFT",
    "tpot_p95_s": "p95 TPOT",
    "tier_headroom_fraction": "tier headroom",
    "memory_headroom_fraction": "KV memory left at the peak",
    "break_even_requests_per_day": "break-even requests/day",
    "usd_per_request": "USD/request",
}
WITHIN = "within the model's error"


def headline(found: Difference) -> str:
    """Return the decision in one line: what the change costs, and mostly why."""
    count_all = len(found.scenarios)
    if found.is_empty and not found.unknowns:
        return f"no change: {_scenarios(count_all)}, {usd(found.usd_per_month_after)} USD/month"
    if not found.delta_usd_per_month:
        return f"cost unchanged at {usd(found.usd_per_month_after)} USD/month"
    relative = signed_percent(found.delta_fraction)
    mostly = _mostly(found)
    return f"{signed_usd(found.delta_usd_per_month)} USD/month ({relative})" + (
        f", mostly {mostly}" if mostly else ""
    )


def _mostly(found: Difference) -> str:
    """Name the cause with the largest part in the direction of the delta."""
    up = found.delta_usd_per_month > 0
    along = [cause for cause in found.causes if (cause.usd_per_month > 0) == up and cause.usd_per_month]
    return cause_words(along[0]) if along else ""


def cause_words(cause: Cause) -> str:
    """Return a cause as the end of a sentence: ``longer prompt part system prompts/system.md, +800 tokens``."""
    if cause.kind == "tokens per request" and cause.tokens_per_request:
        longer = "longer" if cause.tokens_per_request > 0 else "shorter"
        file = f" {cause.file}" if cause.file else ""
        return f"{longer} {cause.name}{file}, {cause.tokens_per_request:+,.0f} tokens/request"
    if cause.kind == "volume":
        return f"{'more' if cause.usd_per_month > 0 else 'fewer'} requests{_arrow(cause)}"
    if cause.kind in {"new scenario", "removed scenario"}:
        return f"a {cause.kind}" + (f", {cause.file}" if cause.file else "")
    return f"{cause.name}{_arrow(cause)}"


def _arrow(cause: Cause) -> str:
    return f" ({cause.change})" if cause.change else ""


def beside_words(cause: Cause) -> str:
    """Return the file behind a cause, what the cause was and is, and what it does to the machines."""
    return "; ".join(words for words in (cause.file, cause.change, cause.effect) if words)


def sources(found: Difference) -> Iterator[str]:
    """Yield where both sides come from, and how many scenarios changed."""
    before, after = usd(found.usd_per_month_before), usd(found.usd_per_month_after)
    yield f"{found.base}: {before} USD/month; {found.head}: {after} USD/month"
    changed = sum(each.status not in {"unchanged", "unknown"} for each in found.scenarios)
    dates = ", ".join(each.isoformat() for each in found.as_of)
    yield f"{changed} of {_scenarios(len(found.scenarios))} changed; both sides at the prices of {dates or 'no date'}"


def _scenarios(number: int) -> str:
    return f"{number:,} scenario{'s' if number != 1 else ''}"


def change_words(each: ScenarioDifference) -> str:
    """Return one scenario's change: ``849.60 → 1,100.20 USD/month (+29.5 %)``."""
    if each.status == "added":
        return f"new, {signed_usd(each.delta_usd_per_month)} USD/month"
    if each.status == "removed":
        return f"removed, {signed_usd(each.delta_usd_per_month)} USD/month"
    if not each.delta_usd_per_month:
        return f"{usd(each.usd_per_month_after)} USD/month as before"
    change = f"{usd(each.usd_per_month_before)} → {usd(each.usd_per_month_after)} USD/month"
    note = f", {WITHIN}" if each.within_error else ""
    return f"{change} ({signed_percent(each.delta_fraction)}{note})"


def moves(metric: MetricChange) -> bool:
    """Tell whether a figure beside the cost differs once it is written: ``99 % → 99 %`` tells a reader nothing."""
    return _value(metric.name, metric.before) != _value(metric.name, metric.after)


def metric_words(metric: MetricChange) -> tuple[str, str, str]:
    """Return a figure beside the cost: its name, its change, and what to think of it."""
    name = METRICS[metric.name]
    if metric.name == "tier_headroom_fraction":
        name = f"{name}, {metric.subject}"
    change = f"{_value(metric.name, metric.before)} → {_value(metric.name, metric.after)}"
    note = WITHIN if metric.within_error else "" if metric.verdict in {"neither", "same"} else metric.verdict
    return name, change, note


def _value(name: MetricName, value: Band | float | None) -> str:
    if value is None:
        return UNKNOWN
    number = value.value if isinstance(value, Band) else value
    if name.endswith("_s"):
        return duration(number)
    if name.endswith("_fraction"):
        return percent(number, 0)
    return count(number) if name == "break_even_requests_per_day" else usd_each(number)
