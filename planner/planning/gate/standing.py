"""One scenario as the rules see it: its case, its estimate, its gates, and what it was before."""

from __future__ import annotations

from datetime import date

from planner.planning.workload.places import line_of
from planner.records import dataclass
from planner.specs.answers.estimate import Estimate
from planner.specs.case import Case
from planner.specs.gate.finding import Finding
from planner.specs.gate.outcome import Outcome
from planner.specs.scenario.gates import Gates, RuleId, Severity


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One scenario as it stands: what was estimated, its gates, and what it was before where that is known."""

    case: Case
    estimate: Estimate
    gates: Gates
    before: Outcome | None
    today: date

    def at(self, key: str) -> int | None:
        """Return the line of a key of the scenario."""
        return line_of(self.case.lines, key)

    def finding(
        self,
        rule: RuleId,
        key: str,
        message: str,
        *,
        severity: Severity = "error",
        subject: str = "",
        expected: str | None = None,
        found: str | None = None,
        cure: str | None = None,
        cause: str | None = None,
        usd: float | None = None,
    ) -> Finding:
        """Return a finding at a key of the scenario."""
        return Finding(
            rule=rule,
            severity=severity,
            scenario=self.case.scenario.name,
            subject=subject,
            file=self.case.file,
            line=self.at(key),
            message=f"{self.case.scenario.name}: {message}",
            expected=expected,
            found=found,
            cause=cause,
            cure=cure,
            usd_per_month=usd,
        )
