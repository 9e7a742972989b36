"""Every format of a check against its schema, and against what files and waivers may say."""

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import xmlschema

from planner.report.gate.check_ci import (
    fingerprint,
    github_annotations,
    github_outputs,
    gitlab_code_quality,
)
from planner.report.gate.check_markdown import MARKER, check_html, check_markdown
from planner.report.gate.check_text import check_json, check_parts
from planner.report.gate.junit import junit
from planner.report.gate.sarif import sarif
from planner.report.markdown import cell
from planner.report.screen import render
from planner.specs.gate.difference import Cause, Difference
from planner.specs.gate.finding import CHECK_RULES, Checked, Finding, ScenarioCost, Waived
from tests.differences import main_against_tree, scenario_change

SCHEMAS = Path("tests/schemas")
GOLDEN = Path("tests/golden")
COMMENT_LIMIT = 65_536  # GitHub, issue comments

RISE = Finding(
    rule="COST-TOTAL",
    severity="error",
    scenario="support-chatbot",
    file="scenarios/support-chatbot.yaml",
    line=12,
    message="support-chatbot costs 849.60 → 1,281.60 USD/month (+432.00, +50.8%)",
    expected="at most +5% or +1.00 USD/month, whichever is more",
    found="+432.00 USD/month",
    cause="system prompt 1,200 → 3,200 tokens (prompts/system.md) +432.00",
    cure="shorten the prompt, or cache its static prefix; or accept it with a waiver",
    usd_per_month=432.0,
)
RETIRES = Finding(
    rule="PRICE-RETIRED",
    severity="warning",
    scenario="support-chatbot",
    subject="anthropic/claude-3-5-sonnet",
    file="scenarios/support-chatbot.yaml",
    line=17,
    message="support-chatbot: anthropic/claude-3-5-sonnet retires on 2025-10-28, before the 12 months of the plan end",
    expected="sold until 2026-06-15",
    found="retired on 2025-10-28",
    cure="plan its successor",
)
TOTAL = Finding(
    rule="BUDGET", severity="error", subject="all scenarios", message="1,500.00 USD/month exceed 1,000.00"
)
WAIVED = Waived(
    finding=replace(RISE, rule="COST-LINE", subject="input", message="support-chatbot: input costs more"),
    reason="launch of the new system prompt",
    expires=date(2026, 12, 31),
    file="planner.yaml",
)


def difference_of(delta: float) -> Difference:
    prompt = Cause(
        kind="tokens per request",
        name="prompt part system",
        usd_per_month=delta,
        before="1,200 tokens",
        after="3,200 tokens",
        file="prompts/system.md",
        tokens_per_request=2000.0,
    )
    changed = scenario_change(
        "support-chatbot", prompt, file="scenarios/support-chatbot.yaml", before=849.6, delta=delta
    )
    other = scenario_change("rag-documents", file="scenarios/rag-documents.yaml", before=100.0, delta=0.0)
    return main_against_tree(changed, replace(other, status="unchanged"), as_of=date(2025, 6, 15))


def checked_of(*findings: Finding, waived: tuple[Waived, ...] = (WAIVED,), code: int = 1) -> Checked:
    costs = (
        ScenarioCost(
            name="support-chatbot",
            file="scenarios/support-chatbot.yaml",
            usd_per_month=1281.6,
            usd_per_month_before=849.6,
            usd_per_request=0.004272,
            findings=len(findings),
        ),
        ScenarioCost(
            name="rag-documents",
            file="scenarios/rag-documents.yaml",
            usd_per_month=100.0,
            usd_per_month_before=100.0,
            usd_per_request=0.001,
            findings=0,
        ),
    )
    return Checked(
        today=date(2026, 11, 23),
        scenarios=costs,
        findings=findings,
        waived=waived,
        difference=difference_of(432.0),
        exit_code=code,
    )


FAILED = checked_of(RISE, TOTAL, RETIRES)
PASSED = replace(checked_of(code=0, waived=()), difference=difference_of(0.0))
NASTY = replace(
    RISE,
    message="a | b <script>alert(1)</script> @team\n::error::injected %0A `x` \x0b",
    file="scenarios/a b,c:d.yaml",
)


def validate(document: Any, schema: str) -> None:
    jsonschema.Draft202012Validator(
        json.loads((SCHEMAS / schema).read_text()),
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    ).validate(document)


@pytest.mark.parametrize("checked", [FAILED, PASSED, checked_of(NASTY)], ids=["failed", "passed", "nasty"])
def test_sarif_is_valid_by_the_public_schema(checked: Checked) -> None:
    document = json.loads(sarif(checked))
    validate(document, "sarif-2.1.0.json")
    del document["runs"][0]["tool"]
    with pytest.raises(jsonschema.ValidationError, match="'tool' is a required property"):
        validate(document, "sarif-2.1.0.json")


@pytest.mark.parametrize("checked", [FAILED, PASSED, checked_of(NASTY)], ids=["failed", "passed", "nasty"])
def test_junit_is_valid_by_the_public_schema(checked: Checked) -> None:
    schema = xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd")
    text = junit(checked)
    schema.validate(text)
    with pytest.raises(xmlschema.XMLSchemaValidationError, match="missing required attribute 'failures'"):
        schema.validate(re.sub(r' failures="\d+"', "", text))


