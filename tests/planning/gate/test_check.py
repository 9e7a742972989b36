"""The rules of ``planner check``: what each finds, what gates and waivers make of it, and the exit code."""

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from planner.inputs.estimating import read_all
from planner.planning.estimate import estimate_scenario
from planner.planning.gate.check import CheckRequest, check, gates_of
from planner.planning.lock.outcome import outcome_of
from planner.specs.gate.difference import Cause, ScenarioDifference
from planner.specs.gate.finding import Checked, Finding
from planner.specs.gate.outcome import Outcome
from planner.specs.gate.side import Entry
from planner.specs.gate.staleness import StaleReason
from planner.specs.scenario.gates import Gates, Project, ProjectWaiver, TotalBudget
from tests.differences import main_against_tree

TODAY = date(2026, 11, 23)
CHAT, RAG, BULK = (
    f"scenarios/{name}.yaml" for name in ("support-chatbot", "rag-documents", "bulk-summarisation")
)
OPEN = "constraints.data=self_hosted"


@cache
def entry(path: str, *sets: str) -> Entry:
    """Read a scenario; rag-documents looks one month ahead, within which its model can be bought."""
    near = ("traffic.horizon_months=1",) if path == RAG else ()
    (case,) = read_all((Path(path),), (*near, *sets))
    return Entry(place=path, case=case, as_of=case.scenario.as_of or TODAY)


def outcome(found: Entry) -> Outcome:
    return outcome_of(found.case, estimate_scenario(found.case, found.as_of))


def changed(before: Entry | None, after: Entry, *causes: Cause) -> ScenarioDifference:
    old, new = outcome(before) if before is not None else None, outcome(after)
    was, now = old.usd_per_month if old is not None else None, new.usd_per_month
    return ScenarioDifference(
        name=after.case.scenario.name,
        status="changed" if before is not None else "added",
        file_before=before.place if before is not None else None,
        file_after=after.place,
        renamed=False,
        before=old,
        after=new,
        usd_per_month_before=was,
        usd_per_month_after=now,
        delta_usd_per_month=(now or 0.0) - (was or 0.0),
        causes=causes,
        metrics=(),
        within_error=False,
        unknowns=(),
    )


def run(
    *entries: Entry,
    changes: tuple[ScenarioDifference, ...] = (),
    project: Project | None = None,
    flags: Gates | None = None,
    today: date = TODAY,
    stale: tuple[StaleReason, ...] = (),
    broken: tuple[Finding, ...] = (),
) -> Checked:
    request = CheckRequest(
        entries=entries,
        difference=main_against_tree(*changes, as_of=TODAY) if changes else None,
        project=project or Project(),
        flags=flags or Gates(),
        today=today,
        stale=stale,
        broken=broken,
    )
    return check(request)


def rules(checked: Checked, severity: str | None = None) -> list[str]:
    return [each.rule for each in checked.findings if severity in (None, each.severity)]


LONGER = Cause(
    kind="tokens per request",
    name="prompt",
    usd_per_month=432.0,
    before="2,000 tokens",
    after="4,000 tokens",
    keys=("prompt.input_tokens",),
    file="prompts/system.md",
)


def test_a_scenario_that_changes_nothing_passes() -> None:
    checked = run(entry(RAG), changes=(changed(entry(RAG), entry(RAG)),))
    assert (checked.findings, checked.exit_code, checked.passed) == ((), 0, True)


def test_a_longer_prompt_breaks_total_line_and_request_at_the_line_that_changed() -> None:
    """Input is 432.00 of 849.60 USD/month; twice the tokens add 432.00, which is 50.8 % of the total."""
    after = entry(CHAT, "prompt.input_tokens=4000")
    checked = run(after, changes=(changed(entry(CHAT), after, LONGER),))
    assert rules(checked, "error") == ["COST-TOTAL", "COST-LINE", "COST-REQUEST"]
    total = next(each for each in checked.findings if each.rule == "COST-TOTAL")
    assert total.message == "support-chatbot costs 849.60 → 1,281.60 USD/month (+432.00, +50.8 %)"
    assert total.place == f"{CHAT}:11"
    assert total.cause == "prompt 2,000 → 4,000 tokens (prompts/system.md) +432.00"
    assert checked.exit_code == 1


