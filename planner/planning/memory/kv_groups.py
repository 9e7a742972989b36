"""What a model caches, as groups of layers that an engine pools together, and its size per token and sequence."""

from __future__ import annotations

from typing import Literal, assert_never

from planner.errors import UsageError
from planner.formulas.kv_cache import (
    head_kv_bytes_per_token,
    indexer_bytes_per_token,
    kv_heads_per_rank,
    latent_kv_bytes_per_token,
    packed_latent_bytes_per_token,
    windowed_tokens,
)
from planner.formulas.recurrent_state import delta_rule_state_bytes, mamba_state_bytes
from planner.records import dataclass
from planner.specs.books.model import (
    AttentionGroup,
    HeadAttention,
    LatentAttention,
    LinearAttention,
    MambaMixer,
    ModelSpec,
    StateMixer,
)
from planner.units import Count

# Bytes per element, block scales included: 32 elements of q8_0 are 34 bytes, of q4_0 18, of q5_0 22 (ggml.h).
KV_ELEMENT_BYTES: dict[str, float] = {
    "fp32": 4.0,
    "f32": 4.0,
    "bf16": 2.0,
    "fp16": 2.0,
    "f16": 2.0,
    "fp8": 1.0,
    "fp8_e4m3": 1.0,
    "fp8_e5m2": 1.0,
    "int8": 1.0,
    "q8_0": 34 / 32,
    "q5_1": 24 / 32,
    "q5_0": 22 / 32,
    "q4_1": 20 / 32,
    "q4_0": 18 / 32,
    "iq4_nl": 18 / 32,
}
STATE_BYTES = {"fp32": 4.0, "bf16": 2.0}
CONV_BYTES = 2.0  # of a convolution's state: the type of the activations


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheGroup:
    """Layers on one rank that keep the same amount: per token, or a fixed state per sequence."""

    kind: Literal["full", "sliding", "chunked", "mla", "linear", "mamba", "state"]
    layers: float
    token_bytes: float = 0.0
    """Cache of one token in one layer [bytes/token]."""
    state_bytes: float = 0.0
    """State of one sequence in one layer [bytes]."""
    window: Count | None = None


def kv_element_bytes(kv_dtype: str, *, model: ModelSpec) -> float:
    """Return the size of one cached element; ``auto`` is the model's own type.

    Raises
    ------
    UsageError
        When the type is unknown.
    """
    wanted = kv_dtype.strip().casefold()
    if wanted == "auto":
        wanted = model.dtype
    if wanted not in KV_ELEMENT_BYTES:
        raise UsageError(
            f"no KV cache type is called {kv_dtype!r}", cure=f"use auto, {', '.join(KV_ELEMENT_BYTES)}"
        )
    return KV_ELEMENT_BYTES[wanted]


def cache_groups(
    model: ModelSpec,
    *,
    element_bytes: float = 2.0,
    tensor_parallel: int = 1,
    layer_share: float = 1.0,
    speculative_tokens: int = 0,
    wide_states: bool = False,
) -> tuple[CacheGroup, ...]:
    """Return what one rank caches, one group per kind of layer.

    ``layer_share`` is the part of the layers that a pipeline stage holds; with ``wide_states`` recurrent states and
    those of convolutions are kept in 32 bits whatever the model says, as llama.cpp does.
    """
    groups: list[CacheGroup] = []
    drafting = model.mtp_layers if speculative_tokens else 0  # its own layers of the first caching kind
    for group in model.attention:
        if isinstance(group, HeadAttention) and not group.cached:
            continue
        made = _group(group, element_bytes, tensor_parallel, speculative_tokens, wide=wide_states)
        groups.append(
            CacheGroup(
                kind=group.kind,
                layers=(group.layers + (drafting if made[0] else 0)) * layer_share,
                token_bytes=made[0],
                state_bytes=made[1],
                window=group.window if isinstance(group, HeadAttention) else None,
            )
        )
        drafting = 0 if made[0] else drafting
    return tuple(groups)


def kv_bytes_per_token(
    model: ModelSpec, *, element_bytes: float = 2.0, tensor_parallel: int = 1, layer_share: float = 1.0
) -> float:
    """Return what one more token adds over all layers, while it is inside every window [bytes/token]."""
    groups = cache_groups(
        model, element_bytes=element_bytes, tensor_parallel=tensor_parallel, layer_share=layer_share
    )
    return sum(group.layers * group.token_bytes for group in groups)


def kv_bytes_of_sequence(groups: tuple[CacheGroup, ...], *, tokens: float) -> float:
    """Return what a sequence of ``tokens`` keeps on one rank, windows and states counted, no block rounding."""
    total = 0.0
    for group in groups:
        kept = tokens if group.window is None else float(windowed_tokens(tokens=tokens, window=group.window))
        total += group.layers * (group.token_bytes * kept + group.state_bytes)
    return total


def _group(
    group: AttentionGroup, element_bytes: float, ranks: int, speculative_tokens: int, *, wide: bool
) -> tuple[float, float]:
    """Bytes per token and per sequence of one layer on one rank."""
    conv_bytes = STATE_BYTES["fp32"] if wide else CONV_BYTES
    match group:
        case HeadAttention():
            heads = kv_heads_per_rank(kv_heads=group.kv_heads, tensor_parallel=ranks)
            per_token = head_kv_bytes_per_token(
                layers=1,
                kv_heads=heads,
                head_dim=group.head_dim,
                v_head_dim=group.v_head_dim,
                element_bytes=element_bytes,
            )
            return float(per_token), 0.0
        case LatentAttention():
            index = indexer_bytes_per_token(index_head_dim=group.index_head_dim) if group.index_heads else 0.0
            if group.index_heads and element_bytes == 1.0:
                packed = packed_latent_bytes_per_token(
                    kv_lora_rank=group.kv_lora_rank, qk_rope_head_dim=group.qk_rope_head_dim
                )
                return float(packed + index), 0.0
            latent = latent_kv_bytes_per_token(
                layers=1,
                kv_lora_rank=group.kv_lora_rank,
                qk_rope_head_dim=group.qk_rope_head_dim,
                index_bytes=index,
                element_bytes=element_bytes,
            )
            return float(latent), 0.0
        case LinearAttention():
            state = delta_rule_state_bytes(
                key_heads=group.key_heads / ranks,
                value_heads=group.value_heads / ranks,
                key_dim=group.key_dim,
                value_dim=group.value_dim,
                conv=group.conv,
                state_bytes=_state_bytes(group.state_dtype, wide=wide),
                conv_bytes=conv_bytes,
                speculative_tokens=speculative_tokens,
            )
            return 0.0, float(state)
        case MambaMixer():
            state = mamba_state_bytes(
                heads=group.heads / ranks,
                head_dim=group.head_dim,
                groups=max(1.0, group.groups / ranks),
                state=group.state,
                conv=group.conv,
                state_bytes=_state_bytes(group.state_dtype, wide=wide),
                conv_bytes=conv_bytes,
            )
            return 0.0, float(state)
        case StateMixer():
            kept = group.state * _state_bytes(group.state_dtype, wide=wide) + group.conv * conv_bytes
            return 0.0, kept / ranks
        case _:
            assert_never(group)


def _state_bytes(said: str, *, wide: bool) -> float:
    return STATE_BYTES["fp32" if wide else said]
