"""Scenarios that share their fits share one workbench."""

from dataclasses import replace

from planner.planning.hosting.configurations import Workbenches
from tests.cases_of import case_of
from tests.planning.diff.test_drift import CHAT
from tests.strategies import built


def test_scenarios_with_the_same_fits_share_a_bench_and_others_do_not() -> None:
    one = case_of(built(CHAT))
    other = replace(case_of(built(CHAT)), profiles=one.profiles, vllm_memory=one.vllm_memory)
    benches = Workbenches()
    assert benches.of(one) is benches.of(other)
    assert benches.of(replace(one, profiles=one.profiles[:1])) is not benches.of(one)