@pytest.mark.parametrize(
    ("gates", "found"),
    [
        (Gates(max_increase_fraction=0.6), False),
        (Gates(max_increase_fraction=0.5), True),
        (Gates(max_increase_usd_per_month=500), False),
        (Gates(max_increase_usd_per_month=400), True),
    ],
)
def test_a_rise_must_pass_both_the_share_and_the_amount(gates: Gates, found: bool) -> None:
    after = entry(CHAT, "prompt.input_tokens=4000")
    checked = run(after, changes=(changed(entry(CHAT), after),), flags=gates)
    assert ("COST-TOTAL" in rules(checked)) is found


def test_more_traffic_costs_more_but_not_a_request() -> None:
    after = entry(CHAT, "traffic.requests_per_day=20000")
    found = rules(run(after, changes=(changed(entry(CHAT), after),)))
    assert "COST-TOTAL" in found
    assert "COST-REQUEST" not in found


def test_a_new_scenario_is_judged_by_the_amount_alone() -> None:
    checked = run(entry(CHAT), changes=(changed(None, entry(CHAT)),))
    total = next(each for each in checked.findings if each.rule == "COST-TOTAL")
    assert "new" in total.message
    allowed = Gates(max_increase_usd_per_month=1000)
    assert "COST-TOTAL" not in rules(run(entry(CHAT), changes=(changed(None, entry(CHAT)),), flags=allowed))


def test_a_large_fall_is_a_warning_and_does_not_fail() -> None:
    after = entry(CHAT, "traffic.requests_per_day=100")
    checked = run(after, changes=(changed(entry(CHAT), after),))
    assert rules(checked) == ["COST-DECREASE", "PRICE-RETIRED"]
    assert checked.exit_code == 0


def test_a_scenario_without_a_cost_before_or_after_is_not_judged_by_change() -> None:
    nothing = replace(changed(entry(CHAT), entry(CHAT)), usd_per_month_after=None)
    unknown = replace(changed(entry(CHAT), entry(CHAT)), usd_per_month_before=None)
    for change in (nothing, unknown):
        assert not [rule for rule in rules(run(entry(CHAT), changes=(change,))) if rule.startswith("COST")]


def test_a_request_without_an_option_has_no_price_to_compare() -> None:
    change = changed(entry(CHAT), entry(CHAT))
    assert change.before is not None
    without = replace(change, before=change.before.model_copy(update={"usd_per_month": None}))
    assert "COST-REQUEST" not in rules(run(entry(CHAT), changes=(without,)))


def test_the_total_of_several_scenarios_is_a_finding_of_its_own() -> None:
    after, other = entry(CHAT, "prompt.input_tokens=4000"), entry(RAG, "prompt.output_tokens=400")
    alone = run(after, entry(RAG), changes=(changed(entry(CHAT), after), changed(entry(RAG), entry(RAG))))
    assert all(each.scenario is not None for each in alone.findings)
    checked = run(after, other, changes=(changed(entry(CHAT), after, LONGER), changed(entry(RAG), other)))
    calm = Gates(max_increase_fraction=5)
    quiet = run(after, other, changes=(changed(entry(CHAT), after), changed(entry(RAG), other)), flags=calm)
    assert all(each.scenario is not None for each in quiet.findings)
    (total,) = [each for each in checked.findings if each.scenario is None]
    assert total.message.startswith("all 2 scenarios together cost ")
    assert total.cause is not None


