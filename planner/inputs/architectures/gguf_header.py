"""The header of a GGUF in the hub's words: its keys by llama.cpp's architecture, its switches by the tensors it lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.inputs.architectures.decoder import decoder_fields
from planner.inputs.architectures.keys import Config, Keys
from planner.inputs.architectures.kinds import KINDS, Kind

Shapes = Mapping[str, tuple[int, ...]]
"""Tensors by name, columns first."""

# llama.cpp's architecture -> the hub's model type with the same layers
GGUF_KINDS: dict[str, str] = {
    **dict.fromkeys(("llama", "mistral3", "minicpm"), "llama"),
    **dict.fromkeys(("qwen2", "qwen2vl"), "qwen2"),
    **dict.fromkeys(("qwen3", "qwen3vl"), "qwen3"),
    **dict.fromkeys(("qwen3moe", "qwen3vlmoe"), "qwen3_moe"),
    "apertus": "apertus",
    "arcee": "arcee",
    "baichuan": "baichuan",
    "bloom": "bloom",
    "cohere2": "cohere2",
    "command-r": "cohere",
    "deepseek2": "deepseek_v3",
    "dots1": "dots1",
    "ernie4_5": "ernie4_5",
    "ernie4_5-moe": "ernie4_5_moe",
    "exaone4": "exaone4",
    "falcon": "falcon",
    "falcon-h1": "falcon_h1",
    "gemma": "gemma",
    "gemma2": "gemma2",
    "gemma3": "gemma3_text",
    "glm4": "glm4",
    "glm4moe": "glm4_moe",
    "gpt-oss": "gpt_oss",
    "gpt2": "gpt2",
    "gptneox": "gpt_neox",
    "granite": "granite",
    "granitehybrid": "granitemoehybrid",
    "granitemoe": "granitemoe",
    "hunyuan-dense": "hunyuan_v1_dense",
    "internlm2": "internlm2",
    "lfm2": "lfm2",
    "lfm2moe": "lfm2_moe",
    "llama4": "llama4_text",
    "minimax-m2": "minimax_m2",
    "mpt": "mpt",
    "nemotron": "nemotron",
    "olmo": "olmo",
    "olmo2": "olmo2",
    "olmoe": "olmoe",
    "phi2": "phi",
    "phi3": "phi3",
    "phimoe": "phimoe",
    "qwen2moe": "qwen2_moe",
    "qwen35": "qwen3_5_text",
    "qwen35moe": "qwen3_5_moe_text",
    "qwen3next": "qwen3_next",
    "seed_oss": "seed_oss",
    "smollm3": "smollm3",
    "stablelm": "stablelm",
    "starcoder2": "starcoder2",
}
BIASES = {
    "qkv": ("attn_q.bias", "attn_qkv.bias"),
    "out": ("attn_output.bias",),
    "mlp": ("ffn_down.bias",),
    "norm": ("attn_norm.bias",),
    "head": ("output.bias",),
}
FULL_EVERY = 4  # of Qwen3-Next and 3.5 where the header does not say


def gguf_decoder(architecture: str, config: Config, shapes: Shapes, file: Path) -> dict[str, Any]:
    """Return the fields of a model row that a GGUF's header determines.

    Raises
    ------
    InputError
        When a dimension is missing.
    """
    hub = GGUF_KINDS[architecture]
    said = _said(config, hub) | {"vocab_size": shapes["token_embd.weight"][1]}
    kind = _seen(KINDS[hub], shapes, said)
    keys = Keys(config=said, file=file, kind=hub, defaults={})
    fields = decoder_fields(keys, kind)
    return fields | {"max_context": keys.count("max_context")}


def _said(config: Config, hub: str) -> dict[str, Any]:
    """Say with the hub's words what a GGUF's keys say."""
    mtp = int(config.get("nextn_predict_layers") or 0)
    blocks = config.get("block_count")
    said = {
        "hidden_size": config.get("embedding_length"),
        "num_hidden_layers": blocks - mtp if isinstance(blocks, int) else blocks,
        "num_nextn_predict_layers": mtp,
        "max_position_embeddings": config.get("context_length"),
        "num_attention_heads": config.get("attention.head_count"),
        "num_key_value_heads": config.get("attention.head_count_kv"),
        "head_dim": config.get("attention.key_length"),
        "intermediate_size": config.get("feed_forward_length"),
        "num_experts": config.get("expert_count"),
        "num_experts_per_tok": config.get("expert_used_count"),
        "moe_intermediate_size": config.get("expert_feed_forward_length"),
        "n_shared_experts": config.get("expert_shared_count"),
        "shared_expert_intermediate_size": config.get("expert_shared_feed_forward_length"),
        "first_k_dense_replace": config.get("leading_dense_block_count"),
        "moe_layer_start_index": config.get("leading_dense_block_count"),
        "sliding_window": config.get("attention.sliding_window"),
        "multi_query": True,
        "parallel_attn": True,
        "new_decoder_architecture": (config.get("attention.head_count_kv") or 1) != 1,
    }
    said |= _latent(config) | _recurrent(config) | _by_layer(config, said["num_hidden_layers"])
    if hub == "llama4_text":
        said["intermediate_size_mlp"] = config.get("feed_forward_length")
        said["interleave_moe_layer_step"] = config.get("interleave_moe_layer_step")
        said["intermediate_size"] = config.get("expert_feed_forward_length")
    if config.get("attention.value_length") not in {None, config.get("attention.key_length")}:
        said.setdefault("v_head_dim", config.get("attention.value_length"))
    return {name: value for name, value in said.items() if value is not None}


def _latent(config: Config) -> dict[str, Any]:
    """Compressed attention: a head's width is told with the rotated part, or as cached in older files."""
    if not config.get("attention.kv_lora_rank"):
        return {}
    rope = config.get("rope.dimension_count") or 0
    width = config.get("attention.key_length_mla") or config.get("attention.key_length") or 0
    return {
        "kv_lora_rank": config.get("attention.kv_lora_rank"),
        "q_lora_rank": config.get("attention.q_lora_rank"),
        "qk_rope_head_dim": rope,
        "qk_nope_head_dim": width - rope,
        "v_head_dim": config.get("attention.value_length_mla") or config.get("attention.value_length"),
        "num_key_value_heads": config.get("attention.head_count"),
    }


