"""Blocks of vLLM's pool where layers cache differently, against its start-up lines."""

import pytest

from planner.errors import DataError
from planner.inputs.books import load_books
from planner.planning.memory.kv_groups import CacheGroup, cache_groups
from planner.planning.memory.vllm_blocks import block_layout
from planner.units import GIB

BOOKS = load_books()


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


def test_draft_layers_of_a_hybrid_model_cache_as_well() -> None:
    # Qwen3.6-27B int4 with three MTP tokens on two GPUs, 11.08 GiB: 623,873 tokens in the log
    groups = cache_groups(
        BOOKS.models.find("qwen3.6-27b"), element_bytes=1, tensor_parallel=2, speculative_tokens=3
    )
    layout = block_layout(groups)
    needed = layout.blocks_per_sequence(tokens=262_144, batched_tokens=8192, speculative_tokens=3)
    tokens = layout.blocks(11.08 * GIB) / needed * 262_144
    assert tokens == pytest.approx(623_873, rel=0.003)


def test_a_model_whose_layers_all_slide_keeps_a_window_per_sequence() -> None:
    layout = block_layout(cache_groups(BOOKS.models.find("mistral-7b-v0.1")))
    # 4,096 back, less the token itself, and 2,048 of the step: 6,143 tokens in 384 blocks, and one unaligned
    assert layout.blocks_per_sequence(tokens=32_768, batched_tokens=2048) == 385


def test_a_model_without_attention_is_not_guessed_at() -> None:
    states = tuple(group for group in cache_groups(BOOKS.models.find("qwen3.6-27b")) if group.state_bytes)
    with pytest.raises(DataError, match="without attention layers"):
        block_layout(states)


def test_older_versions_keep_the_whole_context_in_windowed_layers() -> None:
    groups = cache_groups(BOOKS.models.find("gemma-3-27b"))
    assert block_layout(groups).tables == 7  # one of ten full layers, six of the 52 that slide
    plain = block_layout(groups, hybrid=False)
    assert (plain.tables, plain.block_bytes) == (1, 16 * 62 * 2 * 16 * 128 * 2)
    assert plain.groups[0].cache.window is None


def test_chunks_start_at_blocks_and_windows_do_not() -> None:
    layout = block_layout(cache_groups(BOOKS.models.find("llama-4-scout")))
    # 131,072 tokens: 8,192 blocks of full layers, and three tables of (8,192 + 8,192) / 16 blocks
    assert layout.blocks_per_sequence(tokens=131_072, batched_tokens=8192) == 8192 + 3 * 1024


def test_a_page_that_no_whole_number_of_tokens_fills_is_padded() -> None:
    full = CacheGroup(kind="full", layers=4, token_bytes=4096)
    sliding = CacheGroup(kind="sliding", layers=4, token_bytes=2560, window=128)
    layout = block_layout((full, sliding))
    assert [group.block_tokens for group in layout.groups] == [16, 16]
    assert layout.block_bytes == 16 * 4096 * 4
