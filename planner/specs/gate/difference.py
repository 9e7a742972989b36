"""What changed between two sides, what it costs, and why: the result of ``planner diff``."""

from __future__ import annotations

from datetime import date
from typing import Literal

from planner.records import dataclass
from planner.specs.gate.outcome import Band, Outcome

CauseKind = Literal[
    "volume",
    "traffic shape",
    "tokens per request",
    "model mix",
    "caching",
    "batch share",
    "retries",
    "latency targets",
    "data rule",
    "hosting",
    "GPU type",
    "GPU count",
    "GPU hours",
    "GPU price",
    "settings",
    "new scenario",
    "removed scenario",
    "price",
    "exchange rate",
    "profile",
    "rules",
    "formula",
]
DRIFT: tuple[CauseKind, ...] = ("price", "exchange rate", "profile", "rules", "formula")
"""Causes outside the scenario: the books, the fits, the rules of thumb and planner itself."""

Status = Literal["changed", "drifted", "added", "removed", "unchanged", "unknown"]
"""``drifted``: the same scenario, another price, profile or formula. ``unknown``: one side has no price."""
SideName = Literal["base", "head"]
MetricName = Literal[
    "ttft_p95_s",
    "tpot_p95_s",
    "tier_headroom_fraction",
    "memory_headroom_fraction",
    "break_even_requests_per_day",
    "usd_per_request",
]
Verdict = Literal["better", "worse", "same", "neither"]
"""``neither``: a change that is no good or bad in itself, or one side of which is unknown."""


def arrow(before: str, after: str) -> str:
    """Write a change with the words that both sides begin or end with once.

    Examples
    --------
    >>> arrow("369 tokens", "1,107 tokens")
    '369 → 1,107 tokens'
    >>> arrow("gpus h100-sxm, l40s", "gpus h100-sxm")
    'gpus h100-sxm, l40s → h100-sxm'
    """
    old, new = before.split(), after.split()
    start = 1 if len(old) > 1 and len(new) > 1 and old[0] == new[0] else 0
    end = 1 if len(old) > start + 1 and len(new) > start + 1 and old[-1] == new[-1] else 0
    return " ".join([*old[: len(old) - end], "→", *new[start:]])


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """One bar of a waterfall: what changed, from what to what, and its part of the delta.

    ``keys`` are the scenario's keys that changed (``prompt.parts.system``). ``file`` is the prompt file or trace behind
    them. ``effect`` tells what it does to the machines: ``2 → 3 machines``. Several kinds that only go together
    (neither half can be priced alone) are one cause: its kind is the first one, its name lists all.
    """

    kind: CauseKind
    name: str
    usd_per_month: float
    before: str | None = None
    after: str | None = None
    keys: tuple[str, ...] = ()
    file: str | None = None
    tokens_per_request: float | None = None
    effect: str | None = None

    @property
    def change(self) -> str:
        """Return what the cause was and is, such as ``369 → 1,107 tokens``; empty where either is unknown."""
        return arrow(self.before, self.after) if self.before and self.after else ""

    @property
    def is_drift(self) -> bool:
        """Tell whether the cause lies outside the scenario."""
        return self.kind in DRIFT


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricChange:
    """A figure beside the cost. ``within_error``: each value lies in the other one's interval."""

    name: MetricName
    subject: str
    """What it is about: a provider for tiers, else the choice."""
    before: Band | float | None
    after: Band | float | None
    verdict: Verdict
    within_error: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown:
    """A scenario, or a part of it, without a price on one side; it counts for nothing in the totals and says so."""

    scenario: str
    side: SideName
    reason: str
    cure: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ScenarioDifference:
    """One scenario on both sides.

    ``before`` and ``after`` are ``None`` where a side has no figures, and where nothing changed and no lock holds them.
    ``causes`` sum to ``delta_usd_per_month`` exactly, in plain floating point: every priced point is a multiple of
    2⁻²⁰ USD.
    """

    name: str
    status: Status
    file_before: str | None
    file_after: str | None
    renamed: bool
    before: Outcome | None
    after: Outcome | None
    usd_per_month_before: float | None
    usd_per_month_after: float | None
    delta_usd_per_month: float | None
    causes: tuple[Cause, ...]
    metrics: tuple[MetricChange, ...]
    within_error: bool
    """The change of the cost is smaller than the prediction's own interval."""
    unknowns: tuple[Unknown, ...]

    @property
    def delta_fraction(self) -> float | None:
        """The change over the cost before; ``None`` where either is unknown or there was no cost before."""
        if self.delta_usd_per_month is None or not self.usd_per_month_before:
            return None
        return self.delta_usd_per_month / self.usd_per_month_before


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Two sides compared: totals over the scenarios that have a price on both, and each scenario, dearest change first."""

    base: str
    head: str
    as_of: tuple[date, ...]
    """Dates whose prices both sides are compared at, each once."""
    scenarios: tuple[ScenarioDifference, ...]
    usd_per_month_before: float
    usd_per_month_after: float
    delta_usd_per_month: float
    causes: tuple[Cause, ...]
    """All scenarios' causes, those of one kind and name together, dearest first; they sum to the delta."""
    unknowns: tuple[Unknown, ...]

    @property
    def delta_fraction(self) -> float | None:
        """The change over the cost before; ``None`` where there was none."""
        return self.delta_usd_per_month / self.usd_per_month_before if self.usd_per_month_before else None

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing changed: no scenario, no price, no result."""
        return all(each.status == "unchanged" for each in self.scenarios)
