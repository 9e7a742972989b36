"""From the records of a point to its result: distributions, steady window, goodput, flags. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from planner.bench.flags import point_flags
from planner.bench.metrics import RequestTimes, output_tokens, request_times
from planner.formulas.statistics import (
    effective_samples,
    mean_interval,
    percentile_interval,
    percentile_s,
)
from planner.specs.measured.load import LoadPoint, SloTarget
from planner.specs.measured.measurement import (
    Distribution,
    Interval,
    Outcome,
    PercentileValue,
    PointFacts,
    PointResult,
    RequestCounts,
    RequestRecord,
    SteadyWindow,
)
from planner.units import NS_PER_S

CONFIDENCE = 0.95
PERCENTILES = (0.5, 0.9, 0.95, 0.99)
LEAST_WINDOW_SHARE = 0.3  # a window shorter than this share of the point says little about it (chosen)
STEADY_RULE = "from the first request after the ramp to the last one sent, before the drain"
WHOLE_RULE = "the whole point, ramp and drain included: too short for a steady window"


def distribution(values: Iterable[float | None]) -> Distribution:
    """Return the distribution of ``values``, given in order of time; ``None`` entries are left out."""
    sample = np.array([value for value in values if value is not None], dtype=float)
    if not len(sample):
        return Distribution(n=0)
    worth = effective_samples(sample)
    percentiles = tuple(
        PercentileValue(
            fraction=fraction,
            value=percentile_s(sample, fraction),
            interval=_interval(
                percentile_interval(sample, fraction, samples=worth, confidence_fraction=CONFIDENCE)
            ),
        )
        for fraction in PERCENTILES
    )
    return Distribution(
        n=len(sample),
        effective_n=worth,
        mean=float(sample.mean()),
        mean_interval=_interval(mean_interval(sample, CONFIDENCE)),
        percentiles=percentiles,
    )


def _interval(pair: tuple[float, float] | None) -> Interval | None:
    return None if pair is None else Interval(low=pair[0], high=pair[1])


def is_good(record: RequestRecord, times: RequestTimes, slo: Sequence[SloTarget]) -> bool:
    """Return whether a request is ok and meets every limit by itself. A failure never is."""
    if record.reply.outcome is not Outcome.OK:
        return False
    for target in slo:
        value = max(times.itl_s, default=None) if target.metric == "itl_s" else getattr(times, target.metric)
        if value is not None and value > target.limit_s:
            return False
    return True


def count_outcomes(records: Sequence[RequestRecord]) -> RequestCounts:
    """Return how the requests ended; none vanishes."""
    by_error = Counter(str(record.reply.outcome) for record in records)
    ok = by_error.pop(str(Outcome.OK), 0)
    return RequestCounts(ok=ok, failed=sum(by_error.values()), by_error=dict(sorted(by_error.items())))


def steady_window(records: Sequence[RequestRecord], facts: PointFacts) -> SteadyWindow:
    """Return the time in which throughput is counted."""
    start_ns = facts.start_ns
    ends = [record.reply.stamps.done_ns for record in records]
    sent = [_sent_ns(record) for record in records]
    steady = [at for at, record in zip(sent, records, strict=True) if record.phase == "steady"]
    whole = SteadyWindow(
        start_s=0.0, end_s=(max(ends, default=start_ns) - start_ns) / NS_PER_S, rule=WHOLE_RULE
    )
    if not steady or len(steady) == len(records):
        return whole
    low, high = ((at - start_ns) / NS_PER_S for at in (min(steady), max(sent)))
    if high - low < LEAST_WINDOW_SHARE * whole.end_s:
        return whole
    return SteadyWindow(start_s=low, end_s=high, rule=STEADY_RULE)


def _tokens_between(records: Sequence[RequestRecord], low_ns: float, high_ns: float) -> float:
    """Count the output tokens that arrived in the window, those of ramp requests included. [tokens]"""
    total = 0.0
    for record in records:
        stamps = record.reply.stamps
        seen = sum(stamps.chunk_tokens)
        inside = sum(
            tokens
            for at, tokens in zip(stamps.chunk_ns, stamps.chunk_tokens, strict=True)
            if tokens and low_ns < at <= high_ns
        )
        total += inside * output_tokens(record.reply) / seen if seen else 0.0
    return total


def summarize_point(
    load: LoadPoint,
    records: Sequence[RequestRecord],
    facts: PointFacts,
    *,
    slo: Sequence[SloTarget] = (),
    convention: str = "planner",
) -> PointResult:
    """Return the result of a point. Other tools' conventions have no ramp: there all requests count."""
    ordered = sorted(records, key=lambda record: record.reply.stamps.done_ns)
    ours = convention == "planner"
    sample = [record for record in ordered if record.phase == "steady" or not ours]
    times = [request_times(record.reply, convention) for record in sample]
    window = steady_window(ordered, facts)
    good = sum(is_good(record, each, slo) for record, each in zip(sample, times, strict=True))
    good_fraction = good / len(sample) if sample else None
    rates = _rates(ordered, facts, window)
    distributions = _distributions(sample, times)
    return PointResult(
        load=load,
        requests=count_outcomes(ordered),
        **distributions,
        input_tokens_mean=_mean([record.reply.usage.input_tokens for record in sample]),
        output_tokens_mean=_mean(
            [output_tokens(record.reply) for record in sample if record.reply.outcome is Outcome.OK]
        ),
        window=window,
        requests_per_s=rates[0],
        output_tokens_per_s=rates[1],
        output_tokens_per_s_total=rates[2],
        goodput_requests_per_s=None
        if rates[0] is None or good_fraction is None
        else rates[0] * good_fraction,
        good_fraction=good_fraction,
        health=facts.health,
        cache=facts.cache,
        stopped=facts.stopped,
        verdict=facts.verdict,
        gpu=facts.gpu,
        flags=point_flags(
            load,
            sample,
            times,
            facts,
            ttft=distributions["ttft_s"],
            tokens_per_s=rates[2],
            whole_window=window.rule == WHOLE_RULE,
        ),
    )


