"""A measured load beside its simulation with a step profile."""

from __future__ import annotations

from planner.records import dataclass
from planner.specs.base import Notice
from planner.units import Count


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """One statistic of one metric, measured and predicted [s]."""

    metric: str
    statistic: str
    measured_s: float
    predicted_s: float

    @property
    def error_fraction(self) -> float:
        """Predicted over measured, less 1."""
        return self.predicted_s / self.measured_s - 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class HostComparison:
    """How slow the host was around a run, over the host of the profile: of one reference step before and one after.

    Above 1 the run was measured on a slower host, and the profile predicts it too fast.
    """

    decode_before: float
    decode_after: float
    prefill_before: float
    prefill_after: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadAgreement:
    """How well the simulation repeats one measured point; ``requests`` are those that succeeded."""

    load: str
    requests: Count
    profile: str
    grade: str
    rows: tuple[Agreement, ...]
    notices: tuple[Notice, ...] = ()
    host: HostComparison | None = None
