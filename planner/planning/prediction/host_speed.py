"""The host's speed while steps were measured: how it moved, and the same times at one speed.

A virtual machine runs faster and slower with its neighbours, over minutes, though every point is steady in itself. Two
short reference steps measured between the points show it (docs/decisions/0052-a-reference-between-the-points.md). The one
waits for memory, the other computes; each corrects the points of its kind. Times are brought to the middle speed of the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log, sqrt
from statistics import median
from typing import Literal

import numpy as np

from planner.formulas.drift import roughness, swing
from planner.planning.prediction.step_work import KERNEL_ROWS
from planner.specs.base import Notice
from planner.specs.measured.agreement import HostComparison
from planner.specs.measured.step_point import StepPoint
from planner.specs.measured.steps import HostDrift, HostSpeed, SpeedAround, SpeedSeries, StepRun, StepSamples
from planner.specs.profiles.step import ReferenceTimes, StepProfile
from planner.units import FloatArray

DECODE_REFERENCE = StepPoint(sequences=1, repetitions=8)
PREFILL_REFERENCE = StepPoint(prompt_tokens=16, repetitions=3)
FEWEST_REFERENCES = 6
# Of a reference's p90 over its p10: below it nothing is corrected; a reference repeats to some 2 % on a quiet host.
SWING_LIMIT = 1.05
# A series without drift has 2, and at 28 references falls below this once in a hundred times (deviation 0.37).
ROUGHNESS_LIMIT = 1.15
SHIFT_LIMIT = 1.15  # of the references around a point: above it nobody knows at which speed it was measured
Kind = Literal["decode", "prefill"]


def reference_kind(point: StepPoint) -> Kind:
    """Return which reference a point goes by: few rows wait for the weights to be read, more of them compute."""
    return "decode" if not point.prompt_tokens and point.sequences < KERNEL_ROWS else "prefill"


def reference_s(speed: HostSpeed, kind: Kind) -> float:
    """Return the time of one reference [s]."""
    return speed.decode_s if kind == "decode" else speed.prefill_s


def shifted(point: StepPoint, before: HostSpeed, after: HostSpeed) -> tuple[str, ...]:
    """List the reason not to trust a point when the host's speed changed while it was measured."""
    kind = reference_kind(point)
    earlier, later = reference_s(before, kind), reference_s(after, kind)
    ratio = max(earlier, later) / min(earlier, later)
    return (f"the host's speed moved by {100 * (ratio - 1):.0f} % meanwhile",) if ratio > SHIFT_LIMIT else ()


def drift_of(run: StepRun) -> HostDrift | None:
    """Return how the references of a run moved; ``None`` where there are too few of them."""
    speeds = _series(run.samples)
    if len(speeds) < FEWEST_REFERENCES:
        return None
    decode = np.array([speed.decode_s for speed in speeds])
    prefill = np.array([speed.prefill_s for speed in speeds])
    still = min(float(np.ptp(decode)), float(np.ptp(prefill))) == 0.0
    return HostDrift(
        references=len(speeds),
        decode=_speed_series(decode),
        prefill=_speed_series(prefill),
        together=None if still else float(np.corrcoef(np.log(decode), np.log(prefill))[0, 1]),
    )


def at_one_speed(run: StepRun) -> StepRun:
    """Return a run with its times at the middle speed of the host, where that drifted, and each point once."""
    drift = drift_of(run)
    if drift is None:
        return pooled(run)
    return pooled(replace(run, samples=tuple(_corrected(item, drift) for item in run.samples)))


def pooled(run: StepRun) -> StepRun:
    """Return a run with the visits of each point as one; an unsteady visit counts only where all were.

    Samples without references, those of token streams, stay apart.
    """
    visits: dict[object, list[StepSamples]] = {}
    for number, item in enumerate(run.samples):
        visits.setdefault((item.point, item.held_out) if item.before else number, []).append(item)
    return replace(run, samples=tuple(_join(own) for own in visits.values()))


def reference_of(drift: HostDrift | None) -> ReferenceTimes | None:
    """Return the middle speed of a run, which the times of ``at_one_speed`` hold for."""
    if drift is None:
        return None
    return ReferenceTimes(decode_s=drift.decode.middle_s, prefill_s=drift.prefill.middle_s)


def compared_hosts(profile: StepProfile, around: SpeedAround | None) -> HostComparison | None:
    """Return how slow the host was around a run, against the profile's; ``None`` where either is unknown."""
    if profile.reference is None or around is None:
        return None
    reference, before, after = profile.reference, around.before, around.after
    return HostComparison(
        decode_before=before.decode_s / reference.decode_s,
        decode_after=after.decode_s / reference.decode_s,
        prefill_before=before.prefill_s / reference.prefill_s,
        prefill_after=after.prefill_s / reference.prefill_s,
    )


def host_notices(host: HostComparison | None) -> tuple[Notice, ...]:
    """Say that a run was measured on a host of another speed than its profile."""
    if host is None:
        return ()
    decode, prefill = host.slowness.few_rows, host.slowness.more_rows
    if max(abs(log(decode)), abs(log(prefill))) <= log(SWING_LIMIT):
        return ()
    message = f"the host's steps took {decode:.2f} (decoding) and {prefill:.2f} (prompts) times as long as for the profile"
    return (Notice(code="host-speed", message=message, cure="measure profile and load within minutes"),)


def _series(samples: Sequence[StepSamples]) -> list[HostSpeed]:
    """Return all references in order of time; the one after a point is often the one before the next."""
    series: list[HostSpeed] = []
    for item in samples:
        if item.before is not None and item.after is not None:
            known = bool(series) and series[-1] == item.before
            series += [item.after] if known else [item.before, item.after]
    return series


def _speed_series(times_s: FloatArray) -> SpeedSeries:
    span, rough = swing(times_s), roughness(times_s)
    moved = span > SWING_LIMIT
    return SpeedSeries(
        middle_s=float(np.median(times_s)),
        swing=span,
        roughness=rough,
        moved=moved,
        corrected=moved and rough < ROUGHNESS_LIMIT,
    )


def _corrected(item: StepSamples, drift: HostDrift) -> StepSamples:
    kind = reference_kind(item.point)
    series = drift.decode if kind == "decode" else drift.prefill
    if item.before is None or item.after is None or not series.corrected:
        return item
    slowness = sqrt(reference_s(item.before, kind) * reference_s(item.after, kind)) / series.middle_s
    return replace(item, times_s=tuple(time_s / slowness for time_s in item.times_s))


def _join(visits: Sequence[StepSamples]) -> StepSamples:
    """Return one sample of a point; each time is the median of that step over the visits."""
    good = [item for item in visits if not item.unsteady] or list(visits[:1])
    if len(good) == 1:
        return good[0]
    times = zip(*(item.times_s for item in good), strict=True)
    return replace(good[0], times_s=tuple(median(each) for each in times))
