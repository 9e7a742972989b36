"""What a step's tokens carry from kernel to kernel: activations are written and read again through memory."""

from __future__ import annotations

from planner.planning.memory.schemes import WeightScheme
from planner.specs.books.model import AttentionGroup, HeadAttention, LatentAttention, ModelSpec

ACTIVATION_BYTES = 2.0  #: activations travel in 16 bits
# Of that traffic, what reaches the memory: the rest stays in the cache or inside a fused kernel. 0.3 to 0.7 predict
# left-out models alike, 0 and 1 worse.
ACTIVATION_SHARE = 0.5
# In units of a 16-bit element: a norm reads and writes the residual stream and what is added to it.
NORM_ELEMENTS = 4.0
QUANTISE_ELEMENTS = 1.5  #: a quantising kernel reads 16 bits and writes 8
NARROW = frozenset({"fp8", "fp4", "int8"})


def activation_bytes(
    model: ModelSpec, scheme: WeightScheme, *, ranks: int, inner: int, spread: float
) -> float:
    """Return what one token moves through a rank's memory between kernels, over all layers [bytes].

    ``ranks`` split the experts, ``inner`` of them the attention and dense layers; whole experts lie on ``spread``.
    """
    quantised = QUANTISE_ELEMENTS if scheme.multiplies in NARROW else 0.0
    elements = sum(_attention(group, model.hidden, inner, quantised) for group in model.attention)
    for dense in model.mlp:
        own = _products(model.hidden, dense.intermediate / inner, quantised)
        elements += dense.layers * (NORM_ELEMENTS * model.hidden + own)
    for moe in model.moe:
        passed = moe.experts_per_token
        rows = passed * model.hidden / spread
        own = _products(rows, passed * moe.intermediate / ranks, quantised)
        gathered = rows + model.hidden  # rows are copied to their experts, and summed after
        elements += moe.layers * (NORM_ELEMENTS * model.hidden + own + gathered)
    return ACTIVATION_SHARE * ACTIVATION_BYTES * elements


def _attention(group: AttentionGroup, hidden: int, inner: int, quantised: float) -> float:
    """Return what an attention block moves: norm, three products, rotary, attention, output [elements]."""
    made, summed = _widths(group)
    moved = 3.0 * made + 4.0 * summed
    narrow = quantised * (hidden + summed / inner)
    return group.layers * ((NORM_ELEMENTS + 2.0) * hidden + moved / inner + narrow)


def _widths(group: AttentionGroup) -> tuple[float, float]:
    """Return how wide queries, keys and values are together, and the heads' sums; a state has neither."""
    if isinstance(group, HeadAttention):
        width = group.heads * group.head_dim
        return float(width + 2 * group.kv_heads * group.head_dim), float(width)
    if isinstance(group, LatentAttention):
        key = 2 * group.qk_nope_head_dim + group.qk_rope_head_dim
        return float(group.heads * (key + group.v_head_dim)), float(group.heads * group.v_head_dim)
    return 0.0, 0.0


def _products(hidden: float, intermediate: float, quantised: float) -> float:
    """Return what a gated block moves: two products in, activation, one out [elements]."""
    return 2.0 * hidden + 6.0 * intermediate + quantised * (hidden + intermediate)
