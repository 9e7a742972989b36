"""Every way to host a scenario, or the reason against it."""

import re
from datetime import date
from typing import Any

import pytest

from planner.planning.bill.api_cost import api_cost
from planner.planning.estimate import estimate_scenario, workbench_for
from planner.planning.hosting.options import hosting_options
from planner.planning.workload.workload import workload_of
from planner.specs.answers.estimate import HostingOption
from tests.cases_of import books, case_of
from tests.strategies import built

DAY = date(2026, 11, 23)
OWN = {"models": ("llama-3.1-8b-instruct",), "gpus": ("h100-sxm",), "quality_equivalent": True}
EDGE = {"model": "llama-3.2-3b-instruct", "devices": ("apple-m4-max-40c",), "quality_equivalent": True}


def document(hosting: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {
        "name": "chat",
        "traffic": {"requests_per_second": 2.0},
        "prompt": {"input_tokens": 1500.0, "output_tokens": 200.0},
        "models": ({"model": "openai/gpt-4.1-mini"},),
        "hosting": hosting,
        **more,
    }


def options(hosting: dict[str, Any] | None, **more: Any) -> tuple[HostingOption, ...]:
    case = case_of(built(document(hosting, **more)))
    workload = workload_of(case.scenario, case.texts)
    return hosting_options(case, workload, api_cost(case, workload, DAY), DAY, workbench_for((case,)))


def only(hosting: dict[str, Any], **more: Any) -> HostingOption:
    (found,) = options(hosting, **more)
    return found


def test_an_api_alone_is_one_option_and_its_own_machines_another() -> None:
    assert [each.kind for each in options({"api": {}})] == ["api"]
    assert [each.kind for each in options({"self_hosted": OWN})] == ["self_hosted"]


def test_a_device_answers_one_user_within_the_fit_s_interval() -> None:
    found = only({"edge": EDGE}, slo={"ttft_p95_ms": 3000.0})
    assert not found.refused
    assert found.grade == "fitted"
    assert found.ttft_s is not None
    assert found.tpot_s is not None
    assert found.ttft_s.low < found.ttft_s.value < found.ttft_s.high
    assert found.usd_per_month is not None
    assert found.usd_per_month > 0


@pytest.mark.parametrize(
    ("edge", "slo", "reason"),
    [
        ({"model": "llama-3.1-405b", "devices": ("raspberry-pi-5",)}, {}, "short"),
        ({"quantization": "q9_k"}, {}, "q9_k"),
        ({"quality_equivalent": False}, {}, "quality_equivalent is not stated for llama-3.2-3b"),
        ({}, {"ttft_p95_ms": 1.0}, r"p95 TTFT is .* ms, the limit is 1 ms"),
        ({}, {"tpot_p95_ms": 0.1}, r"p95 TPOT is .* ms, the limit is 0.1 ms"),
        ({}, {"e2e_p95_s": 0.01}, r"p95 e2e is .*, the limit is 10 ms"),
    ],
)
def test_a_device_that_cannot_is_refused_with_the_reason(
    edge: dict[str, Any], slo: dict[str, float], reason: str
) -> None:
    assert re.search(reason, " ".join(map(str, only({"edge": EDGE | edge}, slo=slo).refused)))


def test_a_volume_that_may_be_off_widens_the_span_of_machines_together_with_the_capacity_s_error() -> None:
    """Both are independent: the span is wider than either's alone, and narrower than both ends at once."""
    many = {"traffic": {"requests_per_second": 200.0}}
    plain, wide = (
        only({"self_hosted": OWN}, **many, uncertainty=uncertainty).plan
        for uncertainty in ({}, {"volume": {"p10": 0.5, "p90": 2.0}})
    )
    assert plain is not None
    assert wide is not None
    assert (plain.volume_band, wide.volume_band) == (False, True)
    assert wide.machines_low < plain.machines_low <= plain.machines_high < wide.machines_high
    assert wide.machines_high < 2 * plain.machines_high


def test_an_edge_section_without_a_model_weighs_nothing_and_without_devices_the_common_ones() -> None:
    assert options({"edge": {"quality_equivalent": True}}) == ()
    assert len(options({"edge": {"model": "llama-3.2-3b-instruct"}})) == 2


def test_a_device_whose_matrix_rate_nobody_publishes_has_no_ttft() -> None:
    silent = next(
        row.id for row in books().hardware.rows.values() if not row.tflops and row.bandwidth_gb_per_s
    )
    found = only({"edge": EDGE | {"model": "llama-3.2-1b-instruct", "devices": (silent,)}})
    assert found.refused
    assert found.ttft_s is None


@pytest.mark.parametrize(
    ("own", "more", "reason"),
    [
        ({}, {"constraints": {"data": "on_device"}}, "the data rule is on_device"),
        ({"quality_equivalent": False}, {}, "quality_equivalent is not stated for llama-3.1-8b"),
        ({"tensor_parallel": 3}, {}, "3"),
        ({"models": ("llama-3.1-405b",), "gpus": ("l4",)}, {}, "short"),
        ({"purchase": ("owned",)}, {}, "owned does not say what the machine costs"),
        (
            {"purchase": ("owned",), "owned": {"price_usd": 280_000.0, "gpu": "b200-sxm"}},
            {},
            "the machine of hosting.self_hosted.owned has b200-sxm",
        ),
        ({"purchase": ("reserved_3y",), "clouds": ("lambda",)}, {}, "no reserved 3y price"),
        (
            {"models": ("llama-3.1-70b",), "gpus": ("l4",), "clouds": ("gcp",), "quantization": ("bf16",)},
            {},
            "l4",
        ),
        ({}, {"slo": {"ttft_p95_ms": 1.0}}, "the TTFT limit is 1 ms"),
        ({}, {"prompt": {"input_tokens": 200_000.0, "output_tokens": 10.0}}, "beyond"),
        ({"tensor_parallel": 8, "clouds": ("runpod",)}, {}, "no machine in the books has 8 of them"),
    ],
)
def test_machines_that_cannot_are_refused_with_the_reason(
    own: dict[str, Any], more: dict[str, Any], reason: str
) -> None:
    found = only({"self_hosted": OWN | own}, **more)
    assert reason in f"{found.name} {' '.join(map(str, found.refused))}"
    assert found.refused


def test_no_configuration_is_cheaper_than_the_one_that_is_named() -> None:
    """Of every quantization and parallelism alone none costs less than the choice among all."""
    best = only({"self_hosted": OWN})
    alone = [
        only({"self_hosted": OWN | {"quantization": (quantization,), "tensor_parallel": gpus}})
        for quantization in ("fp8", "bf16")
        for gpus in (1, 2, 4, 8)
    ]
    assert best.usd_per_month == min(each.usd_per_month for each in alone if each.usd_per_month is not None)


def test_growth_may_turn_the_choice_over_the_horizon_and_the_reasons_say_so() -> None:
    document_ = document({"api": {}, "self_hosted": OWN})
    document_["traffic"] = {"requests_per_second": 0.2, "growth_per_month": 0.6, "horizon_months": 12}
    case = case_of(built(document_))
    found = estimate_scenario(case, DAY, advised=False).recommendation
    assert found.hosting is not None
    assert found.hosting.kind == "api"
    assert any("over the whole horizon llama-3.1-8b" in reason for reason in found.reasons)


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("llama-3.1-8b-instruct", 2000),  # 1,500 words ÷ 0.75
        ("llama-2-13b", 2500),  # ÷ 0.6
        ("gemma-2-9b", 2142.857),  # ÷ 0.7, Gemma's vocabulary counts as Gemini's
        ("yi-34b", 2000),  # nobody describes its tokenizer: the common rule
    ],
)
def test_an_open_model_serves_the_text_in_its_own_tokens(model: str, tokens: float) -> None:
    own = {**OWN, "models": (model,), "quantization": ("bf16",)}
    answer = {"output_tokens": 200.0}
    text = only({"self_hosted": own}, prompt={"parts": {"user": {"words": 1500}}, **answer})
    counted = only({"self_hosted": own}, prompt={"input_tokens": tokens, **answer})
    assert text.requests_per_s_per_replica is not None
    assert counted.requests_per_s_per_replica is not None
    assert text.requests_per_s_per_replica.value == pytest.approx(
        counted.requests_per_s_per_replica.value, rel=1e-6
    )
    assert text.ttft_s is not None
    assert counted.ttft_s is not None
    assert text.ttft_s.value == pytest.approx(counted.ttft_s.value, rel=1e-6)


def test_a_device_answers_in_the_tokens_of_its_model() -> None:
    edge = {**EDGE, "model": "llama-2-7b"}
    text = only({"edge": edge}, prompt={"parts": {"user": {"words": 600}}, "output_tokens": 200.0})
    counted = only({"edge": edge}, prompt={"input_tokens": 1000.0, "output_tokens": 200.0})
    assert text.ttft_s is not None
    assert text.ttft_s == counted.ttft_s


def test_a_machine_of_one_s_own_has_one_kind_of_gpu() -> None:
    """One price cannot be that of machines with H100s and with L40S."""
    both = OWN | {"gpus": ("h100-sxm", "l40s"), "purchase": ("owned",)}
    unnamed = options({"self_hosted": both | {"owned": {"price_usd": 280_000.0}}})
    assert all("which GPUs its machine has" in " ".join(map(str, each.refused)) for each in unnamed)
    named = options({"self_hosted": both | {"owned": {"price_usd": 280_000.0, "gpu": "H100"}}})
    assert [each.gpu for each in named if not each.refused] == ["h100-sxm"]
