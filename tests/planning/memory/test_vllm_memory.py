"""The pool that is predicted is the pool that vLLM states at start-up."""

import pytest

from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.planning.memory.architecture import unpack
from planner.planning.memory.vllm_memory import (
    VllmMemory,
    VllmSettings,
    scheduler_defaults,
    version_row,
    vllm_memory,
)
from planner.units import GIB

BOOKS = load_books()
PROFILE = load_vllm_memory()


def memory(name: str, settings: VllmSettings, gpu: str = "h100-sxm") -> VllmMemory:
    """Memory of a model of the book on a GPU of the book."""
    return vllm_memory(unpack(BOOKS.models.find(name)), BOOKS.hardware.find(gpu), settings, PROFILE)


@pytest.mark.parametrize(
    ("name", "settings", "logged_tokens"),
    [
        # vLLM 0.18 and 0.19 on H100, llm-d-planner's campaign (Apache-2.0)
        ("llama-3.1-8b", {}, 476_016),
        ("llama-3.1-8b", {"kv_dtype": "fp8"}, 952_032),
        ("llama-3.1-8b", {"quantization": "fp8"}, 529_248),
        ("llama-3.1-8b", {"quantization": "fp32"}, 175_296),
        ("llama-3.1-8b", {"tensor_parallel": 2}, 1_044_688),
        ("llama-3.1-8b", {"tensor_parallel": 4}, 2_209_792),
        ("llama-3.1-8b", {"pipeline_parallel": 2}, 1_075_312),
        ("llama-3.1-8b", {"pipeline_parallel": 4}, 2_257_264),
        ("qwen2.5-7b", {}, 1_096_000),
        ("llama-3.3-70b", {"tensor_parallel": 2, "quantization": "fp8"}, 244_304),
        ("gemma-2-9b", {}, 168_880),
        ("codellama-7b", {}, 126_256),
        ("qwen3-14b", {"version": "0.16.0"}, 274_848),
        ("qwen3-14b", {"version": "0.18.0"}, 296_400),
    ],
)
def test_the_pool_is_within_a_hundredth_of_the_log(
    name: str, settings: dict[str, int | str], logged_tokens: int
) -> None:
    fixed = {"version": "0.19.0", "utilization_fraction": 0.95, "context_tokens": 8192}
    found = memory(name, VllmSettings(**(fixed | settings)))  # type: ignore[arg-type]
    assert found.pool_tokens == pytest.approx(logged_tokens, rel=0.01)


def test_the_parts_of_the_identity_add_up() -> None:
    stage = memory("llama-3.1-8b", VllmSettings(version="0.19.0", utilization_fraction=0.95)).tightest
    parts = stage.weights_bytes + stage.activation_bytes + stage.non_torch_bytes + stage.graph_bytes
    assert stage.budget_bytes - parts == pytest.approx(stage.pool_bytes)
    assert stage.pool_bytes / GIB == pytest.approx(58.11, abs=0.02)


def test_a_pool_that_is_too_small_holds_nothing_and_never_a_negative_number() -> None:
    found = memory("llama-3.1-70b", VllmSettings())
    assert found.tightest.pool_bytes < 0
    assert found.pool_tokens == 0
    assert found.concurrency(8192) == 0
    assert found.longest_context(131_072) == 0


def test_the_longest_context_is_the_one_that_still_has_a_place() -> None:
    found = memory("qwen3-32b", VllmSettings(version="0.19.0"))
    longest = found.longest_context(40_960)
    assert found.concurrency(longest) >= 1 > found.concurrency(longest + 16)


def test_defaults_follow_the_device_and_an_unknown_version_says_so() -> None:
    assert scheduler_defaults(BOOKS.hardware.find("h100-sxm")) == (8192, 1024)
    assert scheduler_defaults(BOOKS.hardware.find("a100-80-sxm")) == (2048, 256)
    assert version_row(PROFILE, "0.0.9")[1] is False
    assert version_row(PROFILE, "0.19.0")[0].since == "0.18"


def test_a_long_prompt_is_one_step_before_chunked_prefill() -> None:
    old = memory("llama-3.1-8b", VllmSettings(version="0.6.3", context_tokens=29_000), "rtx-3090")
    assert old.batched_tokens == 29_000


def test_a_large_device_without_an_nvidia_number_counts_as_new() -> None:
    # 7.5 GiB of sampler memory apart: MI300X is judged by its memory
    amd = memory("llama-3.1-8b", VllmSettings(version="0.19.0"), "mi300x").tightest
    nvidia = memory("llama-3.1-8b", VllmSettings(version="0.19.0")).tightest
    assert amd.activation_bytes == nvidia.activation_bytes


def test_routed_experts_take_two_buffers_per_token_between_layers() -> None:
    # first of two stages, so that no sampler hides it: 8 experts of 768, hidden 2048, 8,192 tokens, 6.7 copies
    first = memory("qwen3-30b-a3b", VllmSettings(version="0.19.0", pipeline_parallel=2)).stages[0]
    widest = 8 * (2048 + 768)
    assert first.activation_bytes == pytest.approx(8192 * (widest + 6.7 * 2048) * 2, rel=0.01)


def test_newer_versions_give_the_largest_devices_more_tokens_a_step() -> None:
    b200 = BOOKS.hardware.find("b200-sxm")
    assert scheduler_defaults(b200) == (8192, 1024)
    assert scheduler_defaults(b200, 16384) == (16384, 1024)
    assert scheduler_defaults(BOOKS.hardware.find("h100-sxm"), 16384) == (8192, 1024)
