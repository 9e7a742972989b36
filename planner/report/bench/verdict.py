"""The answer of a measurement in its first lines: the highest rate that a search has found, or which loads hold the limits."""

from __future__ import annotations

from planner.report.numbers import duration
from planner.specs.measured.load import HELD_OUT_SETTING, REFERENCE_SETTING, LoadPoint, SloTarget
from planner.specs.measured.measurement import PointResult, RunResult

METRICS = {"ttft_s": "TTFT", "tpot_s": "TPOT", "itl_s": "ITL", "e2e_s": "E2E"}


def load_text(load: LoadPoint) -> str:
    """Name a load in a few words."""
    if load.kind == "closed":
        return f"{load.concurrency} in flight"
    return load.kind if load.rate_requests_per_s is None else f"{load.kind} {load.rate_requests_per_s:.3g}/s"


def point_names(result: RunResult) -> tuple[str, ...]:
    """Name the points of a run; those of a calibration with what they are for."""
    settings = result.manifest.settings
    roles = {
        number: role
        for setting, role in ((REFERENCE_SETTING, "reference"), (HELD_OUT_SETTING, "held out"))
        for number in str(settings.get(setting) or "").split(",")
    }
    return tuple(
        ", ".join((load_text(point.load), *filter(None, (roles.get(str(number)),))))
        for number, point in enumerate(result.points)
    )


def max_rate(result: RunResult) -> float | None:
    """Return the highest rate that a search has shown to hold the limits. [requests/s]"""
    rates = [point.load.rate_requests_per_s or 0.0 for point in result.points if point.verdict == "holds"]
    return max(rates, default=None)


def verdict_lines(result: RunResult) -> list[str]:
    """Say what was asked: of a search its rate, else of each limit the loads that hold it; nothing without limits."""
    probes = [point for point in result.points if point.verdict is not None]
    if not probes:
        return [_held(result.points, target) for target in result.manifest.slo if result.points]
    found = max_rate(result)
    best = f"{found:.3g} requests/s" if found is not None else "none of the probed rates"
    steps = ", ".join(f"{point.load.rate_requests_per_s:.3g}/s {point.verdict}" for point in probes)
    lines = [f"[head]highest rate that holds the limits: {best}[/]", f"[dim]probes: {steps}[/]"]
    if any(point.verdict == "open" for point in probes):
        lines.append("[warn]open: its requests did not decide it; --requests raises their number[/]")
    return lines


def _held(points: tuple[PointResult, ...], target: SloTarget) -> str:
    limit = f"{METRICS[target.metric]} p{100 * target.fraction:g} within {duration(target.limit_s)}"
    good = [load_text(point.load) for point in points if point.holds(target)]
    bad = [load_text(point.load) for point in points if not point.holds(target)]
    if not bad:
        return f"[good]{limit}: held{' at every load' if len(good) > 1 else ''}[/]"
    if not good:
        return f"[bad]{limit}: missed{' at every load' if len(bad) > 1 else ''}[/]"
    return f"[bad]{limit}: missed at {', '.join(bad)}; held at {', '.join(good)}[/]"
