"""Steady-state predictions: laws that hold for any coefficients, and one published row."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, strategies as st

from planner.errors import DataError, UsageError
from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.memory.architecture import unpack
from planner.planning.prediction.closed_loop import MEAN_LENGTH_FRACTION, Limits, closed_loop
from planner.planning.prediction.predict import choose_profile, hardware_class, predict
from planner.planning.prediction.step_model import Load, operands, step_s
from planner.specs.answers.prediction import Prediction, PredictRequest
from planner.specs.profiles.serving import COEFFICIENTS


@cache
def ask(model: str = "llama-3.1-8b", gpu: str = "h100-sxm", **options: object) -> Prediction:
    books = load_books()
    request = PredictRequest(**{"concurrency": 16.0, **options})  # type: ignore[arg-type]
    if request.requests_per_s is not None:
        request = PredictRequest(**{**options, "concurrency": None})  # type: ignore[arg-type]
    return predict(
        unpack(books.models.find(model)),
        books.hardware.find(gpu),
        request,
        profiles=load_serving_profiles(),
        memory_profile=load_vllm_memory(),
    )


def pool(answer: Prediction) -> int:
    assert answer.kv_pool_tokens is not None
    return answer.kv_pool_tokens


def test_a_published_row_lies_inside_the_interval() -> None:
    # aiconfigurator silicon_sample (Apache-2.0), vLLM, Llama-3.1-70B FP8, 4 x H200, 1,024 by 1,024 tokens,
    # concurrency 64: TPOT 16.07 ms, mean TTFT 264.5 ms; lengths average 0.9 of the nominal.
    answer = ask(
        "llama-3.1-70b",
        "h200-sxm",
        tensor_parallel=4,
        quantization="fp8",
        input_tokens=1024 * MEAN_LENGTH_FRACTION,
        output_tokens=1024 * MEAN_LENGTH_FRACTION,
        concurrency=64.0,
    )
    assert answer.tpot_s.low <= 0.01607 <= answer.tpot_s.high
    assert answer.tpot_s.value == pytest.approx(0.01607, rel=0.15)
    assert answer.ttft_published_s.value == pytest.approx(0.2645, rel=0.15)


def test_littles_law_holds_in_the_closed_loop() -> None:
    answer = ask(concurrency=32.0)
    assert answer.requests_per_s.value * answer.e2e_s.value == pytest.approx(32.0, rel=1e-6)


def test_a_rate_finds_the_concurrency_that_serves_it() -> None:
    served = ask(concurrency=20.0).requests_per_s.value
    assert ask(requests_per_s=served).concurrency == pytest.approx(20.0, rel=1e-6)


@given(st.floats(1, 200), st.floats(1.01, 4))
def test_more_requests_in_flight_never_speed_up_a_token(concurrency: float, factor: float) -> None:
    few, many = ask(concurrency=concurrency), ask(concurrency=concurrency * factor)
    assert many.tpot_s.value >= few.tpot_s.value * (1 - 1e-9)


def test_more_bandwidth_is_never_slower() -> None:
    books = load_books()
    architecture = unpack(books.models.find("qwen3-30b-a3b"))
    hardware = books.hardware.find("h100-sxm")
    faster = hardware.model_copy(update={"bandwidth_gb_per_s": hardware.bandwidth_gb_per_s * 1.5})
    numbers = load_serving_profiles()[0].numbers()
    load = Load(sequences=16.0, context_tokens=2000.0)
    times = [
        step_s(operands(architecture, each), numbers, load, prefill=False) for each in (hardware, faster)
    ]
    assert times[1] < times[0]


def test_one_decoding_step_of_8b_reads_its_weights_once() -> None:
    # 8.03e9 parameters less the embedding table (128,256 x 4,096), 2 bytes each, over 3.35 TB/s: 4.48 ms.
    books = load_books()
    operand = operands(unpack(books.models.find("llama-3.1-8b")), books.hardware.find("h100-sxm"))
    light: dict[str, float] = {name: float(name == "read") for name in COEFFICIENTS}
    assert step_s(operand, light, Load(sequences=1.0), prefill=False) == pytest.approx(4.48e-3, rel=0.01)


def test_a_token_of_context_costs_its_cache_over_the_bandwidth() -> None:
    # Llama-3.1-8B keeps 131,072 bytes a token: 39.1 ns at 3.35 TB/s.
    books = load_books()
    operand = operands(unpack(books.models.find("llama-3.1-8b")), books.hardware.find("h100-sxm"))
    assert operand.cache_token_s == pytest.approx(131_072 / 3.35e12)


def test_windowed_layers_stop_growing_at_their_window() -> None:
    books = load_books()
    operand = operands(unpack(books.models.find("gpt-oss-120b")), books.hardware.find("h100-sxm"))
    assert operand.window_tokens == 128
    assert operand.window_token_s == pytest.approx(float(operand.cache_token_s))  # 18 layers of each


def test_the_pool_limits_what_runs_and_is_named() -> None:
    answer = ask("llama-3.1-8b", "l4", input_tokens=4000, output_tokens=1000, concurrency=500.0)
    assert answer.bound_by == "kv_pool"
    assert answer.running < 500
    assert answer.ttft_s.value > answer.ttft_published_s.value / 2


def test_max_num_seqs_is_named_when_it_binds() -> None:
    assert ask(concurrency=100.0, max_sequences=8).bound_by == "max_num_seqs"


def test_prefills_bind_by_compute() -> None:
    assert ask(input_tokens=8000, output_tokens=16, concurrency=32.0).bound_by == "compute"


def test_a_class_without_a_profile_borrows_with_a_wider_interval() -> None:
    own, borrowed = ask(gpu="h100-sxm"), ask(gpu="a100-80-sxm")
    assert (own.grade, borrowed.grade) == ("fitted", "datasheet")
    assert borrowed.tpot_s.high / borrowed.tpot_s.low > own.tpot_s.high / own.tpot_s.low
    assert borrowed.notices[0].code == "borrowed-profile"


def test_an_engine_without_a_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DataError, match="no step-time profile") as caught:
        choose_profile(
            load_serving_profiles(), engine="exllama", hardware=load_books().hardware.find("h100-sxm")
        )
    assert "lmdeploy, sglang" in str(caught.value.cure)


@pytest.mark.parametrize(
    ("gpu", "group"),
    [
        ("h200-sxm", "hopper"),
        ("b200-sxm", "blackwell"),
        ("l4", "ampere"),
        ("dgx-spark", "ampere"),
        ("rtx-4090", "consumer"),
        ("mi300x", "amd"),
    ],
)
def test_devices_fall_into_classes(gpu: str, group: str) -> None:
    assert hardware_class(load_books().hardware.find(gpu)) == group


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"concurrency": None}, "give the load once"),
        ({"concurrency": 0.0}, "must be above 0"),
        ({"input_tokens": 200_000}, "beyond the context"),
        ({"tensor_parallel": 3}, "does not divide"),
        ({"requests_per_s": 1e6}, "exceed the saturation"),
        ({"gpu": "a10", "model": "llama-3.1-70b"}, "not one request"),
        ({"gpu": "a100-80-sxm", "quantization": "fp8", "engine": "tensorrt-llm"}, "cannot multiply fp8"),
        ({"gpu": "t4", "quantization": "fp8"}, "cannot run fp8"),
        ({"attention_data_parallel": 3, "tensor_parallel": 8}, "does not divide the 8 ranks"),
        ({"acceptance_fraction": 1.0}, "acceptance_fraction must be"),
        ({"cached_fraction": -0.1}, "cached_fraction must be"),
        ({"draft_tokens": -1}, "drafting"),
        ({"pipeline_parallel": 100}, "exceeds the 32 layers"),
    ],
)
def test_questions_without_an_answer_say_why(options: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ask(**options)


def test_arrays_of_configurations_give_what_single_ones_give() -> None:
    books = load_books()
    operand = operands(unpack(books.models.find("llama-3.1-8b")), books.hardware.find("h100-sxm"))
    numbers = load_serving_profiles()[0].numbers()
    many = closed_loop(
        operand,
        numbers,
        Limits(),
        concurrency=np.array([1.0, 64.0]),
        input_tokens=1000.0,
        output_tokens=200.0,
    )
    one = closed_loop(operand, numbers, Limits(), concurrency=64.0, input_tokens=1000.0, output_tokens=200.0)
    assert np.asarray(many.tpot_s)[1] == pytest.approx(float(one.tpot_s))


def test_separate_prefill_stalls_decoding() -> None:
    books = load_books()
    operand = operands(unpack(books.models.find("llama-3.1-8b")), books.hardware.find("h100-sxm"))
    numbers = load_serving_profiles()[0].numbers()
    times = [
        closed_loop(
            operand,
            numbers,
            Limits(separate_prefill=separate),
            concurrency=64.0,
            input_tokens=1000.0,
            output_tokens=200.0,
        ).tpot_s
        for separate in (False, True)
    ]
    assert times[1] > times[0]


@pytest.mark.parametrize("engine", ["tgi", "lmdeploy"])
def test_a_server_that_nobody_measured_borrows_from_vllm_and_says_so(engine: str) -> None:
    own, borrowed = ask(engine="vllm"), ask(engine=engine)
    assert borrowed.tpot_s.value == own.tpot_s.value
    assert borrowed.tpot_s.low < own.tpot_s.low < own.tpot_s.high < borrowed.tpot_s.high
    assert borrowed.grade == "assumed"
    assert borrowed.notices[0].message.startswith(f"no table measures {engine}: coefficients of vllm-")


def test_a_device_that_only_stores_a_type_says_so() -> None:
    assert ask(gpu="a100-80-sxm", quantization="fp8").notices[0].code == "weight-only"


def test_stages_hold_more_and_answer_no_token_faster() -> None:
    one = ask("llama-3.1-70b", tensor_parallel=4, concurrency=1.0)
    two = ask("llama-3.1-70b", tensor_parallel=4, pipeline_parallel=2, concurrency=1.0)
    assert two.gpus == 8
    assert pool(two) > 2 * pool(one)
    assert two.tpot_s.value >= one.tpot_s.value  # a token passes every layer, and a link
    many = ask("llama-3.1-70b", tensor_parallel=4, pipeline_parallel=2, concurrency=64.0)
    assert (
        many.requests_per_s.value
        > ask("llama-3.1-70b", tensor_parallel=4, concurrency=64.0).requests_per_s.value
    )


def test_attention_data_parallel_adds_pools_and_reads_experts_once() -> None:
    shared = {"tensor_parallel": 8, "quantization": "fp8", "concurrency": 256.0}
    tensor = ask("deepseek-v3", "h200-sxm", **shared)
    groups = ask("deepseek-v3", "h200-sxm", attention_data_parallel=8, **shared)
    # The latent cache is the same on every rank under tensor parallelism: eight groups keep more than twice as much.
    assert pool(groups) > 2 * pool(tensor)
    parts = [{part.name: part.time_s for part in each.breakdown} for each in (tensor, groups)]
    assert parts[1]["attention_decode"] < parts[0]["attention_decode"]


def test_whole_experts_wait_for_the_busiest_rank() -> None:
    split = ask("qwen3-235b-a22b", "h200-sxm", tensor_parallel=8, quantization="fp8", concurrency=4.0)
    whole = ask(
        "qwen3-235b-a22b",
        "h200-sxm",
        tensor_parallel=8,
        quantization="fp8",
        concurrency=4.0,
        expert_parallel=True,
    )
    assert whole.tpot_s.value > split.tpot_s.value


def test_accepted_drafts_shorten_a_token_and_refused_ones_lengthen_it() -> None:
    plain = ask("llama-3.1-70b", tensor_parallel=4, concurrency=1.0)
    good = ask(
        "llama-3.1-70b",
        tensor_parallel=4,
        concurrency=1.0,
        draft_tokens=3,
        acceptance_fraction=0.8,
        draft_cost_fraction=0.1,
    )
    bad = ask("llama-3.1-70b", tensor_parallel=4, concurrency=1.0, draft_tokens=3, draft_cost_fraction=0.1)
    assert good.tpot_s.value < plain.tpot_s.value < bad.tpot_s.value


def test_a_cached_prefix_shortens_the_first_token() -> None:
    plain, cached = ask(input_tokens=8000), ask(input_tokens=8000, cached_fraction=0.9)
    assert cached.ttft_s.value < plain.ttft_s.value / 2
    assert cached.saturation_requests_per_s.value > plain.saturation_requests_per_s.value


def test_equal_requests_that_start_together_share_their_prefills() -> None:
    drawn = ask(engine="tensorrt-llm", concurrency=64.0, input_tokens=128, output_tokens=128)
    alike = ask(engine="tensorrt-llm", concurrency=64.0, input_tokens=128, output_tokens=128, lockstep=True)
    assert alike.tpot_s.value < drawn.tpot_s.value


def test_tensorrt_llm_keeps_the_cache_of_narrow_weights_in_eight_bits() -> None:
    narrow = ask(engine="tensorrt-llm", quantization="fp8")
    wide = ask(engine="tensorrt-llm", quantization="fp8", kv_dtype="bf16")
    assert pool(narrow) == pytest.approx(2 * pool(wide), rel=0.01)


def test_a_pool_is_found_where_the_share_of_memory_leaves_none() -> None:
    # 0.5 of an H200 is less than the weights; TensorRT-LLM takes a share of what is free instead.
    answer = ask(
        "llama-3.1-70b", "h200-sxm", engine="tensorrt-llm", quantization="fp8", utilization_fraction=0.5
    )
    assert pool(answer) > 100_000


def test_blackwell_cards_without_hbm_are_not_taken_for_a_b200() -> None:
    assert hardware_class(load_books().hardware.find("rtx-5090")) == "consumer"


def test_a_card_with_half_the_watts_computes_half_as_fast() -> None:
    books = load_books()
    architecture = unpack(books.models.find("llama-3.1-8b"))
    times = [
        operands(architecture, books.hardware.find(gpu)).linear_token_s for gpu in ("h100-sxm", "h100-pcie")
    ]
    assert times[1] == pytest.approx(
        2 * times[0], rel=0.01
    )  # 350 W against 700 W; the datasheet says 756 and 989


def test_a_prompt_in_every_step_makes_no_endless_queue() -> None:
    """Qwen3-32B on vLLM, 128 by 1,024 tokens in, 128 out: measured 0.69 s; a queue of single prompts would be 4.6 s."""
    found = ask(
        "qwen3-32b",
        "h100-sxm",
        tensor_parallel=2,
        input_tokens=1024.0,
        output_tokens=128.0,
        concurrency=128.0,
    )
    assert found.ttft_published_s.value == pytest.approx(0.69, rel=0.25)


def test_memory_that_is_borrowed_from_vllm_is_said_and_graded() -> None:
    own, borrowed = (ask(engine=engine, concurrency=4.0) for engine in ("vllm", "sglang"))
    assert "borrowed-memory" not in {notice.code for notice in own.notices}
    assert "borrowed-memory" in {notice.code for notice in borrowed.notices}
    assert (own.saturation_requests_per_s.grade, borrowed.saturation_requests_per_s.grade) == (
        "fitted",
        "datasheet",
    )
    assert borrowed.requests_per_s.grade == "fitted"  # few run: the pool does not matter
    assert ask(engine="sglang", concurrency=1e5).requests_per_s.grade == "datasheet"
    stated = ask(engine="sglang", concurrency=4.0, pool_tokens=100_000)
    assert stated.saturation_requests_per_s.grade == "fitted"


def test_a_card_of_a_measured_class_takes_its_fit() -> None:
    answer = ask(gpu="h100-nvl")
    assert (answer.profile, answer.grade, answer.notices) == ("vllm-hopper", "fitted", ())


def test_tensorrt_llm_is_refused_on_other_makers_devices() -> None:
    with pytest.raises(UsageError, match="TensorRT-LLM does not run on AMD Instinct MI300X"):
        ask(gpu="mi300x", engine="tensorrt-llm")


@pytest.mark.parametrize(
    ("gpu", "cure"), [("t4", "fp16 or awq or int8"), ("gtx-1080", "matrix units multiply 16-bit")]
)
def test_the_cure_of_a_type_that_a_device_lacks_names_those_that_it_has(gpu: str, cure: str) -> None:
    with pytest.raises(UsageError, match="cannot run bf16") as error:
        ask(gpu=gpu, model="qwen2.5-1.5b", quantization="bf16")
    assert cure in str(error.value.cure)
