"""What changes beside the cost: latency, headroom, break-even, price of one request."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from planner.formulas.bands import joint_reach_usd
from planner.specs.gate.difference import MetricChange, MetricName, Verdict
from planner.specs.gate.outcome import Band, Outcome

BETTER_WHEN: dict[MetricName, Verdict] = {  # the verdict of a figure that rises
    "ttft_p95_s": "worse",
    "tpot_p95_s": "worse",
    "tier_headroom_fraction": "better",
    "memory_headroom_fraction": "better",
    "break_even_requests_per_day": "neither",
    "usd_per_request": "worse",
}
OPPOSITE: dict[Verdict, Verdict] = {"worse": "better", "better": "worse"}


def metric_changes(before: Outcome, after: Outcome) -> Iterator[MetricChange]:
    """Yield each figure beside the cost that is not what it was."""
    for name, subject, old, new in _figures(before, after):
        if old != new:
            yield MetricChange(
                name=name,
                subject=subject,
                before=old,
                after=new,
                verdict=_verdict(name, _number(old), _number(new)),
                within_error=within_error(old, new),
            )


def _figures(
    before: Outcome, after: Outcome
) -> Iterator[tuple[MetricName, str, Band | float | None, Band | float | None]]:
    choice = after.choice or before.choice
    subject = choice.name if choice is not None else "no option"
    yield "usd_per_request", subject, _each(before), _each(after)
    yield "ttft_p95_s", subject, before.ttft_p95_s, after.ttft_p95_s
    yield "tpot_p95_s", subject, before.tpot_p95_s, after.tpot_p95_s
    for provider in sorted(before.tiers.keys() | after.tiers.keys()):
        yield "tier_headroom_fraction", provider, _headroom(before, provider), _headroom(after, provider)
    yield (
        "memory_headroom_fraction",
        subject,
        before.memory_headroom_fraction,
        after.memory_headroom_fraction,
    )
    yield (
        "break_even_requests_per_day",
        subject,
        before.break_even_requests_per_day,
        after.break_even_requests_per_day,
    )


def _each(outcome: Outcome) -> float | None:
    return None if outcome.usd_per_month is None else outcome.usd_per_month / outcome.requests_per_month


def _headroom(outcome: Outcome, provider: str) -> float | None:
    tier = outcome.tiers.get(provider)
    return 1 - tier.used_fraction if tier is not None and tier.used_fraction is not None else None


def _number(value: Band | float | None) -> float | None:
    return value.value if isinstance(value, Band) else value


def _verdict(name: MetricName, old: float | None, new: float | None) -> Verdict:
    if old is None or new is None:
        return "neither"
    if old == new:
        return "same"
    rising = BETTER_WHEN[name]
    return rising if new > old else OPPOSITE.get(rising, rising)


def cost_within_error(before: Outcome, after: Outcome) -> bool:
    """Tell whether the change of the cost is smaller than what planner does not know of it.

    Of bills at the API each uncertain input moves both sides together: that it is unknown by a third whether text
    takes 700 or 1,000 tokens says nothing against twice as much text costing twice as much. Of machines the predicted
    capacities count as independent.
    """
    old, new = before.usd_per_month, after.usd_per_month
    if old is None or new is None or old == new:
        return False
    if before.api_swings or after.api_swings:
        return _bills_within_error(before, after, new - old) if _both_by_api(before, after) else False
    return within_error(before.usd_per_month_band, after.usd_per_month_band)


def _both_by_api(*outcomes: Outcome) -> bool:
    return all(each.choice is not None and each.choice.kind == "api" for each in outcomes)


def _bills_within_error(before: Outcome, after: Outcome, delta_usd: float) -> bool:
    """Tell whether the interval of the difference of two bills holds 0."""
    inputs = sorted(before.api_swings.keys() | after.api_swings.keys())
    ends = [
        [end(after, each) - end(before, each) - delta_usd for each in inputs]
        for end in (_usd_at_low, _usd_at_high)
    ]
    at_low, at_high = np.array(ends)
    down, up = joint_reach_usd(at_low, at_high)
    return -up <= delta_usd <= down


def _usd_at_low(outcome: Outcome, name: str) -> float:
    swing = outcome.api_swings.get(name)
    return swing.at_low if swing is not None else outcome.api_usd_per_month


def _usd_at_high(outcome: Outcome, name: str) -> float:
    swing = outcome.api_swings.get(name)
    return swing.at_high if swing is not None else outcome.api_usd_per_month


def within_error(old: Band | float | None, new: Band | float | None) -> bool:
    """Tell whether a change is smaller than the prediction's own interval: each value lies in the other's."""
    if not isinstance(old, Band) or not isinstance(new, Band):
        return False
    return old.low <= new.value <= old.high and new.low <= old.value <= new.high
