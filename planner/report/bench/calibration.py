"""Calibrations on the screen and as files: predicted against measured, and the profile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

import yaml
from rich.console import RenderableType

from planner.report.numbers import duration, percent, signed_percent
from planner.report.screen import grid, render
from planner.specs.measured.step_point import StepPoint
from planner.specs.measured.steps import HostDrift, StepSamples
from planner.specs.profiles.step import PointCheck, StepProfile

HEADER = """# Fitted by planner calibrate. Times in seconds per unit of work; low and high bound an 80 % interval.
# Measured points: sequences, context tokens, prompt tokens, prompt tokens that were in the cache.
"""
DIGITS = 5  #: significant; measured times repeat to two or three
STILL = 1.005  # of a swing: it is shown as 1.00
MOST_LEFT_OUT = 6  # unsteady points that are listed one by one


def profile_yaml(profile: StepProfile) -> str:
    """Return the profile as YAML that people commit."""
    document = _rounded(profile.model_dump(mode="json"))
    return HEADER + yaml.safe_dump(document, sort_keys=False, default_flow_style=None)


def _rounded(value: object) -> object:
    """Return a document with floats to the digits that a fit can have."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def calibration_table(
    profile: StepProfile,
    checks: Sequence[PointCheck],
    unsteady: Sequence[StepSamples],
    *,
    host: Sequence[str] = (),
    proposed: StepPoint,
    width: int,
    color: bool,
) -> str:
    """Lay out the errors by kind, the fit's terms, every held-out point, and what to measure next."""
    terms = grid("term", "per unit", "80 % interval")
    for name, term in profile.terms.items():
        terms.add_row(
            name.removesuffix("_s").replace("_", " "),
            _fine(term.value_s),
            f"{_fine(term.low_s)} to {_fine(term.high_s)}",
        )
    points = grid("held-out point", "measured", "predicted", "error")
    for label, measured_s, predicted_s in _held_out_rows(checks):
        error = predicted_s / measured_s - 1.0
        points.add_row(label, duration(measured_s), duration(predicted_s), signed_percent(error))
    left_out = _left_out(unsteady)
    weights = "synthetic weights" if profile.synthetic else "real weights"
    title = f"{profile.model} ({weights}), {profile.engine_version}, {profile.machine}"
    found = errors_by_kind(checks) or ["nothing was held out: the fit is not proven"]
    advice = f"what would tell most next: {proposed.label}"
    parts: list[RenderableType] = [title, *found, *host, *left_out, "", terms, "", points, "", advice]
    return render(*parts, width=width, color=color)


def _held_out_rows(checks: Sequence[PointCheck]) -> list[tuple[str, float, float]]:
    """Return each held-out point once; what token streams show many times is the median of its times."""
    rows = []
    for name in dict.fromkeys(check.label for check in checks if not check.used_in_fit):
        mine = [check for check in checks if check.label == name and not check.used_in_fit]
        times = f" ×{len(mine)}" if len(mine) > 1 else ""
        measured_s = median(check.measured_s for check in mine)
        rows.append((name + times, measured_s, median(check.predicted_s.value for check in mine)))
    return rows


def _left_out(unsteady: Sequence[StepSamples]) -> list[str]:
    """Say which points are not in the fit, one by one while they are few."""
    if len(unsteady) <= MOST_LEFT_OUT:
        return [f"left out: {item.point.label}: {'; '.join(item.unsteady)}" for item in unsteady]
    kinds = Counter(item.point.label.partition(" @")[0] for item in unsteady)
    named = ", ".join(f"{name} ×{count}" for name, count in sorted(kinds.items()))
    return [f"left out as unsteady: {len(unsteady)} points: {named}; was the machine busy?"]


def errors_by_kind(checks: Sequence[PointCheck]) -> list[str]:
    """Say the median error of the held-out points, for each kind of step."""
    lines = []
    for kind in ("prefill", "decode", "mixed"):
        errors = [
            abs(check.error_fraction) for check in checks if check.kind == kind and not check.used_in_fit
        ]
        if errors:
            worst = f"worst {percent(max(errors))}, n {len(errors)}"
            lines.append(f"held-out {kind}: median error {percent(median(errors))}, {worst}")
    return lines


def drift_lines(drift: HostDrift | None, uncorrected: Sequence[PointCheck] = ()) -> list[str]:
    """Say how the host's speed moved between the points, whether that was taken out, and the errors without it."""
    if drift is None:
        return []
    swings = f"p90 over p10 {drift.decode.swing:.2f} decoding, {drift.prefill.swing:.2f} in prompts"
    found = f"{drift.references} references between the points: {swings}"
    if not drift.corrected:
        still = max(drift.decode.swing, drift.prefill.swing) < STILL
        verdict = (
            "the host's speed stood still" if still else "no drift: neighbours differ like any two of them"
        )
        return [f"{found}; {verdict}"]
    together = "" if drift.together is None else f", moving together by {drift.together:.2f}"
    without = "; ".join(errors_by_kind(uncorrected)) or "nothing was held out"
    return [
        f"{found}{together}",
        f"times are at the host's middle speed; without that: {without}",
    ]


def _fine(value_s: float) -> str:
    return f"{value_s * 1e6:,.3g} µs" if value_s < 1e-3 else duration(value_s)
