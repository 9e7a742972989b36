"""Whether a measured point holds its limits. Pure."""

from __future__ import annotations

from planner.specs.measured.load import SloTarget
from planner.specs.measured.measurement import Distribution, PointResult, RunResult

PERCENTILE_DIGITS = 6


def holds(point: PointResult, target: SloTarget) -> bool:
    """Return whether the measured percentile is at or under its limit; failed requests count as over it."""
    sample: Distribution = getattr(point, target.metric)
    item = sample.at(round(target.fraction, PERCENTILE_DIGITS))
    total = point.requests.ok + point.requests.failed
    too_many_failed = total > 0 and point.requests.failed / total > 1 - target.fraction
    return item is not None and item.value <= target.limit_s and not too_many_failed


def misses_slo(result: RunResult) -> bool:
    """Return whether any point misses any limit; of a search, whether no rate was shown to hold."""
    if any(point.verdict is not None for point in result.points):
        return not any(point.verdict == "holds" for point in result.points)
    return any(not holds(point, target) for point in result.points for target in result.manifest.slo)
