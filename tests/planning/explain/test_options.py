"""What stands behind an option of hosting: the profile that was measured, or the one that is shipped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.bench.steps import STANDARD_PLAN
from planner.planning.estimate import estimate_scenario
from planner.planning.explain.tree import explain
from planner.planning.prediction.calibrate import fit_profile
from planner.specs.answers.explanation import Origin
from planner.specs.case import Case
from planner.specs.profiles.step import ProfileIdentity
from tests.cases_of import case_of
from tests.planning.diff.test_drift import BULK
from tests.planning.prediction.test_calibrate import run_of
from tests.strategies import AS_OF, built

OWN = "profiles/l40s.yaml"


@pytest.fixture(scope="module")
def case() -> Case:
    quiet = {
        "traffic": {"requests_per_second": 0.5},
        "prompt": {"input_tokens": 200.0, "output_tokens": 64.0},
    }
    return case_of(built(BULK | quiet))


def profile_behind(case: Case) -> Origin:
    estimate = estimate_scenario(case, AS_OF)
    place = next(
        index
        for index, option in enumerate(estimate.recommendation.options)
        if option.kind == "self_hosted" and option.tpot_s is not None
    )
    (number,) = explain(case, estimate, f"recommendation.options[{place}].tpot_s.value")
    (origin,) = (each.origin for each in number.operands if each.name == "profile")
    assert origin is not None
    return origin


def test_shipped_coefficients_are_named_by_file_and_profile(case: Case) -> None:
    found = profile_behind(case)
    assert (found.kind, found.place.split()[0]) == ("profile", "planner/profiles/serving.json")
    assert found.source is not None
    assert "docs/accuracy.md" in found.source


def test_a_measured_profile_is_named_with_its_machine_and_day(case: Case) -> None:
    named = ProfileIdentity(model="llama-3.1-8b", quantization="fp8", hardware="l40s")
    own = fit_profile(run_of(STANDARD_PLAN.fit), identity=named).model_copy(update={"kind": "vllm"})
    found = profile_behind(replace(case, measured={OWN: own}))
    assert (found.kind, found.place, found.file) == ("profile", OWN, OWN)
    assert found.since is not None
    assert found.since.isoformat() == "2026-11-23"  # when the run began
    assert found.source is not None
    assert found.source.startswith("measured on 2026-11-23 with llama.cpp in process 0.3.36")
    assert found.source.endswith("12 points, 0 held out")
