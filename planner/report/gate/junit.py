"""A check as JUnit XML: one test case a rule and scenario, so that every CI shows it as it shows tests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from planner.specs.gate.finding import CHECK_RULES, Checked, Finding, Waived
from planner.specs.scenario.gates import RuleId

CLASSNAME = "planner.check"
ALL = "all scenarios"
_FORBIDDEN = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(checked: Checked) -> str:
    """Return a check as JUnit XML, valid under the strict schema of the Ant tasks.

    An error fails its case, a waived one is skipped; warnings stand in the output of their suite.
    """
    places: list[str | None] = [*(cost.name for cost in checked.scenarios), None]
    suites = [_suite(checked, place, number) for number, place in enumerate(places)]
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", *suites, "</testsuites>", ""])


def _suite(checked: Checked, scenario: str | None, number: int) -> str:
    """Return the suite of one scenario, or of what is about all of them."""
    mine = [finding for finding in checked.findings if finding.scenario == scenario]
    waived = [each for each in checked.waived if each.finding.scenario == scenario]
    cases = [_case(rule, mine, waived, scenario) for rule in CHECK_RULES]
    counts = {
        "tests": len(cases),
        "failures": sum("<failure" in case for case in cases),
        "errors": 0,
        "skipped": sum("<skipped" in case for case in cases),
        "time": 0,
        "id": number,
    }
    attributes = " ".join(f'{name}="{value}"' for name, value in counts.items())
    rest = "\n\n".join(_details(finding) for finding in mine if finding.severity != "error")
    head = (
        f"  <testsuite name={quoteattr(_token(scenario or ALL))} package={quoteattr(CLASSNAME)} {attributes} "
        f'timestamp="{checked.today.isoformat()}T00:00:00" hostname="localhost">'
    )
    output = f"    <system-out>{escape(_clean(rest))}</system-out>"
    tail = (output, "    <system-err/>", "  </testsuite>")
    return "\n".join([head, "    <properties/>", *cases, *tail])


def _case(rule: RuleId, findings: Sequence[Finding], waived: Sequence[Waived], scenario: str | None) -> str:
    errors = [finding for finding in findings if finding.rule == rule and finding.severity == "error"]
    accepted = [each for each in waived if each.finding.rule == rule]
    classname = quoteattr(f"{CLASSNAME}.{_token(scenario or ALL)}")
    head = f'    <testcase name="{rule}" classname={classname} time="0"'
    if errors:
        message = quoteattr(_token(errors[0].message))
        text = escape(_clean("\n\n".join(map(_details, errors))))
        return f'{head}>\n      <failure type="{rule}" message={message}>{text}</failure>\n    </testcase>'
    if accepted:
        reason = quoteattr(_token(f"{accepted[0].reason} (until {accepted[0].expires.isoformat()})"))
        return f"{head}>\n      <skipped message={reason}/>\n    </testcase>"
    return f"{head}/>"


def _details(finding: Finding) -> str:
    known = (
        (None, f"{finding.severity} {finding.rule}: {finding.message}"),
        ("expected", finding.expected),
        ("actual", finding.found),
        ("at", finding.place),
        ("cause", finding.cause),
        ("cure", finding.cure),
    )
    return "\n".join(f"{label}: {words}" if label else str(words) for label, words in known if words)


def _token(text: str) -> str:
    """Return a text as one line without outer spaces, as the schema wants names to be."""
    return " ".join(_clean(text).split())


def _clean(text: str) -> str:
    """Drop the characters that XML 1.0 cannot hold."""
    return _FORBIDDEN.sub("", text)
