"""The slower of computing and reading decides, and nothing is faster for being more."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from planner.formulas.roofline import (
    all_reduce_s,
    attention_flops,
    causal_pairs,
    experts_touched,
    kv_read_s,
    linear_step_s,
)

H100 = {"peak_flops_per_s": 989e12, "bandwidth_bytes_per_s": 3.35e12}


def test_reading_decides_below_the_ridge_and_computing_above() -> None:
    tokens = np.array([1.0, 295.0, 590.0])  # ridge: 989 / 3.35 = 295 tokens at two bytes a weight
    times = linear_step_s(active_parameters=8e9, tokens=tokens, weight_bytes=16e9, **H100)
    assert times == pytest.approx([16 / 3350, 16 / 3350, 2 * 16 / 3350], rel=2e-3)


@given(tokens=st.floats(1, 1e5), more=st.floats(1, 10))
def test_more_bandwidth_is_never_slower_and_more_tokens_never_faster(tokens: float, more: float) -> None:
    def time(bandwidth: float, count: float) -> float:
        return float(
            linear_step_s(
                active_parameters=8e9,
                tokens=count,
                weight_bytes=16e9,
                peak_flops_per_s=989e12,
                bandwidth_bytes_per_s=bandwidth,
            )
        )

    assert time(3.35e12 * more, tokens) <= time(3.35e12, tokens)
    assert time(3.35e12, tokens * more) >= time(3.35e12, tokens)


@given(tokens=st.floats(1, 1e4))
def test_touched_experts_lie_between_one_tokens_and_all(tokens: float) -> None:
    touched = float(experts_touched(experts=256, experts_per_token=8, tokens=tokens))
    assert 8 - 1e-9 <= touched <= 256


def test_pairs_are_what_the_mask_leaves() -> None:
    counted = sum(min(query, 5) for query in range(1, 21))
    assert causal_pairs(new_tokens=20, window=5) == counted


def test_one_rank_reduces_nothing() -> None:
    times = all_reduce_s(
        layers=80,
        tokens=1,
        hidden=8192,
        tensor_parallel=np.array([1.0, 2.0]),
        link_bytes_per_s=450e9,
        latency_s=1e-5,
    )
    assert list(times == 0) == [True, False]  # type: ignore[arg-type,unused-ignore]
    assert float(times[1]) == pytest.approx(160 * (1e-5 + 16384 / 450e9))  # type: ignore[index]


@given(tokens=st.integers(0, 3000), window=st.integers(1, 3000))
def test_a_window_only_removes_pairs_and_leaves_a_short_prompt_alone(tokens: int, window: int) -> None:
    masked, full = (
        causal_pairs(new_tokens=tokens, window=window),
        causal_pairs(new_tokens=tokens),
    )
    assert masked == full if tokens <= window else masked < full
    assert masked <= tokens * window


@given(first=st.integers(1, 5000), rest=st.integers(1, 5000))
def test_a_prompt_in_two_chunks_has_the_pairs_of_the_whole(first: int, rest: int) -> None:
    # the second chunk sees the first in full and itself under the mask
    chunks = causal_pairs(new_tokens=first) + rest * first + causal_pairs(new_tokens=rest)
    assert causal_pairs(new_tokens=first + rest) == chunks


@given(kv=st.floats(1, 1e12), rate=st.floats(1e9, 1e13), reached=st.floats(0.1, 1))
def test_reading_at_a_share_of_the_peak_takes_as_many_times_longer(
    kv: float, rate: float, reached: float
) -> None:
    whole = kv_read_s(kv_bytes=kv, bandwidth_bytes_per_s=rate)
    part = kv_read_s(kv_bytes=kv, bandwidth_bytes_per_s=rate, memory_efficiency_fraction=reached)
    assert part * reached == pytest.approx(whole)


def test_attention_of_layers_and_heads_adds_up() -> None:
    one = attention_flops(layers=1, heads=1, head_dim=128, pairs=10)
    assert attention_flops(layers=3, heads=5, head_dim=128, pairs=10) == 15 * one
