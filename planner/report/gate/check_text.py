"""A check for the terminal and as JSON: the verdict first, then the findings, worst first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from planner.report.gate.difference_words import SHOWN_SCENARIOS
from planner.report.numbers import signed_percent, signed_usd, usd
from planner.report.plain import plain, to_json
from planner.report.screen import grid
from planner.specs.gate.finding import Checked, Finding, ScenarioCost, Waived

SCHEMA = "planner.check/1"
STYLES = {"error": "bad", "warning": "warn", "note": "dim"}


def check_parts(checked: Checked) -> Iterator[RenderableType]:
    """Yield the parts of the screen."""
    yield _verdict(checked)
    yield Text("")
    for finding, details in told_once(checked.findings):
        yield _finding(finding, details)
        yield Text("")
    if checked.waived:
        for waived in checked.waived:
            yield _waived(waived)
        yield Text("")
    if len(checked.scenarios) > 1:
        yield _table(checked)


def verdict_words(checked: Checked) -> str:
    """Write the verdict in one line: ``failed: 1 error, 2 warnings, 1 waived``."""
    counts = [
        f"{number:,} {severity}{'s' if number != 1 else ''}"
        for severity in ("error", "warning", "note")
        if (number := checked.count(severity))
    ]
    if checked.waived:
        counts.append(f"{len(checked.waived):,} waived")
    word = "passed" if checked.passed else "failed"
    return f"{word}: {', '.join(counts) or 'nothing found'}"


def change_words(checked: Checked) -> str:
    """Write what the scenarios cost and by how much that changed."""
    if not checked.scenarios:
        return "nothing was priced: the files below cannot be read"
    known = [each for each in checked.scenarios if each.usd_per_month is not None]
    unknown = len(checked.scenarios) - len(known)
    total = f"{usd(checked.usd_per_month)} USD/month" if known else "cost unknown"
    if unknown and known:
        total += f" and {unknown} of unknown cost"
    change = checked.difference
    if change is None:
        return f"{total} · nothing to compare with, so changes are not judged"
    share = f", {signed_percent(change.delta_fraction)}" if change.delta_usd_per_month else ""
    return f"{total} · {signed_usd(change.delta_usd_per_month)}{share} against {change.base}"


def _verdict(checked: Checked) -> RenderableType:
    style = "good" if checked.passed else "bad"
    scenarios = f"{len(checked.scenarios):,} scenario{'s' if len(checked.scenarios) != 1 else ''}"
    return Group(
        Text.assemble((verdict_words(checked), style), (f" · exit {checked.exit_code}", "dim")),
        Text(f"{scenarios} · {change_words(checked)}" if checked.scenarios else change_words(checked)),
    )


Details = tuple[tuple[str, str], ...]


def told_once(findings: Sequence[Finding]) -> Iterator[tuple[Finding, Details]]:
    """Yield each finding with what is expected, cause and cure; one that repeats the finding above is left out."""
    above: Details = ()
    for finding in findings:
        known = (("expected", finding.expected), ("cause", finding.cause), ("cure", finding.cure))
        details = tuple((label, words) for label, words in known if words)
        yield finding, tuple(each for each in details if each[0] == "expected" or each not in above)
        above = details


def _finding(finding: Finding, details: Details) -> RenderableType:
    head = Text.assemble((finding.severity, STYLES[finding.severity]), " ", (finding.rule, "head"))
    if finding.place is not None:
        head.append(f"  {finding.place}", style="dim")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for label, words in details:
        table.add_row(label, Text(words))
    return Group(head, Padding(Text(finding.message), (0, 0, 0, 2)), Padding(table, (0, 0, 0, 2)))


def _waived(waived: Waived) -> Text:
    finding = waived.finding
    about = finding.scenario or "all scenarios"
    return Text.assemble(
        ("waived", "dim"),
        f" {finding.rule} of {about} until {waived.expires.isoformat()}: {waived.reason}",
        (f" ({waived.file})", "dim"),
    )


def _table(checked: Checked) -> RenderableType:
    table = grid("scenario", "before", "USD/month", "change", "", "findings")
    ranked = by_change(checked)
    for cost in ranked[:SHOWN_SCENARIOS]:
        before, delta = cost.usd_per_month_before, cost.delta_usd_per_month
        share = delta / before if delta is not None and before else None
        table.add_row(
            Text(cost.name),
            usd(before) if before is not None else "–",
            usd(cost.usd_per_month),
            signed_usd(delta) if delta is not None else "–",
            signed_percent(share) if share else "",
            str(cost.findings) if cost.findings else "",
        )
    if len(ranked) <= SHOWN_SCENARIOS:
        return table
    return Group(table, Text(f"and {len(ranked) - SHOWN_SCENARIOS:,} more", style="dim"))


def by_change(checked: Checked) -> list[ScenarioCost]:
    """Return the scenarios, those whose cost changes most first, then those with findings."""
    return sorted(
        checked.scenarios,
        key=lambda cost: (-abs(cost.delta_usd_per_month or 0.0), -cost.findings, cost.name),
    )


def check_json(checked: Checked) -> str:
    """Return a check as JSON text."""
    difference = checked.difference
    document: dict[str, object] = {
        "schema": SCHEMA,
        "status": "passed" if checked.passed else "failed",
        "exit_code": checked.exit_code,
        "today": checked.today,
        "usd_per_month": checked.usd_per_month if checked.scenarios else None,
        "delta_usd_per_month": difference.delta_usd_per_month if difference is not None else None,
        "delta_fraction": difference.delta_fraction if difference is not None else None,
        "compared_with": difference.base if difference is not None else None,
        "findings": checked.findings,
        "waived": checked.waived,
        "scenarios": [
            plain(cost) | {"delta_usd_per_month": cost.delta_usd_per_month} for cost in checked.scenarios
        ],
        "causes": difference.causes if difference is not None else (),
    }
    return to_json(document)
