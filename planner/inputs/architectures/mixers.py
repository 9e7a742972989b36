"""Token mixers layer by layer, from a config: attention with heads or compressed, linear attention, state spaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planner.inputs.architectures.keys import Keys
from planner.inputs.architectures.kinds import Kind

Group = dict[str, Any]
"""A group of the model book without its number of layers."""
Mixer = Callable[[Keys, Kind], Group]

WINDOWED = {"sliding_attention": "sliding", "chunked_attention": "chunked"}
FULL = frozenset({"full_attention", "attention", "hybrid", "full", "indexed_attention"})
OTHER = frozenset({"linear_attention", "mamba", "conv"})
CHUNK_TOKENS = 8192


def head_attention(keys: Keys, kind: Kind) -> Group:
    """Return attention that caches per head and sees everything."""
    heads = keys.count("heads")
    hidden = keys.count("hidden")
    group: Group = {
        "kind": "full",
        "heads": heads,
        "kv_heads": kv_heads(keys, heads),
        "head_dim": keys.maybe("head_dim") or keys.maybe("attention_head_dim") or hidden // heads,
        "qkv_bias": "qkv" in biases(keys, kind),
        "qk_norm": kind.qk_norm == "head" and normed(keys, kind),
    }
    if kind.gate:
        group["output_gate"] = True
    if keys.get("v_head_dim") and keys.count("v_head_dim") != group["head_dim"]:
        group["v_head_dim"] = keys.count("v_head_dim")
    return group


def kv_heads(keys: Keys, heads: int) -> int:
    """Return the key/value heads; Falcon and GPT-BigCode say multi-query by a switch."""
    if keys.kind == "falcon":
        new = keys.flag("new_decoder_architecture")
        if not new:
            return 1 if keys.flag("multi_query") else heads
    if keys.kind == "gpt_bigcode":
        return 1 if keys.flag("multi_query") else heads
    inner = keys.inner("attn_config").maybe("kv_heads")
    return inner or keys.maybe("kv_heads") or heads


def biases(keys: Keys, kind: Kind) -> frozenset[str]:
    """Return which parts have biases."""
    found = set(kind.biases)
    for key, parts in kind.bias_keys.items():
        if keys.flag(key):
            found.update(parts)
    return frozenset(found)


def normed(keys: Keys, kind: Kind) -> bool:
    """Tell whether queries and keys are normed."""
    return kind.qk_norm != "no" and (kind.qk_norm_key is None or keys.flag(kind.qk_norm_key))


def latent_attention(keys: Keys, _kind: Kind) -> Group:
    """Return compressed attention, with the indexer of sparse attention where there is one."""
    names = ("kv_lora_rank", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim")
    group: Group = {
        "kind": "mla",
        "heads": keys.count("heads"),
        **{name: keys.count(name) for name in names},
        "q_lora_rank": keys.get("q_lora_rank"),
    }
    if keys.get("index_n_heads"):
        group |= {"index_heads": keys.count("index_n_heads"), "index_head_dim": keys.count("index_head_dim")}
    return group


def delta_rule(keys: Keys, _kind: Kind) -> Group:
    """Return gated delta-rule layers; vLLM keeps the state in the activations' type unless the config says otherwise."""
    said = str(keys.get("mamba_ssm_dtype") or "")
    return {
        "kind": "linear",
        "key_heads": keys.count("linear_num_key_heads"),
        "value_heads": keys.count("linear_num_value_heads"),
        "key_dim": keys.count("linear_key_head_dim"),
        "value_dim": keys.count("linear_value_head_dim"),
        "conv": keys.count("linear_conv_kernel_dim"),
        "state_dtype": "fp32" if said == "float32" else "bf16",
    }


def mamba_two(keys: Keys, _kind: Kind) -> Group:
    """Return Mamba-2 layers under the names of their four families."""
    said = str(keys.get("mamba_ssm_cache_dtype") or "")
    return {
        "kind": "mamba",
        "heads": _first(keys, "mamba_num_heads", "mamba_n_heads", "num_heads"),
        "head_dim": _first(keys, "mamba_head_dim", "mamba_d_head", "head_dim"),
        "groups": _first(keys, "n_groups", "mamba_n_groups"),
        "state": _first(keys, "ssm_state_size", "mamba_d_state", "state_size"),
        "conv": _first(keys, "conv_kernel", "mamba_d_conv"),
        "gate_norm": keys.kind != "falcon_h1" or keys.flag("mamba_rms_norm"),
        "state_dtype": "fp32" if said == "float32" else "bf16",
    }