def test_lines_of_the_api_are_not_judged_where_own_machines_serve() -> None:
    before = entry(BULK, OPEN)
    after = entry(BULK, OPEN, "prompt.input_tokens=2400")
    assert outcome(after).choice is not None
    assert "COST-LINE" not in rules(run(after, changes=(changed(before, after),)))


def test_a_budget_that_is_crossed_fails_and_one_that_was_over_before_warns() -> None:
    """rag-documents costs some hundred USD a month."""
    over = entry(RAG, "budget.usd_per_month=10")
    assert rules(run(over), "error") == ["BUDGET"]
    again = run(over, changes=(changed(over, over),))
    assert rules(again, "warning") == ["BUDGET"]
    within = entry(RAG, "budget.usd_per_request=1")
    assert rules(run(within), "error") == []
    each = entry(RAG, "budget.usd_per_month=null", "budget.usd_per_request=0.0000001")
    assert rules(run(each), "error") == ["BUDGET"]


def test_the_project_has_a_budget_for_all_scenarios_together() -> None:
    project = Project(budget=TotalBudget(usd_per_month=500))
    found = [each for each in run(entry(CHAT), project=project).findings if each.rule == "BUDGET"]
    assert [each.scenario for each in found] == [None]
    assert "849.60 USD/month of all scenarios exceed the project's budget of 500.00" in found[0].message


def test_a_model_without_a_price_is_a_finding_of_its_own_and_exits_with_3() -> None:
    late = replace(entry(CHAT), as_of=date(2026, 6, 1))
    checked = run(late, entry(RAG))
    assert rules(checked, "error") == ["PRICE-MISSING"]
    assert checked.exit_code == 3
    assert [cost.usd_per_month is None for cost in checked.scenarios] == [True, False]


def test_a_scenario_that_cannot_be_served_exits_with_2() -> None:
    assert run(entry(CHAT, "prompt.input_tokens=500000")).exit_code == 2


def test_a_price_that_was_not_checked_lately_is_stale_by_the_gate() -> None:
    later = date(2027, 6, 1)  # 190 days after 2026-11-23
    assert "PRICE-STALE" in rules(run(entry(RAG), today=later), "warning")
    assert "PRICE-STALE" not in rules(run(entry(RAG), today=later, flags=Gates(max_price_age_days=365)))
    strict = Project(severities={"PRICE-STALE": "error"})
    assert run(entry(RAG), today=later, project=strict).exit_code == 3


def test_the_price_of_the_rented_machine_and_the_fitted_profile_age_too() -> None:
    own = entry(BULK, OPEN)
    found = run(own, today=date(2029, 1, 1)).findings
    assert {each.rule for each in found} >= {"PRICE-STALE", "PROFILE-STALE"}
    rental = estimate_scenario(own.case, own.as_of).recommendation.hosting
    assert rental is not None
    assert rental.rental in {each.subject for each in found}


def test_a_model_that_retires_within_the_horizon_is_said_at_the_line_that_names_it() -> None:
    (found,) = run(entry(CHAT)).findings
    assert (found.rule, found.severity) == ("PRICE-RETIRED", "warning")
    assert found.place == f"{CHAT}:17"


def test_a_cascade_and_a_failover_model_are_found_by_name() -> None:
    cascade = entry(
        "scenarios/routing-cascade.yaml",
        "traffic.horizon_months=120",
        "reliability={error_rate: 0.1, failover_model: openai/gpt-4o-mini}",
    )
    found = {each.subject: each.line for each in run(cascade).findings if each.rule == "PRICE-RETIRED"}
    assert "openai/gpt-4o-mini" in found


def test_a_limit_that_the_peak_exceeds_fails_and_a_tight_one_warns() -> None:
    exceeded = run(entry(CHAT, "traffic.requests_per_day=1000000"))
    limits = [each for each in exceeded.findings if each.rule == "LIMIT"]
    assert {each.severity for each in limits} == {"error"}
    assert "accounts" in Path(CHAT).read_text().splitlines()[limits[0].line or 0] or limits[0].line
    tight = run(entry(CHAT, "traffic.requests_per_day=50000"))
    assert [each.severity for each in tight.findings if each.rule == "LIMIT"] == ["warning"]


