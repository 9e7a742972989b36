"""What a check found: each finding with its place, cause and cure, and what was waived."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from planner.errors import EXIT_DATA, EXIT_FINDING, EXIT_LOCK_STALE, EXIT_USAGE
from planner.records import dataclass
from planner.specs.base import file_line
from planner.specs.gate.difference import Difference
from planner.specs.scenario.gates import RuleId, Severity
from planner.units import Count


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckRule:
    """One rule: what it says in general, how bad it is unless told otherwise, and the exit code of an error."""

    title: str
    help: str
    severity: Severity = "error"
    exit_code: Count = EXIT_FINDING


CHECK_RULES: Mapping[RuleId, CheckRule] = {
    "COST-TOTAL": CheckRule(
        title="the cost rises beyond its gate",
        help="The monthly cost of a scenario, or of all, rises by more than gates.max_increase_fraction and by more "
        "than gates.max_increase_usd_per_month. Without a cost before, the amount alone decides.",
    ),
    "COST-LINE": CheckRule(
        title="one line of the bill rises beyond its gate",
        help="Input, cached input, cache writes, output, reasoning or a fixed cost rises by more than "
        "gates.max_line_increase_fraction and the floor in USD.",
    ),
    "COST-REQUEST": CheckRule(
        title="a request costs more than its gate allows",
        help="The cost of one request rises by more than gates.max_request_increase_fraction, and by more than the "
        "floor in USD at the scenario's volume.",
    ),
    "COST-DECREASE": CheckRule(
        title="the cost falls further than expected",
        help="The monthly cost falls by more than gates.max_decrease_fraction: often a scenario that broke.",
        severity="warning",
    ),
    "BUDGET": CheckRule(
        title="the budget is exceeded",
        help="The cost exceeds budget.usd_per_month or budget.usd_per_request.",
    ),
    "PRICE-MISSING": CheckRule(
        title="a price is missing",
        help="The books hold no price that the scenario needs, so its cost is unknown; it is never counted as 0.",
        exit_code=EXIT_DATA,
    ),
    "PRICE-STALE": CheckRule(
        title="a price is old",
        help="A price was last compared with its source more than gates.max_price_age_days ago.",
        severity="warning",
        exit_code=EXIT_DATA,
    ),
    "PRICE-RETIRED": CheckRule(
        title="a model retires before the horizon ends",
        help="A model of the scenario can be bought only for a part of traffic.horizon_months.",
        severity="warning",
    ),
    "LIMIT": CheckRule(
        title="a provider's rate limit does not hold the peak",
        help="The peak exceeds the limits of the account's tier, or of every published tier.",
    ),
    "FIT": CheckRule(
        title="no option fits",
        help="Weights and KV cache do not fit the GPUs that the scenario names, these cannot run it, or the scenario's "
        "own rules allow no option.",
    ),
    "SLO": CheckRule(
        title="no option holds the SLO",
        help="No option serves a single request within the targets of the scenario.",
    ),
    "LOCK-STALE": CheckRule(
        title="the lock is out of date",
        help="The lock says something else than its inputs: accept the change with `planner lock --update`.",
        exit_code=EXIT_LOCK_STALE,
    ),
    "PROFILE-STALE": CheckRule(
        title="fitted coefficients are old",
        help="An engine's coefficients were fitted more than gates.max_profile_age_days ago.",
        severity="warning",
    ),
    "WAIVER-EXPIRED": CheckRule(
        title="a waiver has expired",
        help="A waiver no longer holds; remove it, or renew it with a reason.",
        severity="warning",
    ),
    "INPUT": CheckRule(
        title="a file cannot be read",
        help="A scenario, a book or a prompt file is broken.",
        exit_code=EXIT_USAGE,
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One finding. ``scenario`` is ``None`` where it is about all of them; ``usd_per_month`` is what it costs.

    ``expected`` and ``found`` are the gate and the value, in words. ``subject`` tells findings of one rule apart: a
    model, a provider, a line of the bill.
    """

    rule: RuleId
    severity: Severity
    message: str
    scenario: str | None = None
    subject: str = ""
    file: str | None = None
    line: Count | None = None
    expected: str | None = None
    found: str | None = None
    cause: str | None = None
    cure: str | None = None
    usd_per_month: float | None = None

    @property
    def place(self) -> str | None:
        """Where to look: ``file:line``."""
        return file_line(self.file, self.line)


@dataclass(frozen=True, kw_only=True, slots=True)
class Waived:
    """A finding that a waiver covers."""

    finding: Finding
    reason: str
    expires: date
    file: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ScenarioCost:
    """What one checked scenario costs, and what it cost before. ``None`` is unknown."""

    name: str
    file: str
    usd_per_month: float | None
    usd_per_month_before: float | None
    usd_per_request: float | None
    findings: Count

    @property
    def delta_usd_per_month(self) -> float | None:
        """The change; ``None`` where either is unknown."""
        if self.usd_per_month is None or self.usd_per_month_before is None:
            return None
        return self.usd_per_month - self.usd_per_month_before


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """The answer of ``planner check``: findings worst first, what was waived, and the change they are about."""

    today: date
    scenarios: tuple[ScenarioCost, ...]
    findings: tuple[Finding, ...]
    waived: tuple[Waived, ...]
    difference: Difference | None
    """``None`` without anything to compare with; then changes are not judged."""
    exit_code: Count

    @property
    def passed(self) -> bool:
        """Tell whether nothing stands in the way."""
        return self.exit_code == 0

    @property
    def usd_per_month(self) -> float:
        """What the scenarios with a known cost cost together. [USD/month]"""
        return sum(each.usd_per_month for each in self.scenarios if each.usd_per_month is not None)

    def count(self, severity: Severity) -> int:
        """Return how many findings have a severity."""
        return sum(1 for finding in self.findings if finding.severity == severity)