def _distributions(sample: Sequence[RequestRecord], times: Sequence[RequestTimes]) -> dict[str, Distribution]:
    waits = [_wait_s(record) for record in sample]
    return {
        "ttft_s": distribution(each.ttft_s for each in times),
        "ttft_scheduled_s": distribution(
            None if each.ttft_s is None else each.ttft_s + wait
            for each, wait in zip(times, waits, strict=True)
        ),
        "tpot_s": distribution(each.tpot_s for each in times),
        "itl_s": distribution(gap for each in times for gap in each.itl_s),
        "e2e_s": distribution(each.e2e_s for each in times),
        "e2e_scheduled_s": distribution(
            None if each.e2e_s is None else each.e2e_s + wait for each, wait in zip(times, waits, strict=True)
        ),
    }


def _wait_s(record: RequestRecord) -> float:
    return max(0, _sent_ns(record) - record.reply.stamps.scheduled_ns) / NS_PER_S


def _sent_ns(record: RequestRecord) -> int:
    """Return when a request was sent, or would have been had the server been there. [ns]"""
    stamps = record.reply.stamps
    return stamps.ready_ns if stamps.sent_ns is None else stamps.sent_ns


def _rates(
    records: Sequence[RequestRecord], facts: PointFacts, window: SteadyWindow
) -> tuple[float | None, float | None, float | None]:
    """Return ended requests and tokens per second in the window, and tokens per second of the whole point."""
    length_s = window.end_s - window.start_s
    if not records or length_s <= 0:
        return None, None, None
    low, high = (facts.start_ns + at * NS_PER_S for at in (window.start_s, window.end_s))
    ended = sum(low < record.reply.stamps.done_ns <= high for record in records)
    end_ns = max(record.reply.stamps.done_ns for record in records)
    whole_s = (end_ns - facts.start_ns) / NS_PER_S
    total = _tokens_between(records, facts.start_ns, end_ns)
    return ended / length_s, _tokens_between(records, low, high) / length_s, total / whole_s


def _mean(values: Sequence[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
