"""SGLang's cache by the rules of its own defaults."""

import pytest

from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.planning.memory.architecture import unpack
from planner.planning.memory.sglang_memory import SglangPool, sglang_pool, slot_bytes
from planner.planning.memory.vllm_memory import StageMemory, VllmSettings, vllm_memory
from planner.units import GIB

BOOKS, PROFILE = load_books(), load_vllm_memory()


def stage(model: str, gpu: str, tensor_parallel: int = 1) -> StageMemory:
    """One rank's memory."""
    settings = VllmSettings(tensor_parallel=tensor_parallel)
    memory = vllm_memory(unpack(BOOKS.models.find(model)), BOOKS.hardware.find(gpu), settings, PROFILE)
    return memory.tightest


def pool(model: str, gpu: str, tensor_parallel: int = 1, share: float | None = None) -> SglangPool:
    """SGLang's cache on one rank."""
    rank = stage(model, gpu, tensor_parallel)
    return sglang_pool(
        rank,
        weights_bytes=rank.weights_bytes,
        tensor_parallel=tensor_parallel,
        pipeline_parallel=1,
        static_share=share,
    )


@pytest.mark.parametrize(
    ("gpu", "ranks", "share"),
    [  # 512 + 1.5 a token of the chunk + 2 a graph's sequence + 128 a rank, in MiB of the device; 10 GiB at least above 60
        ("t4", 1, 1 - (512 + 3072 + 16 + 128) / (14.56 * 1024)),
        ("rtx-4090", 1, 1 - (512 + 3072 + 48 + 128) / (23.64 * 1024)),
        ("rtx-4090", 4, 1 - (512 + 3072 + 160 + 512) / (23.64 * 1024)),
        ("h100-sxm", 1, 1 - (512 + 12288 + 512 + 128) / (79.19 * 1024)),
        ("h100-sxm", 8, 1 - (512 + 12288 + 1024 + 1024) / (79.19 * 1024)),
        ("b200-sxm", 1, 1 - (512 + 24576 + 1024 + 128) / (178.35 * 1024)),
    ],
)
def test_the_share_follows_the_size_of_the_device_and_the_ranks(gpu: str, ranks: int, share: float) -> None:
    assert pool("llama-3.1-8b", gpu, ranks).static_fraction == pytest.approx(share, abs=0.003)


def test_the_cache_is_the_share_less_the_weights() -> None:
    rank = stage("llama-3.1-8b", "h100-sxm")
    found = pool("llama-3.1-8b", "h100-sxm", share=0.9)
    assert found.pool_bytes == pytest.approx(
        (79.19 * GIB - rank.non_torch_bytes) * 0.9 - rank.weights_bytes, rel=1e-4
    )
    assert found.tokens == int(found.pool_bytes // 131_072)


def test_weights_beyond_the_share_leave_no_cache() -> None:
    found = pool("llama-3.1-70b", "h100-sxm")
    assert (found.pool_bytes, found.tokens) == (0.0, 0)


def test_windowed_layers_have_slots_for_eight_tenths_of_the_tokens() -> None:
    gemma, mistral = stage("gemma-3-27b", "h100-sxm"), stage("mistral-7b-v0.1", "h100-sxm")
    assert slot_bytes(gemma.groups) == 2 * 16 * 128 * 2 * (10 + 0.8 * 52)
    assert slot_bytes(mistral.groups) == 131_072


def test_states_take_nine_tenths_of_what_the_cache_takes() -> None:
    rank = stage("qwen3-next-80b-a3b", "h200-sxm", 2)
    found = pool("qwen3-next-80b-a3b", "h200-sxm", 2)
    rest = (rank.physical_bytes - rank.non_torch_bytes) * found.static_fraction - rank.weights_bytes
    assert found.pool_bytes == pytest.approx(rest / 1.9)
