"""The pool that is predicted is the pool that vLLM states at start-up."""

import pytest

from planner.errors import DataError, UsageError
from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.planning.memory.architecture import unpack
from planner.planning.memory.kv_groups import (
    cache_groups,
    kv_bytes_of_sequence,
    kv_bytes_per_token,
    kv_element_bytes,
)
from planner.planning.memory.vllm_blocks import block_layout
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
    ("name", "expected"),
    [
        ("llama-3.1-8b", 131_072),
        ("llama-3.1-70b", 327_680),
        ("qwen2.5-7b", 57_344),
        ("qwen3-30b-a3b", 98_304),
        ("deepseek-v2-lite", 31_104),
        ("deepseek-v3", 70_272),
        ("mistral-small-3.1-24b", 163_840),
        ("gemma-2-9b", 344_064),  # vLLM 0.19 log: 54.12 GiB over 168,880 tokens
        ("qwen3-14b", 163_840),
        ("seed-oss-36b", 262_144),  # logged as 131,072 on each of two GPUs
        ("llama-2-7b", 524_288),
        ("falcon-7b", 8_192),  # multi-query: one head of 64
        ("qwen3.6-35b-a3b", 20_480),  # 10 of 40 layers cache
    ],
)
def test_bytes_per_token_are_exact(name: str, expected: int) -> None:
    assert kv_bytes_per_token(BOOKS.models.find(name)) == expected


def test_heads_are_copied_when_ranks_outnumber_them_and_latents_always() -> None:
    qwen, deepseek = BOOKS.models.find("qwen2.5-7b"), BOOKS.models.find("deepseek-v3")
    assert kv_bytes_per_token(qwen, tensor_parallel=4) == 57_344 / 4
    assert kv_bytes_per_token(qwen, tensor_parallel=7) == 57_344 / 4  # 4 heads cannot make 7
    assert kv_bytes_per_token(deepseek, tensor_parallel=8) == 70_272


def test_a_sequence_keeps_no_more_than_its_windows_and_states() -> None:
    mistral = cache_groups(BOOKS.models.find("mistral-7b-v0.1"))
    assert kv_bytes_of_sequence(mistral, tokens=32_768) == 4096 * 131_072
    qwen = cache_groups(BOOKS.models.find("qwen3.6-35b-a3b"))
    assert kv_bytes_of_sequence(qwen, tokens=0) == 30 * 2_146_304
    nemotron = cache_groups(BOOKS.models.find("nemotron-3-nano-30b-a3b"), tensor_parallel=2)
    assert kv_bytes_of_sequence(nemotron, tokens=0) == 23 * 2_134_016 / 2


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


@pytest.mark.parametrize(
    ("name", "rank", "pool_gib", "context", "logged_tokens"),
    [
        ("qwen3.6-27b", (1, 2), 4.99, 131_072, 302_921),
        ("qwen3.6-35b-a3b", (2, 1), 13.1, 32_768, 560_505),
    ],
)
def test_blocks_of_hybrid_models_are_those_of_the_log(
    name: str, rank: tuple[int, int], pool_gib: float, context: int, logged_tokens: int
) -> None:
    # start-up lines of public issue threads: GiB of the pool and tokens
    groups = cache_groups(BOOKS.models.find(name), element_bytes=rank[0], tensor_parallel=rank[1])
    layout = block_layout(groups)
    concurrency = layout.blocks(pool_gib * GIB) / layout.blocks_per_sequence(
        tokens=context, batched_tokens=8192
    )
    assert int(concurrency * context) == logged_tokens


def test_page_sizes_that_differ_get_longer_blocks_where_a_token_is_smaller() -> None:
    layout = block_layout(cache_groups(BOOKS.models.find("gemma-4-31b")))
    assert [group.block_tokens for group in layout.groups] == [32, 16]
    assert [group.tables for group in layout.groups] == [1, 5]


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


def test_an_unknown_cache_type_is_refused() -> None:
    with pytest.raises(UsageError, match="no KV cache type"):
        kv_element_bytes("fp9", model=BOOKS.models.find("phi-2"))


def test_the_cache_takes_the_model_s_type_unless_told() -> None:
    assert kv_element_bytes("auto", model=BOOKS.models.find("phi-2")) == 2
    assert kv_element_bytes("q8_0", model=BOOKS.models.find("phi-2")) == 34 / 32


def test_a_large_device_without_an_nvidia_number_counts_as_new() -> None:
    # 7.5 GiB of sampler memory apart: MI300X is judged by its memory
    amd = memory("llama-3.1-8b", VllmSettings(version="0.19.0"), "mi300x").tightest
    nvidia = memory("llama-3.1-8b", VllmSettings(version="0.19.0")).tightest
    assert amd.activation_bytes == nvidia.activation_bytes


def test_draft_layers_of_a_hybrid_model_cache_as_well() -> None:
    # Qwen3.6-27B int4 with three MTP tokens on two GPUs, 11.08 GiB: 623,873 tokens in the log
    groups = cache_groups(
        BOOKS.models.find("qwen3.6-27b"), element_bytes=1, tensor_parallel=2, speculative_tokens=3
    )
    layout = block_layout(groups)
    needed = layout.blocks_per_sequence(tokens=262_144, batched_tokens=8192, speculative_tokens=3)
    tokens = layout.blocks(11.08 * GIB) / needed * 262_144
    assert tokens == pytest.approx(623_873, rel=0.003)


def test_routed_experts_take_two_buffers_per_token_between_layers() -> None:
    # first of two stages, so that no sampler hides it: 8 experts of 768, hidden 2048, 8,192 tokens, 6.7 copies
    first = memory("qwen3-30b-a3b", VllmSettings(version="0.19.0", pipeline_parallel=2)).stages[0]
    widest = 8 * (2048 + 768)
    assert first.activation_bytes == pytest.approx(8192 * (widest + 6.7 * 2048) * 2, rel=0.01)


def test_a_model_whose_layers_all_slide_keeps_a_window_per_sequence() -> None:
    layout = block_layout(cache_groups(BOOKS.models.find("mistral-7b-v0.1")))
    # 4,096 back, less the token itself, and 2,048 of the step: 6,143 tokens in 384 blocks, and one unaligned
    assert layout.blocks_per_sequence(tokens=32_768, batched_tokens=2048) == 385


def test_a_model_without_attention_is_not_guessed_at() -> None:
    states = tuple(group for group in cache_groups(BOOKS.models.find("qwen3.6-27b")) if group.state_bytes)
    with pytest.raises(DataError, match="without attention layers"):
        block_layout(states)
