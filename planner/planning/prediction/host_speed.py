"""The host's speed while steps were measured: how it moved, and the same times at one speed.

A virtual machine runs faster and slower with its neighbours, over minutes, though every point is steady in itself. Two
short reference steps measured between the points show it (docs/decisions/0052-a-reference-between-the-points.md). The one
waits for memory, the other computes; each corrects the points of its kind. Times are brought to the middle speed of the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp, log, sqrt
from statistics import median

import numpy as np

from planner.formulas.drift import roughness, roughness_limit, swing, upper_fence
from planner.planning.prediction.step_work import KERNEL_ROWS
from planner.specs.base import Notice
from planner.specs.measured.agreement import HostComparison
from planner.specs.measured.step_point import StepPoint
from planner.specs.measured.steps import (
    HostDrift,
    HostSpeed,
    ReferenceKind,
    SpeedAround,
    SpeedSeries,
    StepRun,
    StepSamples,
)
from planner.specs.profiles.step import ReferenceTimes, StepProfile
from planner.units import FloatArray, percent

DECODE_REFERENCE = StepPoint(sequences=1, repetitions=8)
PREFILL_REFERENCE = StepPoint(prompt_tokens=16, repetitions=3)
FEWEST_REFERENCES = 6
FEWEST_TIMES = 3  # of one kind of step in token streams that make a point
CONTEXT_BAND_TOKENS = 64  # steps of token streams whose contexts differ by less are one point (chosen)


def reference_kind(point: StepPoint, *, from_streams: bool = False) -> ReferenceKind:
    """Return which reference a point goes by: few rows wait for the weights to be read, more of them compute.

    A server's decoding steps are told from its prompts only: nobody knows how many rows its kernels compute at once.
    """
    waits = from_streams or point.sequences < KERNEL_ROWS
    return "decode" if not point.prompt_tokens and waits else "prefill"


def reference_s(speed: HostSpeed, kind: ReferenceKind) -> float:
    """Return the time of one reference [s]."""
    return speed.decode_s if kind == "decode" else speed.prefill_s


def shifted(item: StepSamples, drift: HostDrift | None) -> tuple[str, ...]:
    """List the reason not to trust a point when the host's speed changed meanwhile by more than it usually does."""
    if item.before is None or item.after is None or drift is None:
        return ()
    kind = reference_kind(item.point, from_streams=item.from_streams)
    change = exp(_change(item.before, item.after, kind)) - 1.0
    if change <= drift.series(kind).fence_fraction:
        return ()
    return (f"the host's speed moved by {percent(change)} meanwhile",)


def drift_of(run: StepRun) -> HostDrift | None:
    """Return how the references of a run moved; ``None`` where there are too few of them."""
    return drift_between(_pairs(run.samples))


def drift_between(pairs: Sequence[tuple[HostSpeed, HostSpeed]]) -> HostDrift | None:
    """Return how the references around points moved, in order of time; ``None`` where there are too few of them."""
    speeds = _series(pairs)
    if len(speeds) < FEWEST_REFERENCES:
        return None
    decode = np.array([speed.decode_s for speed in speeds])
    prefill = np.array([speed.prefill_s for speed in speeds])
    still = min(float(np.ptp(decode)), float(np.ptp(prefill))) == 0.0
    return HostDrift(
        references=len(speeds),
        decode=_speed_series(decode, [_change(*pair, "decode") for pair in pairs]),
        prefill=_speed_series(prefill, [_change(*pair, "prefill") for pair in pairs]),
        together=None if still else float(np.corrcoef(np.log(decode), np.log(prefill))[0, 1]),
    )


def at_one_speed(run: StepRun) -> StepRun:
    """Return a run with its times at the middle speed of the host, where that drifted, and each point once.

    A visit during which the speed moved as at no other time is unsteady.
    """
    drift = drift_of(run)
    if drift is None:
        return pooled(run)
    doubted = (replace(item, unsteady=item.unsteady or shifted(item, drift)) for item in run.samples)
    return pooled(replace(run, samples=tuple(_corrected(item, drift) for item in doubted)))


def pooled(run: StepRun) -> StepRun:
    """Return a run with the visits of each point as one; an unsteady visit counts only where all were.

    Timed samples without references stay apart, and rare steps of token streams are left out.
    """
    visits: dict[object, list[StepSamples]] = {}
    for number, item in enumerate(run.samples):
        visits.setdefault(_likeness(item, number), []).append(item)
    joined = (_join(own) for own in visits.values())
    return replace(
        run,
        samples=tuple(item for item in joined if not item.from_streams or len(item.times_s) >= FEWEST_TIMES),
    )


