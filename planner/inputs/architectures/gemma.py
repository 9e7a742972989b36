"""Gemma 3n and 4: last layers that read an earlier layer's cache, heads by kind of layer, embeddings for each layer."""

from __future__ import annotations

from typing import Any

from planner.inputs.architectures import feed_forward, mixers
from planner.inputs.architectures.keys import Keys
from planner.inputs.architectures.kinds import Kind

Group = dict[str, Any]
EXPERT_NORMS = 3  # a layer with experts norms both branches and their input


def gemma_mixers(keys: Keys, kind: Kind, layers: int) -> list[Group]:
    """Return one attention group a layer."""
    made = mixers.windowed(keys, kind, mixers.head_attention(keys, kind), layers)
    if keys.kind == "gemma4_text":
        made = [_seeing_everything(keys, each) if each["kind"] == "full" else each for each in made]
    first = layers - keys.maybe("num_kv_shared_layers")
    return [each if index < first else each | {"cached": False} for index, each in enumerate(made)]


def _seeing_everything(keys: Keys, group: Group) -> Group:
    """Full layers of Gemma 4 have wider and fewer heads, and may use their keys as values."""
    wide = group | {"head_dim": keys.count("global_head_dim")}
    if keys.flag("attention_k_eq_v"):
        wide |= {"shared_kv": True, "kv_heads": keys.maybe("num_global_key_value_heads") or group["kv_heads"]}
    return wide


def gemma_blocks(keys: Keys, kind: Kind, layers: int) -> list[Group]:
    """Return one feed-forward block a layer; a dense block beside experts is written as a shared one."""
    width = keys.listed("intermediate")
    if keys.flag("enable_moe_block"):
        routed = feed_forward.experts(keys, kind)
        return [routed | {"shared_experts": 1, "shared_intermediate": width}] * layers
    first = layers - keys.maybe("num_kv_shared_layers")
    doubled = keys.flag("use_double_wide_mlp")
    return [
        {"intermediate": width * (2 if doubled and index >= first else 1), "gated": True, "bias": False}
        for index in range(layers)
    ]


def gemma_extras(keys: Keys, layers: int) -> dict[str, int]:
    """Return what stands beside the layers: more norms, more embeddings, and projections between them."""
    hidden, own = keys.count("hidden"), keys.maybe("hidden_size_per_layer_input")
    norms, matrices = 4, 0
    if own:
        norms += 1
        matrices += 3 * layers * own * hidden + own
    if keys.kind == "gemma3n_text":
        norms = 8
        streams, rank = keys.count("altup_num_inputs"), keys.count("laurel_rank")
        altup = streams**2 + streams**3 + streams * hidden
        matrices += layers * (altup + 2 * rank * hidden) + 2 * (streams - 1) * hidden * hidden
    if keys.flag("enable_moe_block"):
        norms += EXPERT_NORMS
        matrices += layers * (hidden + keys.count("experts"))
    vocab = keys.maybe("vocab_size_per_layer_input") or keys.count("vocab")
    return {"norms_per_layer": norms, "vectors": matrices, "more_embeddings": vocab * layers * own}
