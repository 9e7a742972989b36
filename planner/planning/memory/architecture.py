"""Unpack a model of the book into weight tensors and cache groups: the plain numbers that formulas take.

Tensors are listed as serving engines fuse them (q, k and v in one; gate and up in one), because both tensor
parallelism and the allocator work on the fused ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from planner.planning.memory.tensors import Tensor, TensorClass, linear_attention, mamba, plain_tensor
from planner.records import dataclass
from planner.specs.books.model import (
    AttentionGroup,
    DenseMlp,
    HeadAttention,
    LatentAttention,
    LinearAttention,
    MambaMixer,
    ModelSpec,
    MoeBlock,
    StateMixer,
)
from planner.units import MeanCount


@dataclass(frozen=True, kw_only=True, slots=True)
class ParameterCounts:
    """Parameters by class. ``total`` is what publishers count: without MTP layers and vision tower."""

    attention: MeanCount
    mlp: MeanCount
    experts: MeanCount
    shared_experts: MeanCount
    router: MeanCount
    norms: MeanCount
    embeddings: MeanCount
    head: MeanCount
    mtp: MeanCount = 0.0
    vision: MeanCount = 0.0

    @property
    def total(self) -> float:
        """Parameters of the language model."""
        blocks = self.attention + self.mlp + self.experts + self.shared_experts + self.router
        return blocks + self.norms + self.embeddings + self.head


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """A model as plain numbers: its tensors, and its parameters held and passed per token, by class."""

    model: ModelSpec
    tensors: tuple[Tensor, ...]
    parameters: ParameterCounts
    active: ParameterCounts


def unpack(model: ModelSpec) -> Architecture:
    """Return tensors and parameter counts of ``model``.

    ``active`` counts the output head once and no embedding row, as vendors do for mixture-of-experts names
    up to a few per cent.
    """
    tensors = tuple(_tensors(model))
    held: dict[str, float] = {}
    passed: dict[str, float] = {}
    for tensor in tensors:
        held[tensor.tensor_class] = held.get(tensor.tensor_class, 0.0) + tensor.parameters
        passed[tensor.tensor_class] = passed.get(tensor.tensor_class, 0.0) + tensor.active_parameters
    if model.tied:
        passed["head"] = float(model.vocab * model.hidden)
    return Architecture(model=model, tensors=tensors, parameters=_counts(held), active=_counts(passed))


def _counts(by_class: dict[str, float]) -> ParameterCounts:
    def get(name: TensorClass) -> float:
        return float(by_class.get(name, 0.0))

    return ParameterCounts(
        attention=get("attention"),
        mlp=get("mlp"),
        experts=get("experts"),
        shared_experts=get("shared_experts"),
        router=get("router"),
        norms=get("norms"),
        embeddings=get("embeddings"),
        head=get("head"),
        mtp=get("mtp"),
        vision=get("vision"),
    )


def _tensors(model: ModelSpec) -> Iterator[Tensor]:
    for group in model.attention:
        yield from _mixer(group, model.hidden)
    for mlp in model.mlp:
        yield from _mlp(mlp, model.hidden)
    for moe in model.moe:
        yield from _moe(moe, model.hidden)
    norms = model.layers * model.norms_per_layer + model.final_norms
    yield plain_tensor("norms", "norms", 1, norms, model.hidden, linear=False)
    if model.vectors:
        yield plain_tensor("vectors", "norms", 1, model.vectors, 1, linear=False)
    yield plain_tensor(
        "embeddings", "embeddings", 1, model.vocab, model.hidden, "rows", linear=False, active=0.0
    )
    if model.learned_positions:
        yield plain_tensor(
            "positions", "embeddings", 1, model.learned_positions, model.hidden, linear=False, active=0.0
        )
    if model.more_embeddings:
        rows = model.more_embeddings
        yield plain_tensor("more_embeddings", "embeddings", 1, rows, 1, "rows", linear=False, active=0.0)
    if not model.tied:
        yield plain_tensor("head", "head", 1, model.vocab, model.hidden, "rows")
    if model.mtp_layers:
        yield from _mtp(model)
    if model.vision_parameters:
        yield plain_tensor("vision", "vision", 1, model.vision_parameters, 1, linear=False, active=0.0)


def _mixer(group: AttentionGroup, hidden: int) -> Iterable[Tensor]:
    match group:
        case HeadAttention():
            return _head_attention(group, hidden)
        case LatentAttention():
            return _latent_attention(group, hidden)
        case LinearAttention():
            return linear_attention(group, hidden)
        case MambaMixer():
            return mamba(group, hidden)
        case StateMixer():
            return (plain_tensor("state_mixer", "attention", group.layers, group.weights, 1, "rows"),)
        case _:
            assert_never(group)


def _head_attention(group: HeadAttention, hidden: int) -> Iterator[Tensor]:
    value_dim = group.v_head_dim or group.head_dim
    queries = group.heads * group.head_dim * (2 if group.output_gate else 1)
    per_kv_head = group.head_dim if group.shared_kv else group.head_dim + value_dim
    kv_heads = group.kv_heads if group.cached else 0
    yield Tensor(
        name="qkv",
        tensor_class="attention",
        layers=group.layers,
        rows=queries,
        columns=hidden,
        split="rows",
        kv_heads=kv_heads,
        kv_rows_per_head=per_kv_head,
        copied_rows_per_head=value_dim if group.shared_kv else 0,
    )
    yield plain_tensor("attn_out", "attention", group.layers, hidden, group.heads * value_dim, "columns")
    if group.qkv_bias:
        rows = queries + kv_heads * per_kv_head
        yield plain_tensor("qkv_bias", "attention", group.layers, rows, 1, "rows", linear=False)
    if group.qk_norm:
        normed = (2 if group.cached else 1) * group.head_dim
        yield plain_tensor("qk_norm", "norms", group.layers, normed, 1, linear=False)


def _latent_attention(group: LatentAttention, hidden: int) -> Iterator[Tensor]:
    layers, query_dim = group.layers, group.qk_nope_head_dim + group.qk_rope_head_dim
    latent = group.kv_lora_rank + group.qk_rope_head_dim
    if group.q_lora_rank:
        yield plain_tensor("qkv_a", "attention", layers, group.q_lora_rank + latent, hidden)
        yield plain_tensor("q_b", "attention", layers, group.heads * query_dim, group.q_lora_rank, "rows")
    else:
        yield plain_tensor("q", "attention", layers, group.heads * query_dim, hidden, "rows")
        yield plain_tensor("kv_a", "attention", layers, latent, hidden)
    expanded = group.heads * (group.qk_nope_head_dim + group.v_head_dim)
    yield plain_tensor("kv_b", "attention", layers, expanded, group.kv_lora_rank, "rows")
    yield plain_tensor("attn_out", "attention", layers, hidden, group.heads * group.v_head_dim, "columns")
    norms = (
        (group.q_lora_rank or 0) + group.kv_lora_rank + (2 * group.index_head_dim if group.index_heads else 0)
    )
    yield plain_tensor("latent_norm", "norms", layers, norms, 1, linear=False)
    if group.index_heads:
        indexed = group.index_heads * group.index_head_dim
        yield plain_tensor("index_q", "attention", layers, indexed, group.q_lora_rank or hidden)
        yield plain_tensor("index_k", "attention", layers, group.index_head_dim + group.index_heads, hidden)


def _mlp(mlp: DenseMlp, hidden: int) -> Iterator[Tensor]:
    up = mlp.intermediate * (2 if mlp.gated else 1)
    yield plain_tensor("up", "mlp", mlp.layers, up, hidden, "rows")
    yield plain_tensor("down", "mlp", mlp.layers, hidden, mlp.intermediate, "columns")
    if mlp.bias:
        yield plain_tensor("mlp_bias", "mlp", mlp.layers, up + hidden, 1, linear=False)


def _moe(moe: MoeBlock, hidden: int) -> Iterator[Tensor]:
    up, width = moe.intermediate * (2 if moe.gated else 1), moe.latent or hidden
    for name, rows, columns in (("expert_up", up, width), ("expert_down", width, moe.intermediate)):
        yield Tensor(
            name=name,
            tensor_class="experts",
            layers=moe.layers,
            rows=rows,
            columns=columns,
            split="rows" if name == "expert_up" else "columns",
            copies=moe.experts,
            active_copies=moe.experts_per_token,
        )
    if moe.latent:
        yield plain_tensor("latent", "shared_experts", moe.layers, 2 * moe.latent, hidden)
    if moe.bias:
        biases = moe.experts * (up + hidden)
        active = moe.experts_per_token / moe.experts
        yield plain_tensor("expert_bias", "experts", moe.layers, biases, 1, linear=False, active=active)
    yield plain_tensor("router", "router", moe.layers, moe.experts, hidden, linear=False)
    shared = moe.shared_experts * (moe.shared_intermediate or moe.intermediate)
    if shared:
        rows = shared * (2 if moe.gated else 1)
        yield plain_tensor("shared_up", "shared_experts", moe.layers, rows, hidden, "rows")
        yield plain_tensor("shared_down", "shared_experts", moe.layers, hidden, shared, "columns")
    if moe.shared_gate:
        yield plain_tensor("shared_gate", "router", moe.layers, 1, hidden, linear=False)


def _mtp(model: ModelSpec) -> Iterator[Tensor]:
    """One more layer of the last kind per MTP layer, and the projection that joins it to the stream."""
    mixer = next(group for group in model.attention if isinstance(group, HeadAttention | LatentAttention))
    block: DenseMlp | MoeBlock = model.moe[-1] if model.moe else model.mlp[-1]
    feed_forward = _moe(block, model.hidden) if isinstance(block, MoeBlock) else _mlp(block, model.hidden)
    layer = (*_mixer(mixer, model.hidden), *feed_forward)
    elements = sum(tensor.elements * tensor.copies for tensor in layer)
    joint = 2 * model.hidden * model.hidden
    yield plain_tensor("mtp", "mtp", model.mtp_layers, elements + joint, 1, active=0.0)
