"""A check as SARIF 2.1.0, for code scanning: rules, results with stable fingerprints, waivers as suppressions."""

from __future__ import annotations

import json
from urllib.parse import quote

from planner import __version__
from planner.report.gate.check_ci import default_file, fingerprint
from planner.specs.gate.finding import CHECK_RULES, Checked, CheckRule, Finding, Waived
from planner.specs.scenario.gates import RuleId

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RULE_IDS: tuple[RuleId, ...] = tuple(CHECK_RULES)


def sarif(checked: Checked) -> str:
    """Return a check as SARIF 2.1.0."""
    fallback = default_file(checked)
    results = [_result(finding, fallback) for finding in checked.findings]
    results.extend(_suppressed(waived, fallback) for waived in checked.waived)
    run = {
        "tool": {
            "driver": {
                "name": "planner",
                "version": __version__,
                "rules": [_rule(rule_id, rule) for rule_id, rule in CHECK_RULES.items()],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _rule(rule_id: RuleId, rule: CheckRule) -> dict[str, object]:
    return {
        "id": rule_id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.help},
        "help": {"text": rule.help},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(finding: Finding, fallback: str) -> dict[str, object]:
    parts = [finding.message]
    parts.extend(
        f"{label}: {words}" for label, words in (("Cause", finding.cause), ("Cure", finding.cure)) if words
    )
    return {
        "ruleId": finding.rule,
        "ruleIndex": RULE_IDS.index(finding.rule),
        "level": finding.severity,
        "message": {"text": "\n".join(parts)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(finding.file or fallback), "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": finding.line or 1},
                }
            }
        ],
        "partialFingerprints": {"plannerFinding/v1": fingerprint(finding)},
    }


def _suppressed(waived: Waived, fallback: str) -> dict[str, object]:
    justification = f"{waived.reason} (until {waived.expires.isoformat()}, {waived.file})"
    suppression = {"kind": "external", "status": "accepted", "justification": justification}
    return {**_result(waived.finding, fallback), "suppressions": [suppression]}
