"""The marks on a point that say why it should not be trusted or fitted. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from planner.bench.metrics import RequestTimes
from planner.engines.steadiness import reasons_not_to_trust
from planner.formulas.decisions import difference_interval
from planner.formulas.statistics import FEWEST_FOR_BATCHES, batch_means
from planner.specs.measured.load import LoadPoint
from planner.specs.measured.measurement import ClientHealth, Distribution, Outcome, PointFacts, RequestRecord
from planner.specs.measured.steps import Disturbance

CEILING_SHARE = 0.5  # above half of what this client can do on this machine its own delays show
LAG_SHARE_P50 = 0.05  # of the TTFT median
LAG_SHARE_P99 = 0.5
LATE_SHARE = 0.05  # of the TTFT median
LATE_FLOOR_S = 0.002  # the event loop wakes up to a millisecond late by itself
LENGTH_TOLERANCE = 0.02
CACHED_SHARE = 0.02
DRIFT_SHARE = 0.10

FLAGS = (
    "client-bound",
    "busy-machine",
    "errors",
    "no-steady-window",
    "unsteady",
    "warm-cache",
    "input-length-mismatch",
    "no-token-counts",
    "behind-schedule",
)


def point_flags(
    load: LoadPoint,
    sample: Sequence[RequestRecord],
    times: Sequence[RequestTimes],
    facts: PointFacts,
    *,
    ttft: Distribution,
    tokens_per_s: float | None,
    whole_window: bool,
) -> tuple[str, ...]:
    """Return the flags of a point, in a fixed order."""
    raised = {
        "client-bound": client_bound(facts.health, ttft_s=_median_s(ttft), tokens_per_s=tokens_per_s),
        "busy-machine": bool(foreign_reasons(facts.health)),
        "errors": any(record.reply.outcome is not Outcome.OK for record in sample),
        "no-steady-window": whole_window,
        "unsteady": _unsteady([each.tpot_s for each in times]),
        "warm-cache": _warm(load, sample, facts),
        "input-length-mismatch": _wrong_input(sample),
        "no-token-counts": _uncounted(sample),
        "behind-schedule": load.kind != "closed" and _late(sample, ttft),
    }
    return tuple(name for name in FLAGS if raised[name])


def foreign_reasons(health: ClientHealth) -> tuple[str, ...]:
    """List what else took the CPU during a point, beyond what a steady measurement bears."""
    disturbance = Disturbance(foreign_fraction=health.foreign_fraction, steal_fraction=health.steal_fraction)
    return reasons_not_to_trust((), disturbance)


def _median_s(distribution: Distribution) -> float | None:
    middle = distribution.at(0.5)
    return None if middle is None else middle.value


def client_bound(health: ClientHealth, *, ttft_s: float | None, tokens_per_s: float | None) -> bool:
    """Tell whether the client ran near its own limit: in tokens a second, or in lag beside the median TTFT."""
    ceiling = health.ceiling_tokens_per_s
    if ceiling is not None and tokens_per_s is not None and tokens_per_s > CEILING_SHARE * ceiling:
        return True
    if ttft_s is None or health.loop_lag_p50_s is None or health.loop_lag_p99_s is None:
        return False
    return health.loop_lag_p50_s > LAG_SHARE_P50 * ttft_s or health.loop_lag_p99_s > LAG_SHARE_P99 * ttft_s


def _unsteady(values: Sequence[float | None]) -> bool:
    known = np.array([value for value in values if value is not None], dtype=float)
    half = len(known) // 2
    if half < FEWEST_FOR_BATCHES:
        return False
    first, second = known[:half], known[half:]
    low, best, high = difference_interval(batch_means(first), batch_means(second), 0.99)
    return (low > 0 or high < 0) and abs(best) > DRIFT_SHARE * float(first.mean())


def _warm(load: LoadPoint, sample: Sequence[RequestRecord], facts: PointFacts) -> bool:
    if load.shared_prefix_tokens:
        return False
    usages = [record.reply.usage for record in sample]
    cached = sum(usage.cached_input_tokens or 0 for usage in usages)
    given = sum(usage.input_tokens or 0 for usage in usages)
    if cached > CACHED_SHARE * given:
        return True
    hits, queries = facts.cache.hit_tokens, facts.cache.queried_tokens
    return bool(hits and queries and hits > CACHED_SHARE * queries)


def _wrong_input(sample: Sequence[RequestRecord]) -> bool:
    pairs = [
        (record.reply.usage.input_tokens, record.input_tokens)
        for record in sample
        if record.reply.usage.input_tokens is not None
    ]
    counted, asked = sum(pair[0] or 0 for pair in pairs), sum(pair[1] for pair in pairs)
    return bool(pairs) and abs(counted - asked) > LENGTH_TOLERANCE * asked


def _uncounted(sample: Sequence[RequestRecord]) -> bool:
    fine = [record.reply for record in sample if record.reply.outcome is Outcome.OK]
    return any(reply.usage.output_tokens is None and not reply.counted_tokens for reply in fine)


def _late(sample: Sequence[RequestRecord], ttft: Distribution) -> bool:
    middle = _median_s(ttft)
    waits = [
        (record.reply.stamps.sent_ns - record.reply.stamps.scheduled_ns) / 1e9
        for record in sample
        if record.reply.stamps.sent_ns is not None
    ]
    return (
        middle is not None and bool(waits) and float(np.mean(waits)) > max(LATE_FLOOR_S, LATE_SHARE * middle)
    )
