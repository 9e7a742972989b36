"""The cache grows with tokens, layers and heads and with nothing else."""

import pytest
from hypothesis import given, strategies as st

from planner.formulas.kv_cache import (
    head_kv_bytes_per_token,
    kv_heads_per_rank,
    latent_kv_bytes_per_token,
    multi_head_bound_bytes_per_token,
    windowed_tokens,
)
from tests.quantities import COUNTS, TOKENS

WIDTHS = st.sampled_from([64, 80, 96, 128, 192, 256])


@given(COUNTS, st.integers(1, 64))
def test_ranks_share_heads_while_they_last_and_never_have_none(heads: int, ranks: int) -> None:
    each = float(kv_heads_per_rank(kv_heads=heads, tensor_parallel=ranks))
    assert each >= 1
    assert each * ranks <= heads or each == 1


@given(COUNTS, COUNTS, WIDTHS, COUNTS)
def test_grouped_heads_divide_the_cache_of_all_heads(
    layers: int, kv_heads: int, width: int, group: int
) -> None:
    bound = multi_head_bound_bytes_per_token(layers=layers, hidden=kv_heads * group * width)
    true = head_kv_bytes_per_token(layers=layers, kv_heads=kv_heads, head_dim=width)
    assert bound == pytest.approx(group * true)


@given(COUNTS, COUNTS, COUNTS, WIDTHS)
def test_groups_of_layers_add_up(some: int, others: int, heads: int, width: int) -> None:
    def cache(layers: int) -> float:
        return float(head_kv_bytes_per_token(layers=layers, kv_heads=heads, head_dim=width))

    assert cache(some + others) == cache(some) + cache(others)


@given(COUNTS, COUNTS, WIDTHS)
def test_eight_bits_take_half_of_sixteen(layers: int, heads: int, width: int) -> None:
    sixteen = head_kv_bytes_per_token(layers=layers, kv_heads=heads, head_dim=width)
    eight = head_kv_bytes_per_token(layers=layers, kv_heads=heads, head_dim=width, element_bytes=1)
    assert sixteen == 2 * eight


def test_a_latent_cache_is_far_smaller_than_that_of_its_heads() -> None:
    # DeepSeek-V2, arXiv:2405.04434, abstract: the cache is reduced by 93.3 % against its 67B model,
    # 95 layers of 8 heads of 128; V2 has 60 layers of 512 + 64
    dense = head_kv_bytes_per_token(layers=95, kv_heads=8, head_dim=128)
    latent = latent_kv_bytes_per_token(layers=60, kv_lora_rank=512, qk_rope_head_dim=64)
    assert 1 - latent / dense == pytest.approx(0.823, abs=0.001)  # at equal bits; the paper stores V2 in 6
    assert 1 - latent * 6 / 16 / dense == pytest.approx(0.933, abs=0.001)


@given(TOKENS, TOKENS, COUNTS)
def test_a_window_keeps_what_it_looks_back_on(tokens: int, more: int, window: int) -> None:
    kept = windowed_tokens(tokens=tokens, window=window)
    assert kept <= min(tokens, window)
    assert kept <= windowed_tokens(tokens=tokens + more, window=window) <= window