def test_a_limit_does_not_matter_where_the_api_is_not_used() -> None:
    busy = entry(BULK, OPEN, "accounts={}")
    assert "LIMIT" not in rules(run(busy))


def test_own_machines_that_miss_the_target_are_an_slo_finding_when_nothing_else_holds() -> None:
    strict = entry(BULK, OPEN, "slo.ttft_p95_ms=1")
    found = run(strict)
    assert set(rules(found, "error")) == {"SLO"}
    assert found.exit_code == 1


def test_a_context_that_no_longer_fits_is_a_fit_finding() -> None:
    large = entry(BULK, OPEN, "hosting.self_hosted.gpus=[l4]", "hosting.self_hosted.models=[llama-3.1-405b]")
    assert "FIT" in rules(run(large), "error")


def test_machines_that_were_the_choice_and_no_longer_hold_are_said_even_where_the_api_does() -> None:
    before = entry(BULK)
    assert outcome(before).choice is not None
    after = entry(BULK, "slo.ttft_p95_ms=1")
    now = outcome(after)
    assert now.choice is not None
    assert now.choice.kind == "api"
    assert "SLO" in rules(run(after, changes=(changed(before, after),)), "error")
    assert "SLO" not in rules(run(after))


def test_a_stale_lock_exits_with_5_unless_a_gate_fails_too() -> None:
    reason = StaleReason(kind="input changed", place=CHAT, subject="prompts/system.md")
    assert run(entry(RAG), stale=(reason,)).exit_code == 5
    over = entry(RAG, "budget.usd_per_month=10")
    assert run(over, stale=(reason,)).exit_code == 1


def test_a_broken_file_wins_over_everything() -> None:
    fault = Finding(rule="INPUT", severity="error", message="broken", file="x.yaml", line=3)
    assert run(entry(RAG, "budget.usd_per_month=10"), broken=(fault,)).exit_code == 2


def test_a_flag_wins_over_the_scenario_and_the_scenario_over_the_project() -> None:
    mine = entry(CHAT, "gates.max_increase_fraction=0.2")
    project = Project(gates=Gates(max_increase_fraction=0.1, max_increase_usd_per_month=50))
    merged = gates_of(mine, project, Gates())
    assert (merged.max_increase_fraction, merged.max_increase_usd_per_month) == (0.2, 50)
    assert gates_of(mine, project, Gates(max_increase_fraction=0.3)).max_increase_fraction == 0.3


def test_a_rule_can_be_made_an_error_or_ignored() -> None:
    assert run(entry(CHAT), project=Project(severities={"PRICE-RETIRED": "error"})).exit_code == 1
    assert run(entry(CHAT), project=Project(severities={"PRICE-RETIRED": "ignore"})).findings == ()


WAIVER = "{rule: BUDGET, reason: agreed with finance, expires: 2026-12-31}"


def test_a_waiver_takes_the_finding_off_and_lists_it() -> None:
    waived = entry(RAG, "budget.usd_per_month=10", f"gates.waivers=[{WAIVER}]")
    checked = run(waived)
    assert (checked.exit_code, checked.findings) == (0, ())
    (listed,) = checked.waived
    assert (listed.finding.rule, listed.reason, listed.file) == ("BUDGET", "agreed with finance", RAG)


def test_a_waiver_that_expired_no_longer_holds_and_is_said() -> None:
    waived = entry(RAG, "budget.usd_per_month=10", f"gates.waivers=[{WAIVER}]")
    checked = run(waived, today=date(2026, 12, 31))
    assert rules(checked) == ["BUDGET", "WAIVER-EXPIRED"]
    assert (checked.exit_code, checked.waived) == (1, ())


