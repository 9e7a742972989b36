"""A measured load beside its simulation with a step profile."""

from __future__ import annotations

from math import sqrt

from planner.records import dataclass
from planner.specs.base import Notice
from planner.units import Count, Ratio


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """One statistic of one metric, measured and predicted [s].

    ``predicted_here_s`` is the prediction at the host's speed around the run, where that was measured.
    """

    metric: str
    statistic: str
    measured_s: float
    predicted_s: float
    predicted_here_s: float | None = None

    @property
    def error_fraction(self) -> float:
        """Predicted over measured, less 1."""
        return self.predicted_s / self.measured_s - 1.0

    @property
    def error_here_fraction(self) -> float | None:
        """Predicted at the host's speed around the run, over measured, less 1."""
        return None if self.predicted_here_s is None else self.predicted_here_s / self.measured_s - 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Slowness:
    """Times of a host over those of a profile: of steps that wait for memory, and of those that compute."""

    few_rows: Ratio = 1.0
    more_rows: Ratio = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class HostComparison:
    """How slow the host was around a run, over the host of the profile: of one reference step before and one after.

    Above 1 the run was measured on a slower host, and the profile predicts it too fast. The host is ``unlike`` the
    profile's where its speed lies outside of what nine in ten references of the profile, at either end, have shown.
    """

    decode_before: Ratio
    decode_after: Ratio
    prefill_before: Ratio
    prefill_after: Ratio
    unlike: bool = False

    @property
    def slowness(self) -> Slowness:
        """Return the middle of before and after."""
        return Slowness(
            few_rows=sqrt(self.decode_before * self.decode_after),
            more_rows=sqrt(self.prefill_before * self.prefill_after),
        )


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
