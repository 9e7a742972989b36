"""The outcome of comparing two runs."""

from __future__ import annotations

from planner.records import dataclass
from planner.specs.measured.load import LoadPoint


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricChange:
    """How the mean of one metric moved. ``worse_*`` are shares of the old value, above 0 where it got worse.

    A true change under ``smallest_detectable_fraction`` would be seen in less than 4 of 5 such comparisons.
    """

    metric: str
    before: float
    after: float
    worse_fraction: float
    worse_low_fraction: float
    worse_high_fraction: float
    smallest_detectable_fraction: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PointChange:
    """The changes of one point."""

    load: LoadPoint
    metrics: tuple[MetricChange, ...]
