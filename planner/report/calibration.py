"""Calibrations on the screen and as files: predicted against measured, and the profile."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

import yaml

from planner.report.numbers import duration, percent
from planner.report.screen import grid, render
from planner.specs.step_profile import PointCheck, StepProfile
from planner.specs.steps import StepSamples

HEADER = """# Fitted by planner calibrate. Times in seconds per unit of work; low and high bound an 80 % interval.
# Measured points: sequences, context tokens, prompt tokens, prompt tokens that were in the cache.
"""
DIGITS = 5


def profile_yaml(profile: StepProfile) -> str:
    """Return the profile as YAML that people commit."""
    document = _rounded(profile.model_dump(mode="json"))
    return HEADER + yaml.safe_dump(document, sort_keys=False, default_flow_style=None)


def _rounded(value: Any) -> Any:  # noqa: ANN401 - any part of a document
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
    width: int,
    color: bool,
) -> str:
    """Lay out the fit's terms, every held-out point, and the errors by kind."""
    terms = grid("term", "per unit", "80 % interval")
    for name, term in profile.terms.items():
        terms.add_row(
            name.removesuffix("_s").replace("_", " "),
            _fine(term.value_s),
            f"{_fine(term.low_s)} to {_fine(term.high_s)}",
        )
    points = grid("held-out point", "measured", "predicted", "error")
    for check in checks:
        if not check.used_in_fit:
            predicted = duration(check.predicted_s.value)
            points.add_row(check.label, duration(check.measured_s), predicted, f"{check.error_fraction:+.1%}")
    left_out = [f"left out: {item.point.label}: {'; '.join(item.unsteady)}" for item in unsteady]
    label = "synthetic weights" if profile.synthetic else "real weights"
    title = f"{profile.model} ({label}), {profile.engine_version}, {profile.machine}"
    return render(
        title, "", terms, "", points, "", *errors_by_kind(checks), *left_out, width=width, color=color
    )


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


def _fine(value_s: float) -> str:
    return f"{value_s * 1e6:,.3g} µs" if value_s < 1e-3 else duration(value_s)