@pytest.mark.parametrize("checked", [FAILED, PASSED, checked_of(NASTY)], ids=["failed", "passed", "nasty"])
def test_sarif_is_valid_and_every_result_names_a_rule(checked: Checked) -> None:
    document = json.loads(sarif(checked))
    validate(document, "sarif-2.1.0.subset.json")
    (run,) = document["runs"]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(ids[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    assert len(run["results"]) == len(checked.findings) + len(checked.waived)


def test_a_waived_finding_is_suppressed_in_sarif_with_its_reason() -> None:
    (suppressed,) = [
        each for each in json.loads(sarif(FAILED))["runs"][0]["results"] if "suppressions" in each
    ]
    assert suppressed["suppressions"][0]["justification"].startswith("launch of the new system prompt")


def test_a_fingerprint_stays_when_line_and_amount_change_and_differs_by_subject() -> None:
    moved = replace(RISE, line=40, message="another amount", usd_per_month=1.0)
    assert fingerprint(moved) == fingerprint(RISE)
    others = {
        fingerprint(each) for each in (RISE, replace(RISE, scenario="x"), replace(RISE, subject="y"), RETIRES)
    }
    assert len(others) == 4


@pytest.mark.parametrize("checked", [FAILED, PASSED, checked_of(NASTY)], ids=["failed", "passed", "nasty"])
def test_gitlab_code_quality_is_valid(checked: Checked) -> None:
    document = json.loads(gitlab_code_quality(checked))
    validate(document, "gitlab-code-quality.json")
    for entry in document:  # what GitLab's own parser requires
        assert {"description", "fingerprint", "severity", "location"} <= set(entry)
        assert isinstance(entry["location"]["lines"]["begin"], int)
    assert len({entry["fingerprint"] for entry in document}) == len(checked.findings)


@pytest.mark.parametrize("checked", [FAILED, PASSED, checked_of(NASTY)], ids=["failed", "passed", "nasty"])
def test_junit_holds_what_the_schema_of_the_ant_tasks_asks_for(checked: Checked) -> None:
    root = ET.fromstring(junit(checked))
    assert (root.tag, root.attrib) == ("testsuites", {})
    for number, suite in enumerate(root):
        assert suite.attrib["id"] == str(number)
        assert {"name", "package", "timestamp", "hostname", "tests", "failures", "errors", "time"} <= set(
            suite.attrib
        )
        tags = [child.tag for child in suite]
        assert tags == ["properties", *["testcase"] * (len(tags) - 3), "system-out", "system-err"]
        cases = suite.findall("testcase")
        assert len(cases) == int(suite.attrib["tests"]) == len(CHECK_RULES)
        assert len(suite.findall("testcase/failure")) == int(suite.attrib["failures"])
        for case in cases:
            assert {"name", "classname", "time"} == set(case.attrib)
            assert len(case) <= 1
            assert all(each.tag == "skipped" or "type" in each.attrib for each in case)
        for name in (suite.attrib["name"], *(case.attrib["classname"] for case in cases)):
            assert name == " ".join(name.split())


def test_junit_has_one_case_a_rule_and_scenario_and_fails_those_with_errors() -> None:
    root = ET.fromstring(junit(FAILED))
    assert [suite.attrib["name"] for suite in root] == ["support-chatbot", "rag-documents", "all scenarios"]
    failed = {
        (case.attrib["classname"], case.attrib["name"]) for case in root.iterfind(".//testcase[failure]")
    }
    assert failed == {
        ("planner.check.support-chatbot", "COST-TOTAL"),
        ("planner.check.all scenarios", "BUDGET"),
    }
    text = root.findtext(".//failure")
    assert text is not None
    assert "expected: at most +5%" in text
    assert "actual: +432.00 USD/month" in text
    assert len(root.findall(".//skipped")) == 1


def test_an_annotation_is_one_line_whatever_the_message_holds() -> None:
    lines = github_annotations(checked_of(NASTY)).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("::error file=scenarios/a b%2Cc%3Ad.yaml,line=12,title=planner COST-TOTAL::")
    assert "%0A::error::injected %250A" in lines[0]


def test_annotations_name_file_and_line_and_come_worst_first() -> None:
    lines = github_annotations(FAILED).splitlines()
    assert lines[0].startswith(
        "::error file=scenarios/support-chatbot.yaml,line=12,title=planner COST-TOTAL::"
    )
    assert "%0Acause: system prompt 1,200 → 3,200 tokens" in lines[0]
    assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::warning", "::notice"]


def test_the_outputs_are_total_delta_its_share_and_status() -> None:
    assert github_outputs(FAILED).splitlines() == [
        "total=1381.60",
        "delta=432.00",
        "delta_pct=45.49",  # 432.00 of 949.60
        "status=failed",
    ]
    alone = replace(PASSED, difference=None)
    assert "delta=\n" in github_outputs(alone)


def test_the_comment_is_the_golden_one(update_golden: bool) -> None:
    golden = GOLDEN / "check-comment.md"
    shown = check_markdown(FAILED)
    if update_golden:
        golden.write_text(shown)
    assert shown == golden.read_text()


@pytest.mark.parametrize("count", [50, 5000])
def test_the_comment_stays_below_the_limit_with_thousands_of_scenarios(count: int) -> None:
    findings = tuple(
        replace(RISE, scenario=f"scenario-{index}", message="m" * 900, cause="c" * 900)
        for index in range(count)
    )
    costs = tuple(
        ScenarioCost(
            name=f"scenario-{index}-{'n' * 80}",
            file=f"scenarios/{index}.yaml",
            usd_per_month=2.0 * index,
            usd_per_month_before=1.0 * index,
            usd_per_request=None,
            findings=1,
        )
        for index in range(count)
    )
    many = replace(FAILED, findings=findings, scenarios=costs, waived=(WAIVED,) * count)
    shown = check_markdown(many)
    assert len(shown) < COMMENT_LIMIT
    assert f"and {count - 25:,} more" in shown
    assert shown.count("<details>") == shown.count("</details>")


def test_a_comment_that_would_be_too_long_is_cut_at_a_line_and_says_so() -> None:
    long = tuple(
        Cause(
            kind="volume",
            name="n" * 390,
            usd_per_month=1.0,
            before="b" * 390,
            after="a" * 390,
            file="f" * 390,
        )
        for _ in range(60)
    )
    change = replace(difference_of(432.0), causes=long)
    wide = tuple(
        replace(RISE, message="<" * 400, cause="<" * 400, cure="<" * 400, expected="<" * 400)
        for _ in range(25)
    )
    shown = check_markdown(replace(FAILED, difference=change, findings=wide))
    assert len(shown) < COMMENT_LIMIT
    assert "Cut here" in shown


def test_a_comment_holds_no_markup_of_a_file_and_calls_nobody() -> None:
    shown = check_markdown(checked_of(NASTY))
    assert "<script>" not in shown
    assert "@team" not in shown
    assert shown.startswith(MARKER)
    assert cell("x" * 1000).endswith("…")


def test_a_page_of_html_holds_no_markup_of_a_file() -> None:
    shown = check_html(checked_of(NASTY))
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert shown.startswith("<!doctype html>")


def test_json_tells_status_findings_and_change() -> None:
    found = json.loads(check_json(FAILED))
    assert (found["schema"], found["status"], found["exit_code"]) == ("planner.check/1", "failed", 1)
    assert found["delta_usd_per_month"] == 432.0
    assert [each["rule"] for each in found["findings"]] == ["COST-TOTAL", "BUDGET", "PRICE-RETIRED"]
    assert found["waived"][0]["reason"] == "launch of the new system prompt"
    assert found["scenarios"][0]["delta_usd_per_month"] == pytest.approx(432.0)


@pytest.mark.parametrize("width", [80, 160])
def test_the_screen_tells_the_verdict_first_and_fits(width: int) -> None:
    lines = render(*check_parts(FAILED), width=width, color=False).splitlines()
    assert lines[0] == "failed: 2 errors, 1 warning, 1 waived · exit 1"
    assert lines[1] == "2 scenarios · 1,381.60 USD/month · +432.00, +45.5 % against main"
    assert max(map(len, lines)) <= width
    assert any(line.startswith("waived COST-LINE of support-chatbot until 2026-12-31") for line in lines)


def test_without_anything_to_compare_with_the_screen_says_so() -> None:
    lines = render(*check_parts(replace(PASSED, difference=None)), width=100, color=False).splitlines()
    assert lines[0] == "passed: nothing found · exit 0"
    assert "nothing to compare with" in lines[1]
    assert "changes are not judged" in check_markdown(replace(PASSED, difference=None))


def test_a_scenario_of_unknown_cost_is_said_and_never_counted_as_nothing() -> None:
    unknown = replace(FAILED.scenarios[0], usd_per_month=None)
    checked = replace(FAILED, scenarios=(unknown, FAILED.scenarios[1]))
    text = render(*check_parts(checked), width=100, color=False)
    assert "100.00 USD/month and 1 of unknown cost" in text
    assert "unknown" in check_markdown(checked)
    assert json.loads(check_json(checked))["scenarios"][0]["delta_usd_per_month"] is None


def test_files_that_cannot_be_read_leave_no_total_that_could_be_taken_for_one() -> None:
    fault = Finding(rule="INPUT", severity="error", message="x.yaml:3: expected a key", file="x.yaml", line=3)
    broken = replace(FAILED, scenarios=(), findings=(fault,), waived=(), difference=None, exit_code=2)
    assert "nothing was priced" in render(*check_parts(broken), width=100, color=False)
    assert "LLM cost: unknown, nothing could be priced" in check_markdown(broken)
    assert github_outputs(broken).splitlines()[0] == "total="
    assert json.loads(gitlab_code_quality(broken))[0]["location"]["path"] == "x.yaml"
    assert "0.00" not in check_markdown(broken)
