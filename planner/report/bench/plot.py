"""Latency against load as a picture: percentiles of TTFT and TPOT by load, with the limits of the SLO."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from planner.errors import EngineError, UsageError
from planner.report.bench.verdict import load_text
from planner.specs.measured.load import LoadPoint
from planner.specs.measured.measurement import PointResult, RunResult
from planner.units import MS_PER_S

FORMATS = (".png", ".svg")
METRICS = (("ttft_s", "time to first token [ms]"), ("tpot_s", "time per output token [ms]"))
FRACTIONS = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
SIZE_INCHES = (9.0, 4.0)
DOTS_PER_INCH = 120


def check_plot(path: Path) -> None:
    """Refuse a plot that could not be written, before anything is measured.

    Raises
    ------
    UsageError
        For an ending that is neither PNG nor SVG.
    EngineError
        Without matplotlib.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"cannot plot to {path.name}", cure="name it .png or .svg")
    _matplotlib()


def write_plot(result: RunResult, path: Path) -> None:
    """Write latency against load as PNG or SVG, as the name of the file says.

    Raises
    ------
    UsageError
        For another ending, or when the file cannot be written.
    EngineError
        Without matplotlib.
    """
    check_plot(path)
    figure = _matplotlib().Figure(figsize=SIZE_INCHES, layout="constrained")
    points = sorted(result.points, key=lambda point: _load(point.load))
    for axes, (metric, label) in zip(figure.subplots(1, len(METRICS)), METRICS, strict=True):
        _curves(axes, points, metric)
        for target in result.manifest.slo:
            if target.metric == metric:
                text = f"SLO p{target.fraction * 100:g} {target.limit_s * MS_PER_S:g} ms"
                axes.axhline(target.limit_s * MS_PER_S, color="crimson", linestyle="--", label=text)
        axes.set_xlabel(_axis(points))
        axes.set_ylabel(label)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend()
    engine = result.manifest.engine
    figure.suptitle(f"{engine.model} on {engine.name} {engine.version or ''}".rstrip())
    try:
        figure.savefig(path, dpi=DOTS_PER_INCH)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def _curves(axes: Any, points: Sequence[PointResult], metric: str) -> None:  # noqa: ANN401 - matplotlib's Axes
    for fraction, name in FRACTIONS:
        found = [(_load(point.load), getattr(point, metric).at(fraction)) for point in points]
        known = [(load, item.value * MS_PER_S) for load, item in found if item is not None]
        axes.plot([load for load, _ in known], [value for _, value in known], marker="o", label=name)
    if any("client-bound" in point.flags for point in points):
        axes.set_title("some points are client-bound", fontsize="small", color="crimson")


def _load(load: LoadPoint) -> float:
    return float(load.rate_requests_per_s or load.concurrency or 0)


def _axis(points: Sequence[PointResult]) -> str:
    if all(point.load.kind == "closed" for point in points):
        return "requests in flight"
    if all(point.load.rate_requests_per_s is not None for point in points):
        return "requests/s"
    return ", ".join(load_text(point.load) for point in points)


def _matplotlib() -> Any:  # noqa: ANN401 - an extra
    """Return matplotlib's figure module: no display, no global state."""
    try:
        from matplotlib import figure  # noqa: PLC0415 - an extra, and slow to import
    except ModuleNotFoundError as error:
        raise EngineError(
            "a plot needs matplotlib", cure="pip install 'llm-capacity-planner[report]'"
        ) from error
    return figure
