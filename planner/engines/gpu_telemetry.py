"""NVML read in a thread while points are measured: power, clock, memory, utilisation, throttling."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from statistics import fmean
from typing import Any

from planner.engines.host import nvml
from planner.specs.measured.telemetry import GpuSample, GpuUse

PERIOD_S = 0.25
MILLIWATTS = 1000.0
PERCENT = 100.0
# nvml.h, nvmlClocksEventReason*: power cap 0x4, hardware slowdown 0x8, thermal 0x20 and 0x40, power brake 0x80
SLOWED = 0x4 | 0x8 | 0x20 | 0x40 | 0x80


class GpuSampler:
    """Samples some GPUs from ``start`` to ``stop``; ``use_since`` sums up what was seen from a time on."""

    def __init__(
        self,
        indexes: Sequence[int],
        *,
        take: Callable[[GpuSample], None] | None = None,
        period_s: float = PERIOD_S,
    ) -> None:
        self._nvml = nvml()
        self._nvml.nvmlInit()
        self._handles = {index: self._nvml.nvmlDeviceGetHandleByIndex(index) for index in indexes}
        self._take, self._period_s = take, period_s
        self._samples: list[GpuSample] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and let NVML go."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self._nvml.nvmlShutdown()

    def use_since(self, start_ns: int) -> GpuUse:
        """Return the use of all GPUs together since a time of perf_counter."""
        return gpu_use([sample for sample in tuple(self._samples) if sample.at_ns >= start_ns])

    def _run(self) -> None:
        while not self._ended.is_set():
            for index, handle in self._handles.items():
                sample = read_gpu(self._nvml, index, handle)
                self._samples.append(sample)
                if self._take:
                    self._take(sample)
            self._ended.wait(self._period_s)


def read_gpu(pynvml: Any, index: int, handle: Any) -> GpuSample:  # noqa: ANN401 - pynvml has no types
    """Read one GPU. What a device does not support stays unknown."""
    power_w = clock_mhz = memory_bytes = busy = throttled = None
    with suppress(pynvml.NVMLError):
        power_w = pynvml.nvmlDeviceGetPowerUsage(handle) / MILLIWATTS
    with suppress(pynvml.NVMLError):
        clock_mhz = float(pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM))
    with suppress(pynvml.NVMLError):
        memory_bytes = int(pynvml.nvmlDeviceGetMemoryInfo(handle).used)
    with suppress(pynvml.NVMLError):
        busy = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / PERCENT
    with suppress(pynvml.NVMLError):
        throttled = bool(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle) & SLOWED)
    return GpuSample(
        at_ns=time.perf_counter_ns(),
        index=index,
        power_w=power_w,
        clock_mhz=clock_mhz,
        memory_bytes=memory_bytes,
        busy_fraction=busy,
        throttled=throttled,
    )


def gpu_use(samples: Sequence[GpuSample]) -> GpuUse:
    """Sum samples up: power and memory are added over GPUs, energy is the trapezoid under the power of each."""
    by_gpu = {sample.index: [each for each in samples if each.index == sample.index] for sample in samples}
    powers = [_mean([each.power_w for each in mine]) for mine in by_gpu.values()]
    energies = [_energy_j(mine) for mine in by_gpu.values()]
    peaks = [max((each.memory_bytes or 0 for each in mine), default=0) for mine in by_gpu.values()]
    slow = [None if each.throttled is None else float(each.throttled) for each in samples]
    return GpuUse(
        samples=len(samples),
        power_w=_sum(powers),
        energy_j=_sum(energies),
        clock_mhz=_mean([each.clock_mhz for each in samples]),
        memory_bytes=sum(peaks) or None,
        busy_fraction=_mean([each.busy_fraction for each in samples]),
        throttled_fraction=_mean(slow),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _energy_j(samples: Sequence[GpuSample]) -> float | None:
    known = [(each.at_ns / 1e9, each.power_w) for each in samples if each.power_w is not None]
    if len(known) < 2:
        return None
    return sum((b - a) * (p + q) / 2 for (a, p), (b, q) in pairwise(known))
