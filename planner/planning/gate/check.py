"""``planner check`` in one function: every rule over every scenario, severities and waivers applied, worst first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import date

from planner.errors import EXIT_OK, EXIT_USAGE, DataError, PlannerError, UsageError
from planner.planning.estimate import estimate_scenario, workbench_for
from planner.planning.gate.cost_rules import scenario_cost_findings, total_findings, usd_per_request
from planner.planning.gate.standing import Standing
from planner.planning.gate.state_rules import state_findings
from planner.planning.hosting.configurations import Workbench
from planner.planning.lock.outcome import outcome_of
from planner.records import dataclass
from planner.specs.gate.difference import Difference, ScenarioDifference
from planner.specs.gate.finding import CHECK_RULES, Checked, Finding, ScenarioCost, Waived
from planner.specs.gate.outcome import Outcome
from planner.specs.gate.side import Entry
from planner.specs.gate.staleness import StaleReason
from planner.specs.scenario.gates import Gates, Project, RuleId, SeverityOrIgnore, Waiver
from planner.units import Count

# worst first
ORDER = {"error": 0, "warning": 1, "note": 2}
RULE_ORDER = {rule: index for index, rule in enumerate(CHECK_RULES)}


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckRequest:
    """What is checked, against what, under which settings.

    ``flags`` are gates given on the command line. ``stale`` are the lock's differences from its inputs, ``lock`` the
    file that they are about.
    """

    entries: tuple[Entry, ...]
    difference: Difference | None
    stale: tuple[StaleReason, ...] = ()
    lock: str = "planner.lock.json"
    project: Project = field(default_factory=Project)
    project_file: str = "planner.yaml"
    flags: Gates = field(default_factory=Gates)
    today: date
    broken: tuple[Finding, ...] = ()
    """Findings about files that could not be read."""


def check(request: CheckRequest) -> Checked:
    """Return everything that the rules find, worst first, with the exit code that it amounts to."""
    changes = _by_place(request.difference)
    found: list[Finding] = [*request.broken]
    costs: list[ScenarioCost] = []
    shared = workbench_for([entry.case for entry in request.entries]) if request.entries else None
    for entry in request.entries:
        change = changes.get(entry.place)
        mine, outcome = _of_entry(entry, change, request, shared)
        found.extend(mine)
        costs.append(_cost(entry, outcome, change, len(mine)))
    found.extend(_of_all(request, costs))
    return _judged(found, tuple(costs), request)


def _by_place(difference: Difference | None) -> dict[str, ScenarioDifference]:
    changes = difference.scenarios if difference is not None else ()
    return {change.file_after: change for change in changes if change.file_after is not None}


def gates_of(entry: Entry, project: Project, flags: Gates) -> Gates:
    """Return the gates of a scenario: a flag wins over the scenario's own, which win over the project's."""
    layers = (project.gates, entry.case.scenario.gates, flags)
    stated = {name: getattr(layer, name) for layer in layers for name in sorted(layer.model_fields_set)}
    return Gates().model_copy(update=stated)


def _of_entry(
    entry: Entry, change: ScenarioDifference | None, request: CheckRequest, shared: Workbench | None
) -> tuple[list[Finding], Outcome | None]:
    """Return the findings of one scenario; one without a price has that finding alone."""
    gates = gates_of(entry, request.project, request.flags)
    try:
        made = estimate_scenario(entry.case, entry.as_of, advised=False, workbench=shared)
    except (DataError, UsageError) as error:
        return [_unpriced(entry, error)], None
    before = change.before if change is not None else None
    standing = Standing(case=entry.case, estimate=made, gates=gates, before=before, today=request.today)
    found = list(state_findings(standing))
    if change is not None:
        found.extend(scenario_cost_findings(change, entry.case, gates))
    return found, change.after if change is not None and change.after else outcome_of(entry.case, made)


def _unpriced(entry: Entry, error: PlannerError) -> Finding:
    name = entry.case.scenario.name
    missing = isinstance(error, DataError)
    return Finding(
        rule="PRICE-MISSING" if missing else "INPUT",
        severity="error",
        scenario=name,
        file=entry.case.file,
        line=entry.case.lines.get("models"),
        message=f"{name}: {error.message}",
        expected="a price on the scenario's date" if missing else "a scenario that can be served",
        found=error.message,
        cure=error.cure,
    )


def _cost(
    entry: Entry, outcome: Outcome | None, change: ScenarioDifference | None, findings: int
) -> ScenarioCost:
    return ScenarioCost(
        name=entry.case.scenario.name,
        file=entry.case.file,
        usd_per_month=_usd(outcome, change),
        usd_per_month_before=change.usd_per_month_before if change is not None else None,
        usd_per_request=usd_per_request(outcome) if outcome is not None else None,
        findings=findings,
    )


def _usd(outcome: Outcome | None, change: ScenarioDifference | None) -> float | None:
    """Return the cost as the comparison has it, so that differences are exact; else as estimated."""
    if change is not None and change.usd_per_month_after is not None:
        return change.usd_per_month_after
    return outcome.usd_per_month if outcome is not None else None


def _of_all(request: CheckRequest, costs: Sequence[ScenarioCost]) -> Iterator[Finding]:
    """Yield what is about all scenarios together, or about the lock."""
    gates = Gates().model_copy(
        update={
            name: getattr(layer, name)
            for layer in (request.project.gates, request.flags)
            for name in sorted(layer.model_fields_set)
        }
    )
    if request.difference is not None:
        yield from total_findings(request.difference, gates)
    yield from _total_budget(request, costs)
    yield from _stale(request)


def _stale(request: CheckRequest) -> Iterator[Finding]:
    """Yield one finding a scenario of the lock that is out of date, and one for what is not of one scenario."""
    names = {entry.place: entry.case.scenario.name for entry in request.entries}
    for place in dict.fromkeys(reason.place for reason in request.stale):
        reasons = [f"{each.kind} ({each.subject})" for each in request.stale if each.place == place]
        about = place if place is not None else "the rows behind it"
        yield Finding(
            rule="LOCK-STALE",
            severity="error",
            scenario=names.get(place or ""),
            subject=place or "rows",
            file=request.lock,
            line=1,
            message=f"{request.lock} is out of date for {about}: {', '.join(reasons)}",
            expected="the lock of today's inputs",
            found=reasons[0],
            cure="look at the change with `planner diff`, then accept it: `planner lock --update`",
        )


def _total_budget(request: CheckRequest, costs: Sequence[ScenarioCost]) -> Iterator[Finding]:
    budget = request.project.budget.usd_per_month
    total = sum(cost.usd_per_month for cost in costs if cost.usd_per_month is not None)
    if budget is not None and total > budget:
        yield Finding(
            rule="BUDGET",
            severity="error",
            subject="all scenarios",
            file=request.project_file,
            message=f"{total:,.2f} USD/month of all scenarios exceed the project's budget of {budget:,.2f}",
            expected=f"at most {budget:,.2f} USD/month",
            found=f"{total:,.2f} USD/month",
            cure="lower the dearest scenario, or raise budget.usd_per_month of the project",
            usd_per_month=total - budget,
        )


def _judged(found: Iterable[Finding], costs: tuple[ScenarioCost, ...], request: CheckRequest) -> Checked:
    """Apply severities and waivers, sort, and add the exit code."""
    project = request.project
    rated = [each for finding in found for each in _rated(finding, project.severities)]
    waivers = tuple(_waivers(request))
    waived = [each for finding in rated for each in _waived(finding, waivers, request.today)]
    covered = {id(each.finding) for each in waived}
    standing = [finding for finding in rated if id(finding) not in covered]
    expired = [each for waiver in waivers for each in _expired(waiver, request.today)]
    standing.extend(each for finding in expired for each in _rated(finding, project.severities))
    standing.sort(key=_badness)
    return Checked(
        today=request.today,
        scenarios=costs,
        findings=tuple(standing),
        waived=tuple(waived),
        difference=request.difference,
        exit_code=exit_code_of(standing),
    )


def _rated(finding: Finding, severities: Mapping[RuleId, SeverityOrIgnore]) -> Iterator[Finding]:
    """Yield the finding with the severity that the project gives its rule; nothing where the rule is ignored."""
    wanted = severities.get(finding.rule)
    if wanted is None:
        default = CHECK_RULES[finding.rule].severity
        milder = max(finding.severity, default, key=lambda each: ORDER[each])
        yield replace(finding, severity=milder)
    elif wanted != "ignore":
        yield replace(finding, severity=wanted)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Held:
    """A waiver with where it stands and what it is for."""

    waiver: Waiver
    scenario: str | None
    file: str
    line: Count | None


def _waivers(request: CheckRequest) -> Iterator[_Held]:
    for entry in request.entries:
        for index, waiver in enumerate(entry.case.scenario.gates.waivers):
            line = entry.case.lines.get(f"gates.waivers[{index}]")
            yield _Held(waiver=waiver, scenario=entry.case.scenario.name, file=entry.case.file, line=line)
    for waiver in request.project.waivers:
        yield _Held(waiver=waiver, scenario=waiver.scenario, file=request.project_file, line=None)


def _waived(finding: Finding, waivers: Sequence[_Held], today: date) -> Iterator[Waived]:
    """Yield the finding as waived, where a waiver that still holds is about it."""
    for held in waivers:
        about = held.waiver.rule == finding.rule and held.scenario == finding.scenario
        if about and today < held.waiver.expires:
            yield Waived(
                finding=finding, reason=held.waiver.reason, expires=held.waiver.expires, file=held.file
            )
            return


def _expired(held: _Held, today: date) -> Iterator[Finding]:
    if today >= held.waiver.expires:
        yield Finding(
            rule="WAIVER-EXPIRED",
            severity="warning",
            scenario=held.scenario,
            subject=held.waiver.rule,
            file=held.file,
            line=held.line,
            message=f"the waiver of {held.waiver.rule} expired on {held.waiver.expires.isoformat()}: {held.waiver.reason}",
            expected="a date in the future",
            found=held.waiver.expires.isoformat(),
            cure="remove it, or renew it with a reason",
        )


def _badness(finding: Finding) -> tuple[int, float, str, str, str]:
    usd = abs(finding.usd_per_month or 0.0)
    rule = f"{RULE_ORDER[finding.rule]:02d}"
    return (ORDER[finding.severity], -round(usd, 2), finding.scenario or "", rule, finding.subject)


def exit_code_of(findings: Iterable[Finding]) -> int:
    """Return the exit code of findings: bad input wins, else the lowest code of an error.

    Examples
    --------
    >>> exit_code_of(())
    0
    """
    codes = {CHECK_RULES[each.rule].exit_code for each in findings if each.severity == "error"}
    if EXIT_USAGE in codes:
        return EXIT_USAGE
    return min(codes, default=EXIT_OK)
