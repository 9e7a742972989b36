"""One row of the model book: an architecture, described by groups of layers so that every kind fits.

A model is a stack of token mixers (attention, linear attention, Mamba) and feed-forward blocks (dense or
mixture of experts). Layers that are alike form one group; the order of layers does not matter to memory or
step time and is not kept. What an architecture cannot say here must not be guessed: leave the row out.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from planner.specs.base import Document

Count = Annotated[int, Field(ge=0)]
StateDtype = Literal["fp32", "bf16"]
Trust = Literal["A", "B", "C", "D"]
"""A: the vendor's own config file; B: a maintained table; C: a library default; D: second hand."""


class HeadAttention(Document):
    """Layers that cache keys and values per head: multi-head, grouped-query, multi-query.

    ``sliding`` layers see the last ``window`` tokens, ``chunked`` layers the tokens of their own chunk of
    ``window`` tokens; ``full`` layers see everything.
    """

    kind: Literal["full", "sliding", "chunked"]
    layers: PositiveInt
    heads: PositiveInt
    kv_heads: PositiveInt
    head_dim: PositiveInt
    v_head_dim: PositiveInt | None = None
    """Width of a value head where it differs from ``head_dim``."""
    window: PositiveInt | None = None
    qkv_bias: bool = False
    qk_norm: bool = False
    output_gate: bool = False
    """The query projection also makes a gate of the same width (Qwen3.5)."""
    shared_kv: bool = False
    """Keys are used as values: one projection, and still two tensors in the cache (Gemma 4)."""
    cached: bool = True
    """False for layers that read the cache of an earlier layer and keep none (the last ones of Gemma 3n)."""

    @model_validator(mode="after")
    def _heads_and_window_agree(self) -> Self:
        if self.heads % self.kv_heads:
            raise ValueError(f"kv_heads must divide heads ({self.heads}), found {self.kv_heads}")
        if (self.kind == "full") == (self.window is not None):
            raise ValueError(
                f"window belongs to sliding and chunked layers only, found {self.window} on {self.kind}"
            )
        return self


class LatentAttention(Document):
    """Multi-head latent attention: one compressed vector per token, shared by all heads (DeepSeek-V2 on)."""

    kind: Literal["mla"]
    layers: PositiveInt
    heads: PositiveInt
    kv_lora_rank: PositiveInt
    qk_rope_head_dim: PositiveInt
    qk_nope_head_dim: PositiveInt
    v_head_dim: PositiveInt
    q_lora_rank: PositiveInt | None = None
    index_heads: Count = 0
    index_head_dim: Count = 0
    """Sparse attention's indexer keeps a key of this width per token as well (DeepSeek-V3.2, GLM-5)."""


class LinearAttention(Document):
    """Gated delta-rule layers: a fixed state per sequence instead of a cache per token (Qwen3.5)."""

    kind: Literal["linear"]
    layers: PositiveInt
    key_heads: PositiveInt
    value_heads: PositiveInt
    key_dim: PositiveInt
    value_dim: PositiveInt
    conv: PositiveInt
    state_dtype: StateDtype = "fp32"


class MambaMixer(Document):
    """Mamba-2 layers: a fixed state per sequence (Nemotron-H)."""

    kind: Literal["mamba"]
    layers: PositiveInt
    heads: PositiveInt
    head_dim: PositiveInt
    groups: PositiveInt
    state: PositiveInt
    conv: PositiveInt
    gate_norm: bool = True
    """The output is normed before its projection; Falcon-H1 leaves that out."""
    state_dtype: StateDtype = "fp32"


class StateMixer(Document):
    """Layers of any other recurrence, by what one of them keeps: Mamba-1, short convolutions, lightning attention."""

    kind: Literal["state"]
    layers: PositiveInt
    name: str
    """What the recurrence is called."""
    weights: PositiveInt
    """Elements of a layer's matrices."""
    state: Count = 0
    """Elements of the recurrent state of one sequence."""
    conv: Count = 0
    """Elements of the convolution's state of one sequence."""
    state_dtype: StateDtype = "bf16"


AttentionGroup = Annotated[
    HeadAttention | LatentAttention | LinearAttention | MambaMixer | StateMixer, Field(discriminator="kind")
]


class DenseMlp(Document):
    """Layers with one feed-forward block that every token passes."""

    layers: PositiveInt
    intermediate: PositiveInt
    gated: bool = True
    bias: bool = False


class MoeBlock(Document):
    """Layers with routed experts; widths are of one expert."""

    layers: PositiveInt
    experts: PositiveInt
    experts_per_token: PositiveInt
    intermediate: PositiveInt
    shared_experts: Count = 0
    shared_intermediate: Count = 0
    """Width of one shared expert; 0 means the same as ``intermediate``."""
    shared_gate: bool = False
    latent: PositiveInt | None = None
    """Routed experts work on this width instead of ``hidden``, between two projections (Nemotron 3 Super)."""
    gated: bool = True
    bias: bool = False

    @model_validator(mode="after")
    def _routing_is_possible(self) -> Self:
        if self.experts_per_token > self.experts:
            raise ValueError(f"experts_per_token must be at most experts ({self.experts})")
        return self


class ModelSpec(Document):
    """An architecture with its names, its published size and where the facts come from."""

    id: str
    aliases: tuple[str, ...] = ()
    """Every other name people and tables use: hub ids, with and without ``-instruct``, API names."""
    family: str
    architecture: str
    """The class name in the hub's config, such as ``LlamaForCausalLM``."""
    hidden: PositiveInt
    layers: PositiveInt
    vocab: PositiveInt
    tied: bool = False
    max_context: PositiveInt
    attention: tuple[AttentionGroup, ...]
    mlp: tuple[DenseMlp, ...] = ()
    moe: tuple[MoeBlock, ...] = ()
    norms_per_layer: Count = 2
    final_norms: Count = 1
    """Vectors of ``hidden`` outside the layers: two with a bias, none in OLMo, four with the embedding's norm (BLOOM)."""
    learned_positions: Count = 0
    vectors: Count = 0
    """Elements of biases, norms and other small tensors that the groups do not describe, over all layers."""
    more_embeddings: Count = 0
    """Elements of embedding tables beside the vocabulary's own (per-layer embeddings of Gemma 3n)."""
    rotary_dim: Count | None = None
    """Rotated part of a head; ``None`` means the whole head, 0 no rotation."""
    mtp_layers: Count = 0
    vision_parameters: Count = 0
    """Parameters outside the language model: vision tower and projector."""
    dtype: Literal["bf16", "fp16", "fp32"] = "bf16"
    quantization: str | None = None
    """How the published weights are stored, where that is not ``dtype``: ``fp8-block``, ``mxfp4`` …"""
    parameters: PositiveFloat | None = None
    """Published parameter count of the language model, exact where the publisher is."""
    active_parameters: PositiveFloat | None = None
    source: str
    checked: date
    trust: Trust
    note: str | None = None

    @model_validator(mode="after")
    def _groups_add_up(self) -> Self:
        mixers = sum(group.layers for group in self.attention)
        blocks = sum(group.layers for group in self.mlp) + sum(group.layers for group in self.moe)
        parallel = mixers == 2 * self.layers and blocks == self.layers  # two mixers side by side (Falcon-H1)
        if not parallel and self.layers not in (max(mixers, blocks), mixers + blocks):
            raise ValueError(
                f"groups must make up {self.layers} layers, found {mixers} attention and {blocks} feed-forward"
            )
        return self
