"""Feed-forward blocks layer by layer, from a config: dense, or experts with or without shared ones."""

from __future__ import annotations

from typing import Any

from planner.inputs.architectures.keys import Keys
from planner.inputs.architectures.kinds import Kind
from planner.inputs.architectures.mixers import biases

Block = dict[str, Any]
"""A group of ``mlp`` or, where it has experts, ``moe``, without its number of layers."""
LFM_MULTIPLE = 256


def blocks(keys: Keys, kind: Kind, layers: int) -> list[Block]:
    """Return one block a layer."""
    if not keys.maybe("experts") and not keys.inner("ffn_config").maybe("moe_num_experts"):
        return [dense(keys, kind)] * layers
    routed = experts(keys, kind)
    if routed["experts"] == 1 and keys.kind == "hunyuan_v1_moe":
        raise keys.fault("num_experts", "at least 2 experts", 1)
    return [routed if is_routed(keys, index, layers) else dense(keys, kind) for index in range(layers)]


def dense(keys: Keys, kind: Kind) -> Block:
    """Return a block that every token passes."""
    return {
        "intermediate": _width(keys),
        "gated": kind.gated,
        "bias": "mlp" in biases(keys, kind),
    }


def experts(keys: Keys, kind: Kind) -> Block:
    """Return a block of routed experts."""
    inner = keys.inner("ffn_config")
    if inner.maybe("moe_num_experts"):  # DBRX
        return {
            "experts": inner.count("moe_num_experts"),
            "experts_per_token": inner.count("moe_top_k"),
            "intermediate": inner.count("ffn_hidden_size"),
            "gated": True,
        }
    width = keys.maybe("expert_width") or keys.count("intermediate")
    block: Block = {
        "experts": keys.count("experts"),
        "experts_per_token": keys.listed("experts_per_token"),
        "intermediate": width,
        "gated": kind.gated,
        "bias": kind.expert_bias,
    }
    if keys.get("moe_latent_size"):
        block["latent"] = keys.count("moe_latent_size")
    return block | _shared(keys, kind, width)


def _shared(keys: Keys, kind: Kind, width: int) -> Block:
    """Shared experts: so many of a routed one's width, or one of a width of its own."""
    number = keys.listed("shared_experts") if keys.get("shared_experts") is not None else 0
    stated = keys.maybe("moe_shared_expert_intermediate_size") or keys.maybe("shared_width")
    if keys.kind == "llama4_text":
        number = 1
    if keys.kind == "hunyuan_v1_moe":
        return {"shared_experts": 1, "shared_intermediate": keys.count("intermediate")}
    if not number and not stated:
        return {}
    shared: Block = {"shared_experts": number or 1}
    if stated and stated != width:
        shared["shared_intermediate"] = stated
    if kind.shared_gate:
        shared["shared_gate"] = True
    return shared


def is_routed(keys: Keys, index: int, layers: int) -> bool:
    """Tell whether a layer has experts."""
    words = keys.words("mlp_layer_types", layers)
    if words:
        return words[index] == "sparse"
    if keys.kind == "llama4_text":
        listed = keys.get("moe_layers")
        step = keys.maybe("interleave_moe_layer_step", 1)
        return index in listed if listed else (index + 1) % step == 0
    if keys.kind == "jamba":
        return index % keys.count("expert_layer_period") == keys.count("expert_layer_offset")
    if keys.kind == "ernie4_5_moe":
        return _ernie(keys, index, layers)
    if index < keys.maybe("dense_first") or index in (keys.get("mlp_only_layers") or ()):
        return False
    return (index + 1) % keys.maybe("decoder_sparse_step", 1) == 0


def _ernie(keys: Keys, index: int, layers: int) -> bool:
    first, step = keys.maybe("moe_layer_start_index"), keys.maybe("moe_layer_interval", 1)
    last = keys.maybe("moe_layer_end_index", -1)
    last = layers - 1 if last < 0 else last
    return (index + 1) % step == 0 and first <= index <= last


def _width(keys: Keys) -> int:
    """Return the width of a dense block, by the rules of the publishers that do not state it."""
    if keys.kind == "llama4_text":
        return keys.maybe("intermediate_size_mlp") or keys.count("intermediate")
    if keys.kind == "lfm2":
        return _lfm_width(keys)
    if keys.kind == "minimax_m3_vl_text":
        return keys.count("dense_intermediate_size")
    if keys.kind in {"bloom", "gpt2", "gptj", "gpt_bigcode", "falcon"} and keys.get("intermediate") is None:
        return 4 * keys.count("hidden")
    if keys.kind == "mpt":
        return keys.maybe("expansion_ratio", 4) * keys.count("hidden")
    return keys.count("intermediate")


def _lfm_width(keys: Keys) -> int:
    width = keys.maybe("block_ff_dim") or keys.count("intermediate")
    if not keys.flag("block_auto_adjust_ff_dim"):
        return width
    multiplier = keys.get("block_ffn_dim_multiplier") or 1.0
    multiple = keys.maybe("block_multiple_of", LFM_MULTIPLE)
    adjusted = int(multiplier * int(2 * width / 3))
    return -(-adjusted // multiple) * multiple