def _likeness(item: StepSamples, number: int) -> object:
    """Return what the visits of one point have in common."""
    if not item.from_streams:
        return (item.point, item.held_out) if item.before else number
    point = item.point
    band = 0 if point.prompt_tokens else point.context_tokens // CONTEXT_BAND_TOKENS
    return point.sequences, point.prompt_tokens, point.arrival, band, item.held_out


def reference_of(drift: HostDrift | None) -> ReferenceTimes | None:
    """Return the middle speed of a run, which the times of ``at_one_speed`` hold for."""
    if drift is None:
        return None
    decode, prefill = drift.decode, drift.prefill
    return ReferenceTimes(
        decode_s=decode.middle_s,
        prefill_s=prefill.middle_s,
        decode_range_s=(decode.low_s, decode.high_s),
        prefill_range_s=(prefill.low_s, prefill.high_s),
    )


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
        unlike=_outside(reference.decode_range_s, before.decode_s, after.decode_s)
        or _outside(reference.prefill_range_s, before.prefill_s, after.prefill_s),
    )


def _outside(range_s: tuple[float, float] | None, before_s: float, after_s: float) -> bool:
    """Tell whether the middle of two references lies outside of the 80 % that a profile has seen."""
    return range_s is not None and not range_s[0] <= sqrt(before_s * after_s) <= range_s[1]


def host_notices(host: HostComparison | None) -> tuple[Notice, ...]:
    """Say that a run was measured on a host of another speed than its profile has seen."""
    if host is None or not host.unlike:
        return ()
    decode, prefill = host.slowness.few_rows, host.slowness.more_rows
    message = f"the host's steps took {decode:.2f} (decoding) and {prefill:.2f} (prompts) times as long as for the profile"
    return (Notice(code="host-speed", message=message, cure="measure profile and load within minutes"),)


def _pairs(samples: Sequence[StepSamples]) -> list[tuple[HostSpeed, HostSpeed]]:
    """Return the references around each visit, once where many steps were seen in it: they hold the same two then."""
    pairs: list[tuple[HostSpeed, HostSpeed]] = []
    for item in samples:
        if item.before and item.after:
            again = item.from_streams and pairs and pairs[-1][0] is item.before and pairs[-1][1] is item.after
            pairs += [] if again else [(item.before, item.after)]
    return pairs


def _series(pairs: Sequence[tuple[HostSpeed, HostSpeed]]) -> list[HostSpeed]:
    """Return all references in order of time; the one after a point is often the one before the next."""
    series: list[HostSpeed] = []
    for before, after in pairs:
        known = bool(series) and series[-1] == before
        series += [after] if known else [before, after]
    return series


def _change(before: HostSpeed, after: HostSpeed, kind: ReferenceKind) -> float:
    """Return by how much the speed changed, as the size of a logarithm."""
    return abs(log(reference_s(after, kind) / reference_s(before, kind)))


def _speed_series(times_s: FloatArray, changes: Sequence[float]) -> SpeedSeries:
    low, high = (float(each) for each in np.quantile(times_s, (0.1, 0.9)))
    rough = roughness(times_s)
    return SpeedSeries(
        middle_s=float(np.median(times_s)),
        low_s=low,
        high_s=high,
        swing=swing(times_s),
        roughness=rough,
        corrected=rough < roughness_limit(len(times_s)),
        fence_fraction=exp(upper_fence(np.array(changes))) - 1.0,
    )


def _corrected(item: StepSamples, drift: HostDrift) -> StepSamples:
    kind = reference_kind(item.point, from_streams=item.from_streams)
    series = drift.series(kind)
    if item.before is None or item.after is None or not series.corrected:
        return item
    slowness = sqrt(reference_s(item.before, kind) * reference_s(item.after, kind)) / series.middle_s
    return replace(item, times_s=tuple(time_s / slowness for time_s in item.times_s))


def _join(visits: Sequence[StepSamples]) -> StepSamples:
    """Return one sample of a point: of timed steps the median of each over the visits, of token streams all."""
    good = [item for item in visits if not item.unsteady] or list(visits[:1])
    if len(good) == 1:
        return good[0]
    if good[0].from_streams:
        seen = sum(len(item.times_s) for item in good)
        context = sum(len(item.times_s) * item.point.context_tokens for item in good) / seen
        point = replace(good[0].point, context_tokens=round(context))
        return replace(good[0], point=point, times_s=tuple(at for item in good for at in item.times_s))
    times = zip(*(item.times_s for item in good), strict=True)
    return replace(good[0], times_s=tuple(median(each) for each in times))