def mamba_one(keys: Keys, _kind: Kind) -> Group:
    """Return Mamba-1 layers (Jamba): projections, step sizes, transition, and three inner norms."""
    hidden, state = keys.count("hidden"), keys.count("mamba_d_state")
    inner, rank = hidden * keys.count("mamba_expand"), keys.count("mamba_dt_rank")
    conv = keys.count("mamba_d_conv")
    matrices = 3 * hidden * inner + inner * (rank + 2 * state) + rank * inner
    small = inner * (conv + 1) + inner + inner * state + inner + rank + 2 * state
    return {
        "kind": "state",
        "name": "mamba-1",
        "weights": matrices + small,
        "state": inner * state,
        "conv": inner * (conv - 1),
    }


def short_convolution(keys: Keys, _kind: Kind) -> Group:
    """Return LFM2's gated short convolutions."""
    hidden, length = keys.count("hidden"), keys.count("conv_L_cache")
    bias = 5 * hidden if keys.flag("conv_bias") else 0
    return {
        "kind": "state",
        "name": "short-conv",
        "weights": 4 * hidden * hidden + hidden * length + bias,
        "conv": hidden * (length - 1),
    }


def lightning(keys: Keys, _kind: Kind) -> Group:
    """Return MiniMax's lightning attention: queries, keys, values, a gate, and one matrix of state per head."""
    hidden, heads = keys.count("hidden"), keys.count("heads")
    width = heads * (keys.maybe("head_dim") or hidden // heads)
    return {
        "kind": "state",
        "name": "lightning",
        "weights": 5 * hidden * width + width,
        "state": width * width // heads,
    }


def kimi_delta(keys: Keys, _kind: Kind) -> Group:
    """Return Kimi's delta attention: gates of low rank and three convolutions beside queries, keys and values."""
    said = keys.inner("linear_attn_config")
    from_inner = bool(said.config)
    heads = said.count("num_heads") if from_inner else keys.count("linear_num_heads")
    width = said.count("head_dim") if from_inner else keys.count("linear_head_dim")
    conv = said.count("short_conv_kernel_size") if from_inner else keys.count("linear_conv_kernel_dim")
    hidden, inner = keys.count("hidden"), heads * width
    gates = 2 * (hidden * width + width * inner) + hidden * heads
    small = inner + heads + width + 3 * inner * conv
    return {
        "kind": "state",
        "name": "kimi-delta",
        "weights": 4 * hidden * inner + gates + small,
        "state": heads * width * width,
        "conv": 3 * inner * (conv - 1),
        "state_dtype": "fp32",
    }


def windowed(keys: Keys, kind: Kind, group: Group, layers: int) -> list[Group]:
    """Return one group a layer, with the windows that the config or the model type gives them."""
    window = _window(keys)
    chunk = keys.maybe("attention_chunk_size", CHUNK_TOKENS)
    words = keys.words("layer_types", layers) or _pattern(keys, kind, layers, window=window)
    made: list[Group] = []
    for word in words:
        if word in WINDOWED and (size := chunk if word == "chunked_attention" else window):
            made.append(group | {"kind": WINDOWED[word], "window": size})
        elif word in FULL or word in WINDOWED:
            made.append(group)
        else:
            raise keys.fault("layer_types", "full, sliding or chunked attention", word)
    return made


def _window(keys: Keys) -> int:
    said = keys.get("use_sliding_window")
    return 0 if said is not None and not said else keys.maybe("sliding_window")


def _pattern(keys: Keys, kind: Kind, layers: int, *, window: int) -> tuple[str, ...]:
    if keys.kind == "llama4_text":
        rotated = keys.words("no_rope_layers", layers)
        words = rotated or tuple(str(int((index + 1) % 4 != 0)) for index in range(layers))
        return tuple("chunked_attention" if word == "1" else "full_attention" for word in words)
    if not window:
        return ("full_attention",) * layers
    said = keys.get("sliding_window_pattern")
    every = len(said) if isinstance(said, str) else keys.maybe("sliding_window_pattern", kind.full_every)
    if every:
        return tuple(
            "full_attention" if (index + 1) % every == 0 else "sliding_attention" for index in range(layers)
        )
    first = keys.maybe("max_window_layers") if "use_sliding_window" in kind.defaults else 0
    return tuple("sliding_attention" if index >= first else "full_attention" for index in range(layers))


def _first(keys: Keys, *names: str) -> int:
    """Return the first of several names; the last is asked for when all are missing."""
    name = next((each for each in names if keys.get(each) is not None), names[0])
    return keys.count(name)
