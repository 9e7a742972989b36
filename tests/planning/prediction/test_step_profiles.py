from __future__ import annotations

from dataclasses import replace

import pytest

from planner.bench.steps import STANDARD_PLAN
from planner.planning.prediction.calibrate import fit_profile
from planner.planning.prediction.step_profiles import (
    choose_step_profile,
    engine_meant,
    ranged,
    support_notices,
    support_of,
    with_doubts,
)
from planner.specs.profiles.serving import Spread
from planner.specs.profiles.step import (
    ChosenStepProfile,
    LocalEngine,
    LocalMachine,
    ProfileIdentity,
    StepProfile,
    Support,
)
from tests.planning.prediction.test_calibrate import run_of

HERE = LocalEngine(engine_version="0.3.36", driver=None)
MACHINE = LocalMachine(host_id="0", engines={"llamacpp": "0.3.36"})  # the profiles were measured on host 0


def profile(**changes: object) -> StepProfile:
    named = ProfileIdentity(model="llama-3.2-1b", quantization="q4_0", hardware="l4")
    return fit_profile(run_of(STANDARD_PLAN.fit), identity=named).model_copy(update=changes)


def choose(profiles: dict[str, StepProfile], **asked: str) -> ChosenStepProfile | None:
    question = {"kind": "llamacpp", "model": "llama-3.2-1b", "quantization": "auto", "hardware": "l4"} | asked
    return choose_step_profile(profiles, **question, machine=MACHINE)


def test_a_profile_answers_for_its_own_engine_model_storage_and_hardware_only() -> None:
    mine = {"a.yaml": profile()}
    assert choose(mine) is not None
    assert choose(mine, quantization="q4_0") is not None
    for other in (
        {"kind": "vllm"},
        {"model": "llama-3.2-3b"},
        {"quantization": "q8_0"},
        {"hardware": "l40s"},
    ):
        assert choose(mine, **other) is None


def test_the_installed_engine_version_comes_before_a_later_date() -> None:
    newer = profile(engine_version="0.3.37", measured_on="2026-12-01")
    chosen = choose({"newer": newer, "mine": profile()})
    assert chosen is not None
    assert (chosen.name, chosen.notices) == ("mine", ())


def test_another_engine_version_or_driver_is_a_warning() -> None:
    old = profile(engine_version="0.3.30", driver="550.54")
    doubts = with_doubts("old.yaml", old, replace(HERE, driver="580.10")).notices
    assert [notice.message for notice in doubts] == [
        "old.yaml was measured with engine version 0.3.30, here is 0.3.36",
        "old.yaml was measured with driver 550.54, here is 580.10",
    ]
    assert with_doubts("old.yaml", old).notices == ()  # nothing is installed here: nothing to compare


def test_the_engine_here_is_meant_only_where_the_profile_or_its_gpu_is_of_this_machine() -> None:
    gpu = profile(machine="NVIDIA L4", driver="550.54", host_id="1")
    installed, nothing = LocalEngine(engine_version="0.3.37", driver="580.10"), LocalEngine()
    mine = LocalMachine(host_id="2", engines={"llamacpp": "0.3.37"}, gpus=("NVIDIA L4",), driver="580.10")
    assert engine_meant(gpu, mine) == installed
    assert engine_meant(gpu, replace(mine, host_id="1", gpus=())) == installed
    elsewhere = replace(mine, gpus=("NVIDIA T4",))
    assert (
        engine_meant(gpu, elsewhere) == nothing
    )  # a rented L4 has no driver that could be looked at from here
    assert engine_meant(gpu, elsewhere, version="0.4") == LocalEngine(engine_version="0.4")
    assert engine_meant(gpu, elsewhere, anywhere=False) == installed  # no device named: this machine is meant


@pytest.mark.parametrize(
    ("prompt", "sequences", "context", "grade"),
    [
        (128, 8, 256, "measured"),  # pp128 and tg8 @ d256 are points of the fit
        (200, 8, 256, "interpolated"),
        (128, 6, 256, "interpolated"),
        (128, 8, 400, "interpolated"),
        (2048, 8, 256, "extrapolated"),
        (128, 32, 256, "extrapolated"),
        (128, 8, 4000, "extrapolated"),
    ],
)
def test_a_load_is_measured_interpolated_or_extrapolated(
    prompt: int, sequences: int, context: int, grade: str
) -> None:
    found = support_of(profile(), prompt_tokens=prompt, sequences=sequences, context_tokens=context)
    assert found.grade == grade
    assert bool(found.outside) is (grade == "extrapolated")


def test_what_lies_outside_is_said_with_the_measured_span() -> None:
    support = support_of(profile(), prompt_tokens=2048, sequences=8, context_tokens=256)
    (notice,) = support_notices(with_doubts("p.yaml", profile()), support)
    assert notice.message == "p.yaml: prompt 2,048 is outside the measured 16 to 512"


def test_an_interval_turns_the_error_factors_over_and_widens_outside() -> None:
    spread = Spread(low=0.8, high=1.25, median_error_fraction=0.1)  # predicted over measured
    inside = ranged(10.0, spread, Support(grade="interpolated"))
    assert (inside.low, inside.high) == pytest.approx((8.0, 12.5))
    outside = ranged(10.0, spread, Support(grade="extrapolated"))
    assert (outside.low, outside.high) == pytest.approx((6.4, 15.625))
    rate = ranged(
        10.0, Spread(low=0.5, high=1.0, median_error_fraction=0.1), Support(grade="measured"), rate=True
    )
    assert (rate.low, rate.high) == pytest.approx((5.0, 10.0))


def test_an_interval_always_holds_its_value() -> None:
    biased = Spread(low=1.1, high=1.3, median_error_fraction=0.2)
    found = ranged(10.0, biased, Support(grade="interpolated"))
    assert found.low < found.value == found.high