def _recurrent(config: Config) -> dict[str, Any]:
    """Linear attention and state spaces share keys; each family reads its own names of them."""
    if config.get("shortconv.l_cache"):
        return {"conv_L_cache": config["shortconv.l_cache"], "block_auto_adjust_ff_dim": False}
    heads, inner = config.get("ssm.time_step_rank"), config.get("ssm.inner_size")
    if not heads or not inner:
        return {}
    conv, groups, state = (config.get(f"ssm.{name}") for name in ("conv_kernel", "group_count", "state_size"))
    return {
        "linear_conv_kernel_dim": conv,
        "linear_num_key_heads": groups,
        "linear_key_head_dim": state,
        "linear_num_value_heads": heads,
        "linear_value_head_dim": inner // heads,
        "full_attention_interval": config.get("full_attention_interval") or FULL_EVERY,
        "mamba_d_conv": conv,
        "mamba_n_groups": groups,
        "mamba_d_state": state,
        "mamba_n_heads": heads,
        "mamba_d_head": inner // heads,
        "shared_intermediate_size": config.get("expert_shared_feed_forward_length")
        or config.get("feed_forward_length"),
    }


def _by_layer(config: Config, layers: object) -> dict[str, Any]:
    """Read lists with one entry a layer: no key heads mean a recurrence, and a switch tells which layers slide."""
    found: dict[str, Any] = {}
    heads, slides = config.get("attention.head_count_kv"), config.get("attention.sliding_window_pattern")
    if isinstance(heads, list):
        found["num_key_value_heads"] = max(heads)
        found["layer_types"] = ["full_attention" if each else "linear_attention" for each in heads]
    elif isinstance(slides, list) and isinstance(layers, int):
        found["layer_types"] = ["sliding_attention" if each else "full_attention" for each in slides[:layers]]
    return found


def _seen(kind: Kind, shapes: Shapes, said: Config) -> Kind:
    """Take biases and norms from the tensors that are there."""
    ends = {name.split(".", 2)[-1] if name.startswith("blk.") else name for name in shapes}
    found = frozenset(part for part, names in BIASES.items() if ends.intersection(names))
    norms = [shape for name, shape in shapes.items() if name.endswith("attn_q_norm.weight")]
    if not norms:
        return replace(kind, biases=found, bias_keys={}, qk_norm="no", qk_norm_key=None)
    one_head = norms[0] == (said.get("head_dim"),)
    return replace(kind, biases=found, bias_keys={}, qk_norm="head" if one_head else "full", qk_norm_key=None)
