"""Findings about a change of the cost: total, line, request, and a fall that nobody expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from planner.formulas.gates import exceeds_fall, exceeds_gate
from planner.planning.workload.places import line_of
from planner.specs.case import Case
from planner.specs.gate.difference import Cause, CauseKind, Difference, ScenarioDifference
from planner.specs.gate.finding import Finding
from planner.specs.gate.outcome import Outcome
from planner.specs.scenario.gates import Gates, RuleId
from planner.units import percent

SHOWN_CAUSES = 3  #: in one line of a log; the diff has them all
ACCEPT = "accept it with a waiver, or with `planner lock --update` where a lock is compared with"
MACHINES = "try another GPU, quantization or way to pay for the machines"
# what costs most -> what to try; anything else is looked at first
CURES: Mapping[CauseKind, str] = {
    "tokens per request": "shorten the prompt, or cache its static prefix",
    "model mix": "send a part of the requests to the cheaper model",
    "caching": "look at hit rate and lifetime of the cache",
    "batch share": "send what may wait to the batch API",
    "retries": "look at error rate and retries",
    "volume": "check the volume; caching and batching cost less per request",
    "price": "compare the prices of other models or providers",
    "GPU type": MACHINES,
    "GPU count": MACHINES,
    "GPU hours": MACHINES,
    "GPU price": MACHINES,
}


def scenario_cost_findings(change: ScenarioDifference, case: Case | None, gates: Gates) -> Iterator[Finding]:
    """Yield what the change of one scenario's cost breaks; nothing where a side has no cost."""
    before, after = change.usd_per_month_before, change.usd_per_month_after
    if after is None or (before is None and change.status != "added"):
        return
    was = before or 0.0
    if exceeds_gate(was, after, gates.max_increase_fraction, gates.max_increase_usd_per_month):
        yield _finding(
            "COST-TOTAL",
            change,
            case,
            message=f"{change.name} costs {_rise(was, after)}",
            expected=_gate(gates.max_increase_fraction, gates.max_increase_usd_per_month),
            usd=after - was,
        )
    if was and exceeds_fall(was, after, gates.max_decrease_fraction, gates.max_increase_usd_per_month):
        yield _finding(
            "COST-DECREASE",
            change,
            case,
            message=f"{change.name} costs {percent((was - after) / was)} less: {was:,.2f} → {after:,.2f} USD/month",
            expected=f"a fall of at most {percent(gates.max_decrease_fraction)}",
            usd=after - was,
            cure=f"check that the scenario still says what the feature does; then {ACCEPT}",
        )
    if change.before is not None and change.after is not None:
        yield from _lines(change, case, gates, change.before, change.after)
        yield from _request(change, case, gates, change.before, change.after)


def _lines(
    change: ScenarioDifference, case: Case | None, gates: Gates, before: Outcome, after: Outcome
) -> Iterator[Finding]:
    """Yield the lines of the API's bill that rise, where the API is what is paid."""
    if after.choice is not None and after.choice.kind != "api":
        return
    for name, usd in after.api_lines.items():
        was = before.api_lines.get(name, 0.0)
        if exceeds_gate(was, usd, gates.max_line_increase_fraction, gates.max_increase_usd_per_month):
            yield _finding(
                "COST-LINE",
                change,
                case,
                subject=name,
                message=f"{change.name}: {name} costs {_rise(was, usd)}",
                expected=_gate(gates.max_line_increase_fraction, gates.max_increase_usd_per_month),
                usd=usd - was,
            )


def _request(
    change: ScenarioDifference, case: Case | None, gates: Gates, before: Outcome, after: Outcome
) -> Iterator[Finding]:
    """Yield a request that became dearer, where it matters at the scenario's volume."""
    was, now = usd_per_request(before), usd_per_request(after)
    if was is None or now is None:
        return
    monthly = after.requests_per_month
    floor = gates.max_increase_usd_per_month
    if exceeds_gate(was * monthly, now * monthly, gates.max_request_increase_fraction, floor):
        share = f", {percent(now / was - 1, 1, sign='+')}" if was else ""
        yield _finding(
            "COST-REQUEST",
            change,
            case,
            message=f"{change.name}: a request costs {was:.6f} → {now:.6f} USD{share}",
            expected=_gate(gates.max_request_increase_fraction, floor),
            usd=(now - was) * monthly,
        )


def usd_per_request(outcome: Outcome) -> float | None:
    """Return what a request costs under the option that is chosen. [USD/request]"""
    if outcome.usd_per_month is None:
        return None
    return outcome.usd_per_month / outcome.requests_per_month


def total_findings(difference: Difference, gates: Gates) -> Iterator[Finding]:
    """Yield what several changed scenarios break together; one scenario alone is its own total."""
    if sum(1 for each in difference.scenarios if each.delta_usd_per_month) < 2:
        return
    before, after = difference.usd_per_month_before, difference.usd_per_month_after
    if exceeds_gate(before, after, gates.max_increase_fraction, gates.max_increase_usd_per_month):
        yield Finding(
            rule="COST-TOTAL",
            severity="error",
            subject="all scenarios",
            message=f"all {len(difference.scenarios)} scenarios together cost {_rise(before, after)}",
            expected=_gate(gates.max_increase_fraction, gates.max_increase_usd_per_month),
            found=f"{after - before:+,.2f} USD/month",
            cause=_causes(difference.causes),
            cure=_cure(difference.causes),
            usd_per_month=after - before,
        )


def _finding(
    rule: RuleId,
    change: ScenarioDifference,
    case: Case | None,
    *,
    message: str,
    expected: str,
    usd: float,
    subject: str = "",
    cure: str | None = None,
) -> Finding:
    return Finding(
        rule=rule,
        severity="error",
        scenario=change.name,
        subject=subject,
        file=case.file if case is not None else change.file_after,
        line=_line(change.causes, case.lines if case is not None else {}),
        message=message,
        expected=expected,
        found=f"{usd:+,.2f} USD/month",
        cause=_causes(change.causes),
        cure=cure or _cure(change.causes),
        usd_per_month=usd,
    )


def _line(causes: Sequence[Cause], lines: Mapping[str, int]) -> int | None:
    """Return the line of the key that costs most, or the scenario's first."""
    keys = [key for cause in causes for key in cause.keys]
    found = [line_of(lines, key) for key in keys]
    return next((line for line in found if line is not None), None) or (1 if lines else None)


def _causes(causes: Sequence[Cause]) -> str | None:
    """Return the causes that cost most, in words."""
    shown = sorted(causes, key=lambda cause: -abs(cause.usd_per_month))[:SHOWN_CAUSES]
    parts = []
    for cause in shown:
        was = f" {cause.change}" if cause.change else ""
        file = f" ({cause.file})" if cause.file else ""
        parts.append(f"{cause.name}{was}{file} {cause.usd_per_month:+,.2f}")
    return "; ".join(parts) or None


def _cure(causes: Sequence[Cause]) -> str:
    """Return what to try against the cause that costs most."""
    dearest = max(causes, key=lambda cause: cause.usd_per_month, default=None)
    first = CURES.get(dearest.kind) if dearest is not None else None
    return f"{first or 'see what changed with `planner diff`'}; or {ACCEPT}"


def _gate(fraction: float, usd: float) -> str:
    return f"at most +{percent(fraction)} or +{usd:,.2f} USD/month, whichever is more"


def _rise(before: float, after: float) -> str:
    share = f", {percent(after / before - 1, 1, sign='+')}" if before else ", new"
    return f"{before:,.2f} → {after:,.2f} USD/month ({after - before:+,.2f}{share})"
