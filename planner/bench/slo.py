"""Whether a run holds its limits. Pure."""

from __future__ import annotations

from planner.specs.measured.measurement import RunResult


def misses_slo(result: RunResult) -> bool:
    """Return whether any point misses any limit; of a search, whether no rate was shown to hold."""
    if any(point.verdict is not None for point in result.points):
        return not any(point.verdict == "holds" for point in result.points)
    return any(not point.holds(target) for point in result.points for target in result.manifest.slo)
