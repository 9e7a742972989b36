"""Weight matrices as plain numbers, and those of layers that carry a state instead of a cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from planner.records import dataclass
from planner.specs.books.model import LinearAttention, MambaMixer
from planner.units import Count, MeanCount

TensorClass = Literal[
    "attention", "mlp", "experts", "shared_experts", "router", "norms", "embeddings", "head", "mtp", "vision"
]
Split = Literal["rows", "columns", "none"]
"""What tensor parallelism divides: output rows, input columns, or nothing (every rank holds a copy)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """One weight matrix and how often it occurs: in ``layers`` layers, ``copies`` times in each (experts)."""

    name: str
    tensor_class: TensorClass
    layers: int
    rows: Count
    columns: Count
    split: Split
    copies: Count = 1
    active_copies: MeanCount = 1.0
    """How many of the copies one token passes."""
    kv_heads: int = 0
    """Heads whose rows follow ``rows``: divided while they last, then copied (fused q, k and v)."""
    kv_rows_per_head: int = 0
    copied_rows_per_head: int = 0
    """Rows that an engine fills with copies of the keys, where values have no weights of their own."""
    linear: bool = True
    """Multiplied with the activations, hence quantised where the scheme covers its class."""

    @property
    def elements(self) -> int:
        """Elements of one copy."""
        return (self.rows + self.kv_heads * self.kv_rows_per_head) * self.columns

    @property
    def parameters(self) -> int:
        """Elements over all layers and copies."""
        return self.elements * self.copies * self.layers

    @property
    def active_parameters(self) -> float:
        """Elements that one token passes, over all layers."""
        return self.elements * self.active_copies * self.layers


def plain_tensor(
    name: str,
    tensor_class: TensorClass,
    layers: int,
    rows: int,
    columns: int,
    split: Split = "none",
    *,
    linear: bool = True,
    active: float = 1.0,
) -> Tensor:
    """Return a matrix that every layer has once."""
    return Tensor(
        name=name,
        tensor_class=tensor_class,
        layers=layers,
        rows=rows,
        columns=columns,
        split=split,
        linear=linear,
        active_copies=active,
    )


def linear_attention(group: LinearAttention, hidden: int) -> Iterator[Tensor]:
    """Return the tensors of gated delta-rule layers."""
    keys, values = group.key_heads * group.key_dim, group.value_heads * group.value_dim
    yield plain_tensor("in_qkvz", "attention", group.layers, 2 * keys + 2 * values, hidden, "rows")
    yield plain_tensor("in_ba", "attention", group.layers, 2 * group.value_heads, hidden, "rows")
    yield plain_tensor("conv", "attention", group.layers, 2 * keys + values, group.conv, "rows", linear=False)
    yield plain_tensor("attn_out", "attention", group.layers, hidden, values, "columns")
    small = 2 * group.value_heads + group.value_dim
    yield plain_tensor("gates", "attention", group.layers, small, 1, "rows", linear=False)


def mamba(group: MambaMixer, hidden: int) -> Iterator[Tensor]:
    """Return the tensors of Mamba-2 layers."""
    inner, states = group.heads * group.head_dim, 2 * group.groups * group.state
    yield plain_tensor(
        "mamba_in", "attention", group.layers, 2 * inner + states + group.heads, hidden, "rows"
    )
    yield plain_tensor(
        "conv", "attention", group.layers, inner + states, group.conv + 1, "rows", linear=False
    )
    yield plain_tensor("mamba_out", "attention", group.layers, hidden, inner, "columns")
    small = 3 * group.heads + (inner if group.gate_norm else 0)
    yield plain_tensor("gates", "attention", group.layers, small, 1, "rows", linear=False)
