"""What a token and a sequence keep, against published sizes and start-up lines."""

import pytest

from planner.errors import UsageError
from planner.inputs.books import load_books
from planner.planning.memory.kv_groups import (
    cache_groups,
    kv_bytes_of_sequence,
    kv_bytes_per_token,
    kv_element_bytes,
)
from planner.specs.books.model import LinearAttention, MambaMixer

BOOKS = load_books()


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
        # 2 × layers × KV heads × head size × 2 bytes, of the publishers' config files
        ("llama-3.2-1b", 2 * 16 * 8 * 64 * 2),
        ("llama-3.2-3b", 2 * 28 * 8 * 128 * 2),
        ("llama-3.1-405b", 2 * 126 * 8 * 128 * 2),
        ("llama-4-scout", 2 * 48 * 8 * 128 * 2),
        ("mixtral-8x7b", 2 * 32 * 8 * 128 * 2),
        ("qwen2.5-72b", 2 * 80 * 8 * 128 * 2),
        ("qwen3-8b", 2 * 36 * 8 * 128 * 2),
        ("qwen3-235b-a22b", 2 * 94 * 4 * 128 * 2),
        ("phi-4", 2 * 40 * 10 * 128 * 2),
        ("gpt-oss-120b", 2 * 36 * 8 * 64 * 2),
        ("gemma-3-27b", 2 * 62 * 16 * 128 * 2),
        ("glm-4.5-air", 2 * 46 * 8 * 128 * 2),
        ("command-r", 2 * 40 * 64 * 128 * 2),  # multi-head
        ("kimi-k2", 61 * (512 + 64) * 2),  # one latent and its rotary part a layer
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


def test_an_unknown_cache_type_is_refused() -> None:
    with pytest.raises(UsageError, match="no KV cache type"):
        kv_element_bytes("fp9", model=BOOKS.models.find("phi-2"))


def test_the_cache_takes_the_model_s_type_unless_told() -> None:
    assert kv_element_bytes("auto", model=BOOKS.models.find("phi-2")) == 2
    assert kv_element_bytes("q8_0", model=BOOKS.models.find("phi-2")) == 34 / 32


def test_llama_cpp_keeps_states_in_32_bits() -> None:
    for name in ("qwen3-next-80b-a3b", "nemotron-h-56b"):
        (group,) = (
            each for each in cache_groups(BOOKS.models.find(name), wide_states=True) if each.state_bytes
        )
        mixer = next(each for each in BOOKS.models.find(name).attention if each.kind in {"linear", "mamba"})
        if isinstance(mixer, LinearAttention):
            elements = 32 * 128 * 128 + 3 * (2 * 16 * 128 + 32 * 128)
        else:
            assert isinstance(mixer, MambaMixer)
            inner = mixer.heads * mixer.head_dim
            elements = inner * mixer.state + 3 * (inner + 2 * mixer.groups * mixer.state)
        assert group.state_bytes == 4 * elements


def test_sparse_attention_packs_its_cache_in_fp8() -> None:
    # 61 layers of 512 + 16 + 128 bytes, and 132 of the indexer's key
    assert kv_bytes_per_token(BOOKS.models.find("deepseek-v3.2"), element_bytes=1) == 61 * (656 + 132)
