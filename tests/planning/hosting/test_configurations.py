"""Configurations are worked out once, by the fits of their scenario, and say what speaks against a measurement."""

from __future__ import annotations

from dataclasses import replace

from planner.bench.steps import STANDARD_PLAN
from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.hosting.configurations import Configuration, Workbench, Workbenches
from planner.planning.prediction.calibrate import fit_profile
from planner.specs.profiles.step import LocalMachine, ProfileIdentity
from tests.cases_of import case_of
from tests.planning.diff.test_drift import CHAT
from tests.planning.prediction.test_calibrate import run_of
from tests.strategies import built

BOOKS = load_books()
OWN = "profiles/l4.yaml"


def workbench() -> Workbench:
    named = ProfileIdentity(model="llama-3.2-1b", quantization="bf16", hardware="l4")
    measured = fit_profile(run_of(STANDARD_PLAN.fit), identity=named).model_copy(update={"kind": "vllm"})
    return Workbench(
        profiles=load_serving_profiles(), memory_profile=load_vllm_memory(), measured={OWN: measured}
    )


def asked(bench: Workbench, model: str = "llama-3.2-1b", gpus: int = 1) -> Configuration | str:
    return bench.configuration(
        BOOKS.models.find(model),
        BOOKS.hardware.find("l4"),
        engine="vllm",
        quantization="bf16",
        kv_dtype="auto",
        gpus=gpus,
    )


def profile_of(found: Configuration | str) -> str:
    assert isinstance(found, Configuration), found
    return found.chosen.profile.id


def test_scenarios_with_the_same_fits_share_a_bench_and_others_do_not() -> None:
    one = case_of(built(CHAT))
    other = replace(case_of(built(CHAT)), profiles=one.profiles, vllm_memory=one.vllm_memory)
    benches = Workbenches()
    assert benches.of(one) is benches.of(other)
    assert benches.of(replace(one, profiles=one.profiles[:1])) is not benches.of(one)


def test_a_configuration_is_made_once_and_a_refusal_is_kept_as_well() -> None:
    bench = workbench()
    assert asked(bench) is asked(bench)
    refused = asked(bench, gpus=3)
    assert isinstance(refused, str)
    assert "does not divide" in refused
    assert asked(bench, gpus=3) is refused


def test_a_measurement_speaks_for_one_card_of_its_own_model_and_for_nothing_else() -> None:
    bench = workbench()
    assert profile_of(asked(bench)) == OWN
    for other in (asked(bench, gpus=2), asked(bench, model="llama-3.2-3b")):
        assert profile_of(other).startswith("vllm-")


def test_a_measurement_of_this_machine_is_doubted_when_its_engine_has_changed_since() -> None:
    bench = workbench()
    profile = bench.measured[OWN]
    here = LocalMachine(host_id=profile.host_id, engines={"vllm": "9.9.9"})
    (doubt,) = replace(bench, machine=here).doubts(OWN)
    assert doubt.message == f"{OWN} was measured with engine version 0.3.36, here is 9.9.9"
    elsewhere = replace(here, host_id="another")
    assert replace(bench, machine=elsewhere).doubts(OWN) == ()
    assert bench.doubts("vllm-hopper") == bench.doubts(None) == ()  # the shipped ones are not of this machine
