"""What a change may do before the check fails: thresholds, waivers, and a project's own settings."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from planner.specs.base import Document

Severity = Literal["error", "warning", "note"]
SeverityOrIgnore = Literal["error", "warning", "note", "ignore"]
RuleId = Literal[
    "COST-TOTAL",
    "COST-LINE",
    "COST-REQUEST",
    "COST-DECREASE",
    "BUDGET",
    "PRICE-MISSING",
    "PRICE-STALE",
    "PRICE-RETIRED",
    "LIMIT",
    "FIT",
    "SLO",
    "LOCK-STALE",
    "PROFILE-STALE",
    "WAIVER-EXPIRED",
    "INPUT",
]
Reason = Annotated[str, Field(min_length=8, description="why it is accepted, for the next reader")]


class Waiver(Document):
    """A finding that is accepted until a day; it stays listed, and counts again from that day on."""

    rule: RuleId = Field(description="the rule whose finding is accepted")
    reason: Reason
    expires: date = Field(description="first day on which the waiver no longer holds")


class ProjectWaiver(Waiver):
    """A waiver in the project file, for one scenario or for the total."""

    scenario: str | None = Field(None, min_length=1, description="name of the scenario; the total if absent")


class Gates(Document):
    """What a change may cost before the check fails."""

    max_increase_fraction: float = Field(0.05, ge=0, description="of the total, as a fraction")
    max_increase_usd_per_month: float = Field(1.0, ge=0, description="and at least this much")
    max_line_increase_fraction: float = Field(0.2, ge=0, description="of one line of the bill")
    max_request_increase_fraction: float = Field(0.05, ge=0, description="of the cost of one request")
    max_decrease_fraction: float = Field(
        0.3, ge=0, le=1, description="a larger fall is reported: often a scenario that broke"
    )
    max_price_age_days: int = Field(90, ge=0, description="since a price was compared with its source")
    max_profile_age_days: int = Field(365, ge=0, description="since an engine's coefficients were fitted")
    waivers: tuple[Waiver, ...] = Field((), description="findings accepted until a day, with a reason")


class TotalBudget(Document):
    """What all scenarios together may cost."""

    usd_per_month: float | None = Field(None, gt=0, description="a month")


class Project(Document):
    """``planner.yaml`` beside the lock: gates for all scenarios, severities of rules, waivers."""

    version: Literal[1] = Field(1, description="version of this format")
    scenarios: tuple[str, ...] = Field(
        (), description="files and folders that are checked when none is named"
    )
    lock: str = Field("planner.lock.json", min_length=1, description="the lock to compare with")
    gates: Gates = Field(default_factory=Gates, description="for scenarios that state none of their own")
    budget: TotalBudget = Field(default_factory=TotalBudget, description="of all scenarios together")
    severities: dict[RuleId, SeverityOrIgnore] = Field(
        default_factory=dict, description="rule -> error, warning, note or ignore"
    )
    waivers: tuple[ProjectWaiver, ...] = Field((), description="findings accepted until a day")
