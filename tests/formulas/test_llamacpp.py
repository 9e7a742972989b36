"""llama.cpp's cells come in blocks of 256, and a window never asks for more than full attention."""

from hypothesis import given, strategies as st

from planner.formulas.llamacpp import CELL_PADDING, cache_cells, compute_buffer_bytes
from tests.quantities import COUNTS

CONTEXTS = st.integers(1, 1_000_000)


@given(CONTEXTS, st.integers(1, 64))
def test_cells_hold_every_slot_s_context_and_less_than_one_padding_more(context: int, slots: int) -> None:
    cells = float(cache_cells(context_tokens=context, slots=slots))
    assert cells % CELL_PADDING == 0
    assert 0 <= cells - context * slots < CELL_PADDING


@given(CONTEXTS, st.integers(1, 64), st.sampled_from([512, 1024, 4096]))
def test_a_window_needs_no_more_cells_than_full_attention(context: int, slots: int, window: int) -> None:
    full = cache_cells(context_tokens=context, slots=slots)
    assert cache_cells(context_tokens=context, slots=slots, window=window) <= full


@given(COUNTS, COUNTS, COUNTS)
def test_scratch_memory_is_linear_in_the_batch(vocab: int, hidden: int, batch: int) -> None:
    one = compute_buffer_bytes(vocab=vocab, hidden=hidden, batch_tokens=1)
    assert compute_buffer_bytes(vocab=vocab, hidden=hidden, batch_tokens=batch) == batch * one
