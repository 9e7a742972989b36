"""What a step has to do, counted in the units that a step profile prices.

A step is passes over the weights (one per ubatch), rows through the matrices (the CPU kernels of llama.cpp take them by
four and the rest one by one), outputs (the vocabulary matrix), context read by decoding sequences, query-key pairs of a
prompt, and the cache that a prompt's pass reads once, however many rows it has. Kernels that work in tiles (llamafile's,
which take q8_0 on x86) go over all weights once for the full groups and once more for the rows left over, and not at all
for a lone row; a fit finds no price for that where kernels do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import numpy as np

from planner.specs.measured.step_point import StepPoint
from planner.specs.profiles.step import StepProfile, StepShape, Term
from planner.units import FloatArray

TERMS: tuple[Term, ...] = get_args(Term)
# ggml-cpu/repack.cpp: gemm over 4 activation rows, gemv for the rows left over; llamafile/sgemm.cpp, mnpack: tiles of 4,
# then once more over all weights with a smaller tile
KERNEL_ROWS = 4


def step_passes(point: StepPoint, shape: StepShape) -> Iterator[tuple[int, int]]:
    """Yield for each pass of a step its rows and how many tokens of the prompt are in the cache after it."""
    rest, done = point.prompt_tokens, point.prompt_offset_tokens
    if point.sequences and shape.apart and rest:
        yield point.sequences + 1, done + 1
        rest, done = rest - 1, done + 1
    elif point.sequences:
        taken = min(rest, max(shape.ubatch_tokens - point.sequences, 0))
        yield point.sequences + taken, done + taken if taken else 0
        rest, done = rest - taken, done + taken
    while rest > 0:
        rows = min(rest, shape.ubatch_tokens)
        rest, done = rest - rows, done + rows
        yield rows, done


def tile_passes(rows: int, kernel_rows: int) -> int:
    """Return how often tiles of rows go over the weights in a pass; a single row goes another way."""
    if rows == 1 or kernel_rows == 1:
        return 0
    return bool(rows // kernel_rows) + bool(rows % kernel_rows)


def step_work(point: StepPoint, shape: StepShape) -> FloatArray:
    """Return the units of work of a step, one per term of ``TERMS``, at the middle of its repetitions."""
    passes = tuple(step_passes(point, shape))
    prompt, offset = point.prompt_tokens, point.prompt_offset_tokens
    grown = 0.0 if prompt else (point.repetitions - 1) / 2
    return np.array(
        [
            len(passes),
            sum(rows // shape.kernel_rows for rows, _ in passes),
            sum(rows % shape.kernel_rows for rows, _ in passes),
            point.sequences + (1 if prompt else 0),
            point.sequences * (point.context_tokens + grown + 1),
            prompt * offset + prompt * (prompt + 1) / 2,
            sum(cached for _, cached in passes),
            1 if point.arrival else 0,
            sum(tile_passes(rows, shape.kernel_rows) for rows, _ in passes),
        ],
        dtype=np.float64,
    )


def term_values(profile: StepProfile, bound: str = "value_s") -> FloatArray:
    """Return the prices in the order of ``TERMS``: the values, or one bound of their intervals."""
    terms = profile.terms
    return np.array([getattr(terms[name], bound) if name in terms else 0.0 for name in TERMS])
