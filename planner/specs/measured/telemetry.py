"""What GPUs did while a point was measured."""

from __future__ import annotations

from planner.records import dataclass
from planner.units import Count, Nanoseconds


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuSample:
    """One reading of one GPU; ``None`` where the device does not tell. ``at_ns`` is perf_counter's."""

    at_ns: Nanoseconds
    index: Count
    power_w: float | None = None
    clock_mhz: float | None = None
    memory_bytes: int | None = None
    busy_fraction: float | None = None
    throttled: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuUse:
    """The samples of a point together: power and energy of all GPUs, means of the others, the largest memory."""

    samples: Count
    power_w: float | None = None
    energy_j: float | None = None
    clock_mhz: float | None = None
    memory_bytes: int | None = None
    busy_fraction: float | None = None
    throttled_fraction: float | None = None
