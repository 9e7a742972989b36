"""The pool is what is left, in whole blocks, and every sequence can have the blocks that it may come to hold."""

import pytest
from hypothesis import given, strategies as st

from planner.formulas.pool import (
    blocks_of_sequence,
    forward_activation_bytes,
    pool_bytes,
    sampling_activation_bytes,
    state_block_tokens,
    whole_blocks,
)
from tests.quantities import BYTES, FRACTIONS

BLOCKS = st.sampled_from([8, 16, 32, 64])


@given(BYTES, FRACTIONS, BYTES, BYTES)
def test_what_is_used_and_what_is_left_are_the_share(
    physical: float, share: float, weights: float, other: float
) -> None:
    left = pool_bytes(
        physical_bytes=physical,
        utilization_fraction=share,
        weights_bytes=weights,
        activation_bytes=other,
        non_torch_bytes=other,
        graph_bytes=other,
    )
    assert left + weights + 3 * other == pytest.approx(physical * share, rel=1e-9, abs=1.0)


@given(st.floats(-1e12, 1e12), st.floats(1, 1e8))
def test_blocks_fill_the_pool_up_to_one(pool: float, block: float) -> None:
    blocks = float(whole_blocks(pool_bytes=pool, block_bytes=block))
    assert blocks == 0 if pool < block else 0 <= pool - blocks * block < block * (1 + 1e-6)


@given(st.integers(1, 1_000_000), BLOCKS)
def test_a_sequence_fills_all_its_blocks_but_the_last(tokens: int, block: int) -> None:
    blocks = float(blocks_of_sequence(tokens=tokens, block_tokens=block))
    assert (blocks - 1) * block < tokens <= blocks * block


def test_a_window_alone_is_its_tokens_less_the_one_at_hand_and_a_block_for_being_unaligned() -> None:
    """1,024 tokens before the one at hand are 64 blocks of 16; no step is under way."""
    assert blocks_of_sequence(tokens=131_072, block_tokens=16, window=1025) == 64 + 1


def test_a_run_of_nothing_takes_nothing() -> None:
    assert (
        sampling_activation_bytes(sequences=0, vocab=128_256, batched_tokens=0, hidden=4096, logit_bytes=4)
        == 0
    )


@given(st.integers(1, 1_000_000), st.integers(0, 1_000_000), BLOCKS)
def test_longer_sequences_never_hold_fewer_blocks_and_a_window_bounds_them(
    tokens: int, more: int, block: int
) -> None:
    def held(length: int) -> float:
        return float(blocks_of_sequence(tokens=length, block_tokens=block, window=1024, batched_tokens=8192))

    assert held(tokens) <= held(tokens + more) <= (1023 + 8192) / block + 2


@given(st.floats(1, 1e8), st.floats(1, 1e5), BLOCKS)
def test_a_block_is_as_large_as_the_state_and_no_multiple_larger(
    state: float, token: float, multiple: int
) -> None:
    tokens = float(state_block_tokens(state_bytes=state, token_bytes=token, multiple=multiple))
    assert tokens % multiple == 0
    assert (tokens - multiple) * token < state * (1 + 1e-9)
    assert state <= tokens * token * (1 + 1e-9)


def test_peaks_grow_by_what_one_more_token_or_sequence_needs() -> None:
    def sampling(sequences: int, tokens: int) -> float:
        return float(
            sampling_activation_bytes(
                sequences=sequences, vocab=1000, batched_tokens=tokens, hidden=64, logit_bytes=4
            )
        )

    assert sampling(9, 50) - sampling(8, 50) == 1000 * (4 + 2) + 64 * 2
    assert sampling(8, 51) - sampling(8, 50) == 64 * 2
    forward = forward_activation_bytes(batched_tokens=1, widest_elements=300, hidden=64, hidden_copies=4)
    assert forward == (300 + 4 * 64) * 2
