"""Two short reference steps between the points, and around a load, so that a drift of the host's speed is seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

from planner.engines.llamacpp import StepWorker, open_worker
from planner.engines.llamacpp_session import LlamaCppSettings
from planner.planning.prediction.host_speed import DECODE_REFERENCE, PREFILL_REFERENCE, drift_between, shifted
from planner.specs.measured.step_point import StepPoint
from planner.specs.measured.steps import HostSpeed, StepSamples

REFERENCE_CONTEXT_TOKENS = 256  # more than either reference needs; llama.cpp rounds smaller caches up to this
STALE_S = 3.0  # an older reference is measured again before a point, because the wait for a quiet host lay between (chosen)


def measure_speed(worker: StepWorker) -> HostSpeed:
    """Measure both references once: one to two seconds with a model of 1B to 3B on two cores."""
    decode, prefill = (worker.measure(point) for point in (DECODE_REFERENCE, PREFILL_REFERENCE))
    return HostSpeed(decode_s=median(decode.times_s), prefill_s=median(prefill.times_s))


def speed_now(settings: LlamaCppSettings) -> HostSpeed:
    """Measure both references in a worker of their own, while no other engine runs."""
    small = replace(settings, sequences=1, context_tokens=REFERENCE_CONTEXT_TOKENS)
    with open_worker(small) as worker:
        return measure_speed(worker)


class ReferencedWorker:
    """Measures as another worker does, and the host's speed before and after."""

    def __init__(self, worker: StepWorker, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._worker, self._clock = worker, clock
        self._last: tuple[HostSpeed, float] | None = None
        self._around: list[tuple[HostSpeed, HostSpeed]] = []

    def measure(self, point: StepPoint, *, seed: int = 0) -> StepSamples:
        """Measure one point between two references; doubt it when they disagree as none before did."""
        before = self._fresh()
        samples = self._worker.measure(point, seed=seed)
        measured = replace(samples, before=before, after=(after := self._now()))
        doubts = shifted(measured, drift_between(self._around))
        self._around.append((before, after))
        return replace(measured, unsteady=measured.unsteady + doubts)

    def _fresh(self) -> HostSpeed:
        """Return the reference after the point before, unless it is too old."""
        if self._last is not None and self._clock() - self._last[1] < STALE_S:
            return self._last[0]
        return self._now()

    def _now(self) -> HostSpeed:
        speed = measure_speed(self._worker)
        self._last = (speed, self._clock())
        return speed
