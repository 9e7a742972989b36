"""Settings of published runs that their tables leave out."""

from __future__ import annotations

import pytest

from planner.planning.judge.recipes import DEFAULTS, PublishedRun, Recipe, recipe_of
from tests.planning.judge.rows import predicted

PUBLISHED = "mode=agg; adp=1; moe_tp=4; moe_ep=1; src=source_file=2026-04-06.csv"


def recipe(engine: str, model: str, **changes: object) -> Recipe:
    run = {
        "hardware_class": "blackwell",
        "weights": "fp8",
        "tensor_parallel": 8,
        "attention_groups": 1,
        "input_tokens": 1024.0,
        "output_tokens": 1024.0,
        "concurrency": 64.0,
    } | changes
    return recipe_of(PublishedRun(engine=engine, model=model, **run))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("engine", "model", "changes", "kv_dtype", "batched_tokens"),
    [
        # benchmarks/*.sh of InferenceX, read on 2026-11-23: each line names its script.
        ("vllm", "llama-3.1-70b", {"hardware_class": "hopper"}, "fp8", 8192),  # 70b_fp8_h200_slurm
        ("vllm", "gpt-oss-120b", {"hardware_class": "hopper"}, "auto", 8192),  # gptoss_fp4_h200
        ("vllm", "gpt-oss-120b", {}, "fp8", 8192),  # gptoss_fp4_b200
        ("tensorrt-llm", "llama-3.1-70b", {}, "fp8", 16_384),  # 70b_fp8_b200_trt_slurm
        ("tensorrt-llm", "llama-3.1-70b", {"weights": "nvfp4"}, "fp8", 2248),  # 70b_fp4_b200_trt_slurm
        ("tensorrt-llm", "gpt-oss-120b", {"hardware_class": "hopper"}, "bf16", 20_000),  # gptoss_fp4_h200_trt
        ("tensorrt-llm", "deepseek-v3", {}, "fp8", 8192),  # dsr1_fp8_b200_trt
        ("tensorrt-llm", "deepseek-v3", {"hardware_class": "hopper"}, "fp8", 1152),  # dsr1_fp8_h200_trt
        ("sglang", "deepseek-v3", {"weights": "nvfp4"}, "fp8", 16_384),  # dsr1_fp4_b200
        ("sglang", "deepseek-v3", {}, "fp8", 32_768),  # dsr1_fp8_b200
        ("sglang", "deepseek-v3", {"hardware_class": "hopper"}, "auto", 32_768),  # dsr1_fp8_h200
    ],
)
def test_cache_and_steps_are_what_the_script_of_the_run_says(
    engine: str, model: str, changes: dict[str, object], kv_dtype: str, batched_tokens: int
) -> None:
    found = recipe(engine, model, **changes)
    assert (found.kv_dtype, found.batched_tokens) == (kv_dtype, batched_tokens)


def test_a_run_without_a_script_has_the_engines_defaults() -> None:
    assert recipe("vllm", "qwen3-32b") is DEFAULTS
    assert recipe("vllm", "deepseek-v3") is DEFAULTS


@pytest.mark.parametrize(("streams", "steps"), [(8.0, 10.0), (16.0, 30.0)])
def test_sglang_looks_for_requests_more_seldom_when_it_is_busy(streams: float, steps: float) -> None:
    assert recipe("sglang", "deepseek-v3", concurrency=streams).inbox_steps == steps


def test_prompts_are_held_back_where_the_script_says_so() -> None:
    # 1,024 by 1,024 on fewer than 8 GPUs: batch_wait_timeout_iters 20; attention data parallel: timeout_iters 60.
    assert recipe("tensorrt-llm", "llama-3.1-70b", tensor_parallel=4).batch_wait_steps == 20
    assert recipe("tensorrt-llm", "llama-3.1-70b", tensor_parallel=8).batch_wait_steps == 0
    assert recipe("tensorrt-llm", "deepseek-v3").batch_wait_steps == 40
    assert recipe("tensorrt-llm", "deepseek-v3", concurrency=32.0).batch_wait_steps == 0
    assert recipe("tensorrt-llm", "deepseek-v3", attention_groups=8).batch_wait_steps == 60
    assert recipe("tensorrt-llm", "gpt-oss-120b", attention_groups=8).batch_wait_steps == 60


def test_a_published_row_is_predicted_with_its_script() -> None:
    # aiconfigurator silicon_sample (Apache-2.0): TensorRT-LLM, Llama-3.1-70B FP8, 4 x H200, 1,024 by 1,024,
    # concurrency 4: 0.230 s, with prompts held back for up to 20 steps.
    row = {"engine": "trtllm", "engine_version": "", "gpu": "h200_sxm", "load_value": 4.0, "metric": "ttft"}
    held = predicted(**row, notes=PUBLISHED)
    assert held.value == pytest.approx(0.230, rel=0.25)
    longer = predicted(**row, notes=PUBLISHED, output_tokens=8192.0)  # not held: 0.098 s
    assert longer.value == pytest.approx(0.098, rel=0.25)


def test_ranks_that_hold_whole_experts_are_stated_in_the_notes() -> None:
    row = {"engine": "trtllm", "model": "Qwen/Qwen3-235B-A22B-FP8", "metric": "ttft", "load_value": 16.0}
    split = predicted(**row, notes="adp=1; moe_tp=4; moe_ep=1; src=Qwen.csv")
    whole = predicted(**row, notes="adp=1; moe_tp=1; moe_ep=4; src=Qwen.csv")
    assert whole.value < split.value  # each rank's products are four times as wide