def test_a_waiver_of_the_project_is_for_the_scenario_that_it_names() -> None:
    waiver = ProjectWaiver(
        rule="BUDGET", scenario="rag-documents", reason="agreed with finance", expires=date(2027, 1, 1)
    )
    over = entry(RAG, "budget.usd_per_month=10")
    assert run(over, project=Project(waivers=(waiver,))).exit_code == 0
    other = waiver.model_copy(update={"scenario": "support-chatbot"})
    assert run(over, project=Project(waivers=(other,))).exit_code == 1


def test_findings_come_worst_first() -> None:
    after = entry(CHAT, "prompt.input_tokens=4000", "budget.usd_per_month=1000")
    checked = run(after, changes=(changed(entry(CHAT), after, LONGER),))
    severities = [each.severity for each in checked.findings]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    dearest = [
        round(abs(each.usd_per_month or 0.0), 2) for each in checked.findings if each.severity == "error"
    ]
    assert dearest == sorted(dearest, reverse=True)


def only_finding(checked: Checked, rule: str) -> Finding:
    (found,) = [each for each in checked.findings if each.rule == rule]
    return found


def test_a_scenario_that_nothing_may_serve_fails_and_is_not_free() -> None:
    found = run(entry(CHAT, "constraints.data=on_device", "hosting={api: {}}"))
    finding = only_finding(found, "FIT")
    assert (found.exit_code, finding.subject) == (1, "no option")
    assert "no option may serve it: the data rule is on_device" in finding.message
    stated = entry(
        CHAT,
        "constraints.data=self_hosted",
        "hosting={self_hosted: {models: [llama-3.1-8b], gpus: [l40s]}}",
    )
    words = only_finding(run(stated), "FIT").message
    assert "quality_equivalent is not stated for llama-3.1-8b" in words


def test_many_gpus_that_miss_a_target_are_one_finding_a_model() -> None:
    strict = entry(BULK, OPEN, "slo.ttft_p95_ms=1", "hosting.self_hosted.gpus=[]")
    finding = only_finding(run(strict), "SLO")
    assert finding.subject == "llama-3.1-8b"
    assert "options holds" in finding.message


@pytest.mark.parametrize(
    ("sets", "rule", "words"),
    [
        (("slo.ttft_p95_ms=1",), "SLO", "the TTFT limit is"),
        (("hosting.self_hosted.gpus=[l4]", "hosting.self_hosted.models=[llama-3.1-405b]"), "FIT", "GiB"),
        (("hosting.self_hosted.gpus=[v100-sxm2-16]",), "FIT", "cannot run bf16"),
        (("hosting.self_hosted.purchase=[owned]",), "FIT", "owned does not say what the machine costs"),
    ],
    ids=["latency", "memory", "support", "market"],
)
def test_the_kind_of_a_refusal_and_not_its_words_decides_the_rule(
    sets: tuple[str, ...], rule: str, words: str
) -> None:
    found = run(entry(BULK, OPEN, *sets))
    errors = [each for each in found.findings if each.severity == "error"]
    assert {each.rule for each in errors} == {rule}
    assert words in errors[0].message


def test_each_kind_of_coefficients_behind_the_choice_ages() -> None:
    later = date(2028, 1, 1)  # 404 days after 2026-11-23
    own = entry(BULK, OPEN)
    subjects = {each.subject for each in run(own, today=later).findings if each.rule == "PROFILE-STALE"}
    assert subjects == {"vllm", "vllm-ampere"}
    device = entry("scenarios/private-assistant.yaml", "constraints.data=on_device")
    finding = only_finding(run(device, today=later), "PROFILE-STALE")
    assert finding.subject.startswith("llamacpp-")
    assert "404 days ago" in finding.message
    assert "b1619" in finding.message
    young = run(own, device, today=later, flags=Gates(max_profile_age_days=500))
    assert "PROFILE-STALE" not in rules(young)
