"""Matrices with block scales, and what the allocator rounds."""

import numpy as np
from hypothesis import given, strategies as st

from planner.formulas.weights import (
    LARGE_REQUEST_BYTES,
    LARGE_ROUNDING_BYTES,
    SMALLEST_SPLIT_BYTES,
    allocator_slack_bytes,
    padded_vocabulary,
    quantized_matrix_bytes,
    rotary_table_bytes,
)

SIZES = st.integers(1, 20_000)


@given(SIZES, SIZES, st.sampled_from([4, 5, 8]))
def test_scales_only_add(rows: int, columns: int, bits: int) -> None:
    bare = quantized_matrix_bytes(rows=rows, columns=columns, weight_bits=bits)
    scaled = quantized_matrix_bytes(
        rows=rows, columns=columns, weight_bits=bits, scale_bits=16, scale_columns=128
    )
    assert bare == rows * columns * bits / 8
    assert bare + rows * columns / 128 * 2 <= scaled <= bare + rows * (columns / 128 + 1) * 2


@given(st.integers(1, 4 * 1024**3))
def test_slack_is_at_most_what_the_allocator_does_not_split(size: int) -> None:
    slack = float(allocator_slack_bytes(tensor_bytes=size))
    assert 0 <= slack <= SMALLEST_SPLIT_BYTES
    assert slack == 0 or (size >= LARGE_REQUEST_BYTES and (size + slack) % LARGE_ROUNDING_BYTES == 0)


def test_exactly_one_mebibyte_left_over_is_kept() -> None:
    sizes = np.array([13.0, 13.0 - 2**-20]) * 2**20  # of 14 MiB: 1 MiB and one byte more are left
    assert np.asarray(allocator_slack_bytes(tensor_bytes=sizes)).tolist() == [2**20, 0]


@given(st.integers(1, 500_000), st.sampled_from([1, 64, 256]))
def test_padding_rounds_up_to_the_next_multiple(vocab: int, multiple: int) -> None:
    padded = float(padded_vocabulary(vocab=vocab, multiple=multiple))
    assert padded % multiple == 0
    assert 0 <= padded - vocab < multiple
    assert padded_vocabulary(vocab=padded, multiple=multiple) == padded


def test_a_table_has_one_row_for_each_position() -> None:
    one = rotary_table_bytes(positions=1, rotary_dim=128)
    assert one == 256
    assert rotary_table_bytes(positions=131_072, rotary_dim=128) == 131_072 * one
