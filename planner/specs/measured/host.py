"""What a machine offers to planner, as ``planner doctor`` shows it."""

from __future__ import annotations

from planner.records import dataclass
from planner.specs.measured.measurement import MachineFacts
from planner.units import Count


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuFacts:
    """One NVIDIA GPU as its driver describes it."""

    index: Count
    name: str
    memory_bytes: int
    memory_used_bytes: int
    driver: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtraFacts:
    """One optional library: its version, or the line that installs it."""

    name: str
    version: str | None
    purpose: str
    install: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HostFacts:
    """The machine, its GPUs and its optional libraries. ``gpu_note`` says why there are no GPUs."""

    machine: MachineFacts
    memory_bandwidth_bytes_per_s: float | None
    gpus: tuple[GpuFacts, ...]
    gpu_note: str | None
    extras: tuple[ExtraFacts, ...]
