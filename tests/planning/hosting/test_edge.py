"""An open model on the user's own device: its energy, its speed, or why it cannot be."""

from dataclasses import replace
from typing import Any

import pytest

from planner.bench.steps import STANDARD_PLAN
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.hosting.configurations import Workbench
from planner.planning.hosting.edge import COMMON_DEVICES, USD_PER_KWH, edge_options
from planner.planning.prediction.calibrate import fit_profile
from planner.planning.workload.workload import workload_of
from planner.specs.answers.estimate import HostingOption
from planner.specs.profiles.step import ProfileIdentity
from planner.specs.scenario.hosting import Edge
from tests.cases_of import case_of
from tests.planning.prediction.test_calibrate import run_of
from tests.strategies import built

BENCH = Workbench(profiles=load_serving_profiles(), memory_profile=load_vllm_memory())


def options(edge: dict[str, Any], bench: Workbench = BENCH, **scenario: Any) -> tuple[HostingOption, ...]:
    document: dict[str, Any] = {
        "name": "assistant",
        "traffic": {"requests_per_month": 1000.0},
        "prompt": {"input_tokens": 500.0, "output_tokens": 100.0},
        "models": [{"model": "openai/gpt-4o-mini"}],
    }
    case = case_of(built(document | scenario))
    return tuple(
        edge_options(case, Edge.model_validate(edge, strict=False), workload_of(case.scenario, {}), bench)
    )


def test_without_a_model_nothing_is_weighed() -> None:
    assert options({}) == ()


def test_the_common_devices_are_tried_unless_some_are_named() -> None:
    found = options({"model": "llama-3.2-3b", "quality_equivalent": True})
    assert tuple(option.gpu for option in found) == COMMON_DEVICES
    assert [option.refused for option in found] == [(), ()]
    (one,) = options({"model": "llama-3.2-3b", "devices": ["rtx-4090"]})
    assert one.name == "llama-3.2-3b q4_k_m on rtx-4090 (llama.cpp)"


def test_energy_is_power_times_the_time_of_all_answers() -> None:
    (option,) = options({"model": "llama-3.2-3b", "devices": ["rtx-4090"], "quality_equivalent": True})
    assert option.usd_per_month is not None
    # 450 W at 0.15 USD/kWh; 1,000 answers of (usd / (0.45 · 0.15) · 3600) / 1000 seconds each
    seconds = option.usd_per_month / (0.450 * USD_PER_KWH) * 3600 / 1000
    assert option.ttft_s is not None
    assert option.tpot_s is not None
    assert option.ttft_s.low <= seconds <= option.ttft_s.high + 100 * option.tpot_s.high
    (twice,) = options(
        {"model": "llama-3.2-3b", "devices": ["rtx-4090"], "quality_equivalent": True},
        traffic={"requests_per_month": 2000.0},
    )
    assert twice.usd_per_month == pytest.approx(2 * option.usd_per_month)


def test_a_device_without_a_power_rating_has_no_energy_bill() -> None:
    devices = [row for row in case_of(built_for_books()).books.hardware.rows.values() if row.tdp_w is None]
    names = [row.id for row in devices if row.memory_gib > 8]
    assert names
    (option,) = options({"model": "llama-3.2-1b", "devices": names[:1], "quality_equivalent": True})
    assert option.usd_per_month is None


def built_for_books() -> Any:
    return built(
        {
            "name": "x",
            "traffic": {"requests_per_day": 1.0},
            "prompt": {"input_tokens": 1.0, "output_tokens": 1.0},
            "models": [{"model": "openai/gpt-4o-mini"}],
        }
    )


@pytest.mark.parametrize(
    ("edge", "scenario", "reason"),
    [
        ({"model": "llama-3.1-70b", "devices": ["rtx-4060"]}, {}, "exceed"),
        (
            {"model": "llama-3.2-3b", "devices": ["rtx-4090"]},
            {"slo": {"tpot_p95_ms": 0.1}},
            "TPOT",
        ),
        ({"model": "llama-3.2-3b", "devices": ["rtx-4090"], "quantization": "q77"}, {}, "q77"),
        (
            {"model": "llama-3.2-3b", "devices": ["rtx-4090"]},
            {"prompt": {"input_tokens": 2_000_000.0, "output_tokens": 5.0}},
            "context",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(
    edge: dict[str, Any], scenario: dict[str, Any], reason: str
) -> None:
    (option,) = options(edge | {"quality_equivalent": True}, **scenario)
    assert len(option.refused) == 1
    assert reason.lower() in str(option.refused[0]).lower()


def test_a_model_must_be_as_good_as_the_user_says() -> None:
    (option,) = options({"model": "llama-3.2-3b", "devices": ["rtx-4090"]})
    assert [str(each) for each in option.refused] == ["quality_equivalent is not stated for llama-3.2-3b"]


def test_a_device_that_was_measured_answers_as_fast_as_it_was_measured() -> None:
    """One sequence: 1 ms a pass, 12 ms a lone row, 9 ms an output, 7.5 µs for each of 232 tokens and the new one."""
    named = ProfileIdentity(model="llama-3.2-1b", quantization="q4_0", hardware="l4")
    own = fit_profile(run_of(STANDARD_PLAN.fit), identity=named)
    bench = replace(BENCH, measured={"profiles/l4.yaml": own})
    asked = {"model": "llama-3.2-1b", "devices": ["l4"], "quantization": "q4_0", "quality_equivalent": True}
    prompt = {"input_tokens": 200.0, "output_tokens": 64.0}
    (measured,), (fitted,) = (options(asked, each, prompt=prompt) for each in (bench, BENCH))
    assert measured.tpot_s is not None
    assert measured.tpot_s.value == pytest.approx(0.001 + 0.012 + 0.009 + 233 * 7.5e-6, rel=1e-3)
    assert (measured.grade, measured.profile) == ("interpolated", "profiles/l4.yaml")
    assert fitted.profile != measured.profile
