"""Coefficients behind a hosted option that are older than the gate allows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from planner.bench.steps import STANDARD_PLAN
from planner.planning.gate.check import CheckRequest, check
from planner.planning.prediction.calibrate import fit_profile
from planner.specs.case import Case
from planner.specs.gate.finding import Finding
from planner.specs.gate.side import Entry
from planner.specs.profiles.step import ProfileIdentity
from tests.cases_of import case_of
from tests.planning.diff.test_drift import BULK
from tests.planning.prediction.test_calibrate import run_of
from tests.strategies import AS_OF, built

HOSTED = BULK | {
    "constraints": {"data": "self_hosted"},
    "traffic": {"requests_per_second": 0.5},
    "prompt": {"input_tokens": 200.0, "output_tokens": 64.0},
}
LATER = date(2031, 1, 1)


def old_profiles(case: Case, today: date = LATER) -> list[Finding]:
    entry = Entry(place="bulk.yaml", case=case, as_of=AS_OF, inputs={})
    found = check(CheckRequest(entries=(entry,), today=today, difference=None))
    return [each for each in found.findings if each.rule == "PROFILE-STALE"]


def test_memory_and_speed_of_the_chosen_option_are_told_apart() -> None:
    case = case_of(built(HOSTED))
    memory, speed = old_profiles(case)
    assert memory.message.startswith("bulk: the memory profile of vllm was fitted")
    assert speed.message.startswith("bulk: the profile vllm")
    assert old_profiles(case, case.vllm_memory.fitted) == []


def test_a_profile_that_does_not_say_when_it_was_fitted_is_not_called_old() -> None:
    case = case_of(built(HOSTED))
    undated = replace(
        case, profiles=tuple(each.model_copy(update={"fitted": None}) for each in case.profiles)
    )
    assert [each.subject for each in old_profiles(undated)] == ["vllm"]


@pytest.mark.parametrize(("today", "findings"), [(date(2026, 12, 1), 0), (LATER, 1)])
def test_a_measurement_of_one_s_own_is_as_old_as_its_day(today: date, findings: int) -> None:
    case = case_of(built(HOSTED))
    named = ProfileIdentity(model="llama-3.1-8b", quantization="fp8", hardware="l40s")
    own = fit_profile(run_of(STANDARD_PLAN.fit), identity=named).model_copy(update={"kind": "vllm"})
    found = old_profiles(replace(case, measured={"profiles/l40s.yaml": own}), today)
    assert [each.message.split(" on ")[0] for each in found] == [
        "bulk: profiles/l40s.yaml was measured"
    ] * findings
