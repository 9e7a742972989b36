"""The highest rate that holds the limits: doubling, then halving the gap; every probe ends when it is decided. Pure.

A probe may be judged after every request, because the evidence is a likelihood ratio that stays small for ever
under the tested miss rate. "Holds" also needs time: a queue that grows slowly looks fine at first, so the probe
must have run for several latencies, and no more requests may be in flight in its second half than in its first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from planner.bench.metrics import request_times
from planner.formulas.decisions import sequential_evidence
from planner.records import dataclass
from planner.specs.measured.load import SloTarget
from planner.specs.measured.measurement import Outcome, RequestRecord, Verdict
from planner.units import NS_PER_S

ERROR_FRACTION = 0.05  # α of each decision (chosen)
LEAST_LATENCIES = 10  # a probe must last this many mean latencies before it can hold (chosen)
GROWTH = 1.25  # more in flight than this, against the first half, is a growing queue (chosen)
GROWTH_FLOOR = 2.0
DEEPEST = 64  # a server that misses at this fraction of the first rate misses unloaded, and no rate will do (chosen)
RESOLUTION = 1.1  # stop when the lowest bad rate is this close to the highest good one


class ProbeJudge:
    """Judges one probe as its requests end."""

    def __init__(self, slo: Sequence[SloTarget]) -> None:
        self._slo = tuple(slo)
        self._misses: Counter[SloTarget] = Counter()
        self._samples = 0
        self._spans: list[tuple[int, int]] = []

    def add(self, record: RequestRecord) -> Verdict | None:
        """Take a request and return the verdict, once there is one."""
        stamps = record.reply.stamps
        self._spans.append((stamps.scheduled_ns, stamps.done_ns))
        if record.phase == "ramp":
            return None
        self._samples += 1
        for target in self._slo:
            self._misses[target] += misses_limit(record, target)
        return self._verdict()

    def _verdict(self) -> Verdict | None:
        verdicts = [self._verdict_of(target) for target in self._slo]
        if "misses" in verdicts:
            return "misses"
        return "holds" if all(each == "holds" for each in verdicts) and self._settled() else None

    def _verdict_of(self, target: SloTarget) -> Verdict | None:
        allowed = 1 - target.fraction
        misses = self._misses[target]
        if sequential_evidence(misses, self._samples, allowed) < 1 / ERROR_FRACTION:
            return None
        return "holds" if misses < allowed * self._samples else "misses"

    def _settled(self) -> bool:
        """Return whether the probe ran long enough, with no more in flight in its second half."""
        start = min(span[0] for span in self._spans)
        end = max(span[0] for span in self._spans)
        latency = sum(span[1] - span[0] for span in self._spans) / len(self._spans)
        if end - start < LEAST_LATENCIES * latency:
            return False
        middle = (start + end) // 2
        first, second = (_in_flight(self._spans, *half) for half in ((start, middle), (middle, end)))
        return second <= GROWTH * first + GROWTH_FLOOR


def _in_flight(spans: Sequence[tuple[int, int]], low: int, high: int) -> float:
    """Return the mean number of requests in flight between two times. [requests]"""
    return sum(max(0, min(end, high) - max(start, low)) for start, end in spans) / max(1, high - low)


def misses_limit(record: RequestRecord, target: SloTarget) -> bool:
    """Return whether a request failed or was over the limit, counted from when it should have been sent."""
    if record.reply.outcome is not Outcome.OK:
        return True
    times = request_times(record.reply)
    if target.metric == "itl_s":
        return max(times.itl_s, default=0.0) > target.limit_s
    value = getattr(times, target.metric)
    if value is None:
        return False
    stamps = record.reply.stamps
    waited_s = max(0, (stamps.sent_ns or 0) - stamps.scheduled_ns) / NS_PER_S
    return bool(value + (waited_s if target.metric != "tpot_s" else 0.0) > target.limit_s)


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchState:
    """The rates known to hold and known not to, in requests per second."""

    good_requests_per_s: float | None = None
    bad_requests_per_s: float | None = None

    def after(self, rate: float, verdict: Verdict) -> SearchState:
        """Return the state with one more probe; an undecided one counts as not shown to hold."""
        if verdict == "holds":
            return SearchState(good_requests_per_s=rate, bad_requests_per_s=self.bad_requests_per_s)
        return SearchState(good_requests_per_s=self.good_requests_per_s, bad_requests_per_s=rate)

    def next_rate(self, start: float) -> float | None:
        """Return the rate to probe, ``None`` when the highest good one is known closely enough."""
        good, bad = self.good_requests_per_s, self.bad_requests_per_s
        if good is None:
            lower = start if bad is None else bad / 2
            return lower if lower * DEEPEST >= start else None
        if bad is None:
            return good * 2
        return None if bad / good <= RESOLUTION else float(f"{(good * bad) ** 0.5:.3g}")
