"""What stands behind a self-hosted option: machines by hour and month, and where it breaks even."""

from __future__ import annotations

from planner.records import dataclass
from planner.specs.base import Quantity
from planner.units import Count, MeanCount


@dataclass(frozen=True, kw_only=True, slots=True)
class GrowthStep:
    """From this month on so many replicas run; month 1 is the first of the plan."""

    month: Count
    replicas: Count
    machines: Count
    usd_per_month: float


@dataclass(frozen=True, kw_only=True, slots=True)
class HourStep:
    """From this hour of the traffic's shape on so many machines run; hour 0 is the first."""

    hour: Count
    machines: Count


@dataclass(frozen=True, kw_only=True, slots=True)
class DailyMachines:
    """Machines over the traffic's hours: a fixed number, or as many as each hour needs.

    ``schedule`` holds each change of what runs, the hours within reach of a cold start provided for.
    """

    hours: Count
    """In the traffic's shape: those of a day or of a week."""
    schedule: tuple[HourStep, ...]
    fixed: Count
    least: Count
    most: Count
    mean: MeanCount
    fixed_usd_per_month: float
    autoscaled_usd_per_month: float
    cold_start_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SpotMachines:
    """How interruptions are provided for: enough machines are up for a share of the time."""

    interruptions_per_month: float
    """Of one machine."""
    away_s: float
    """From an interruption until the next machine serves."""
    away_fraction: float
    enough_up_fraction: float
    wanted_fraction: float


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakEven:
    """Volumes at which hosting costs as much as the API, on the step function of whole machines.

    The intervals come from that of a replica's capacity. Above ``for_good_requests_per_day`` no further machine makes
    hosting the dearer one again; its high end is ``None`` where a slow replica never gets there.
    """

    requests_per_day: Quantity
    for_good_requests_per_day: float | None
    for_good_low_requests_per_day: float | None
    for_good_high_requests_per_day: float | None
    crossings: Count
    certain: bool
    """Whether a replica as slow as the interval allows breaks even too."""
    statement: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedPeak:
    """A serving replica's share of the design peak, simulated event by event; times are 95th percentiles [s]."""

    requests: Count
    requests_per_s: float
    ttft_s: float
    tpot_s: float
    e2e_s: float
    holds: bool
    """Whether every limit is held."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheaperOffer:
    """Machines that would cost less but are not chosen by default."""

    rental: str
    usd_per_month: float
    why_not: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HostingPlan:
    """How a self-hosted option is sized, and what it costs over the horizon."""

    profile: str
    percentiles: str
    serving_replicas: Count
    redundancy: str
    spare_for_interruptions: Count
    machines_low: Count
    machines_high: Count
    volume_band: bool
    """Whether a stated band of volume is in the low and high ends, beside the interval of a replica's capacity."""
    usd_per_month_low: float
    usd_per_month_high: float
    caches_usd_per_month: float
    """Response caches and their embeddings, which stand before the machines as they do before the API."""
    usd_horizon: float
    horizon_months: Count
    growth: tuple[GrowthStep, ...]
    daily: DailyMachines | None
    break_even: BreakEven | None
    community: CheaperOffer | None
    spot: SpotMachines | None = None
    simulated: SimulatedPeak | None = None
    """``None`` where the formula's percentiles were far from every limit and no simulation was asked for."""
