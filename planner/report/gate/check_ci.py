"""A check for the machines that read it: GitHub's annotations and outputs, GitLab's code quality."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from planner.report.gate.check_text import verdict_words
from planner.specs.gate.finding import Checked, Finding
from planner.specs.scenario.gates import Severity

COMMANDS: Mapping[Severity, str] = {"error": "error", "warning": "warning", "note": "notice"}
GITLAB: Mapping[Severity, str] = {"error": "critical", "warning": "minor", "note": "info"}
FINGERPRINT_DIGITS = 32  #: 128 bits, as long as the MD5 sums in GitLab's examples


def seen_from(checked: Checked, folder: str) -> Checked:
    """Return a check whose files are named from the top of the repository, where CI looks for them.

    ``folder`` is where the check ran, from there; files outside of it are left as they are.
    """

    def moved(finding: Finding) -> Finding:
        file = finding.file
        inside = file is not None and not file.startswith(("/", ".."))
        return replace(finding, file=f"{folder}/{file}") if inside else finding

    return replace(
        checked,
        scenarios=tuple(replace(each, file=f"{folder}/{each.file}") for each in checked.scenarios),
        findings=tuple(moved(finding) for finding in checked.findings),
        waived=tuple(replace(each, finding=moved(each.finding)) for each in checked.waived),
    )


def github_annotations(checked: Checked) -> str:
    """Return one workflow command a finding, worst first; GitHub shows the first ten of a kind in each step."""
    lines = [_annotation(finding) for finding in checked.findings]
    lines.append(f"::notice title=planner check::{_data(verdict_words(checked))}")
    return "\n".join(lines) + "\n"


def _annotation(finding: Finding) -> str:
    places = {"file": finding.file, "line": str(finding.line) if finding.line is not None else None}
    properties = {**places, "title": f"planner {finding.rule}"}
    known = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value is not None)
    details = (
        f"{label}: {words}" for label, words in (("cause", finding.cause), ("cure", finding.cure)) if words
    )
    return f"::{COMMANDS[finding.severity]} {known}::{_data(chr(10).join((finding.message, *details)))}"


def _data(text: str) -> str:
    """Escape the message of a workflow command; other control characters become spaces."""
    text = "".join(char if char == "\n" or char.isprintable() else " " for char in text)
    return text.replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a property of a workflow command."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def github_outputs(checked: Checked) -> str:
    """Return the outputs of the step: total, delta, delta_pct, status; delta and its share are empty when unknown."""
    change = checked.difference
    share = change.delta_fraction if change is not None else None
    outputs = {
        "total": f"{checked.usd_per_month:.2f}" if checked.scenarios else "",
        "delta": f"{change.delta_usd_per_month:.2f}" if change is not None else "",
        "delta_pct": f"{share * 100:.2f}" if share is not None else "",
        "status": "passed" if checked.passed else "failed",
    }
    return "".join(f"{name}={value}\n" for name, value in outputs.items())


def gitlab_code_quality(checked: Checked) -> str:
    """Return GitLab's code-quality report: one entry a finding."""
    entries = [
        {
            "description": finding.message,
            "check_name": f"planner.{finding.rule}",
            "fingerprint": fingerprint(finding),
            "severity": GITLAB[finding.severity],
            "location": {
                "path": finding.file or default_file(checked),
                "lines": {"begin": finding.line or 1},
            },
        }
        for finding in checked.findings
    ]
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def fingerprint(finding: Finding) -> str:
    """Return what stays the same when a finding moves or its amount changes: rule, scenario and subject, hashed."""
    identity = "\0".join((finding.rule, finding.scenario or "", finding.subject))
    return hashlib.sha256(identity.encode()).hexdigest()[:FINGERPRINT_DIGITS]


def default_file(checked: Checked) -> str:
    """Return the file that a finding about everything is shown at: readers of these formats want one."""
    return checked.scenarios[0].file if checked.scenarios else "planner.yaml"
