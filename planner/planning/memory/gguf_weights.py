"""Bytes of a model as a GGUF file of one of llama.cpp's mixtures: "q4_k_m" names a recipe, not a width.

References
----------
1. llama.cpp, src/llama-quant.cpp, ``llama_tensor_get_type`` and ``use_more_bits``.
2. gguf-py, gguf/constants.py, ``GGML_QUANT_SIZES``.
"""

from __future__ import annotations

import difflib
from typing import Literal

from planner.errors import UsageError
from planner.formulas.weights import has_more_bits
from planner.planning.memory.architecture import Architecture
from planner.planning.memory.tensors import Tensor
from planner.records import dataclass
from planner.specs.books.model import HeadAttention, ModelSpec

# bits per weight, block scales included
BITS: dict[str, float] = {
    "f32": 32.0,
    "f16": 16.0,
    "bf16": 16.0,
    "q8_0": 8.5,
    "q6_k": 6.5625,
    "q5_1": 6.0,
    "q5_0": 5.5,
    "q5_k": 5.5,
    "q4_1": 5.0,
    "q4_0": 4.5,
    "q4_k": 4.5,
    "iq4_nl": 4.5,
    "iq4_xs": 4.25,
    "mxfp4": 4.25,
    "q3_k": 3.4375,
    "q2_k": 2.625,
    "iq3_s": 3.4375,
    "iq3_xxs": 3.0625,
    "iq2_s": 2.5625,
    "iq2_xs": 2.3125,
    "iq2_xxs": 2.0625,
    "iq1_m": 1.75,
    "iq1_s": 1.5625,
}
# what a row that is no multiple of 256 falls back to
FALLBACK = {
    "q2_k": "iq4_nl",
    "q3_k": "iq4_nl",
    "q4_k": "q5_0",
    "q5_k": "q5_1",
    "q6_k": "q8_0",
    "iq4_xs": "iq4_nl",
}
SUPER_BLOCK = 256
LIFTED = frozenset({"q3_k", "q4_k", "iq3_s", "iq3_xxs"})
LAYERS_OF_70B = 80  # llama.cpp's "70B" type, by layer count, lifts attn_v to 5 bits
EIGHT_EXPERTS = 8  # and keeps the small attention matrices of 8-expert models at 8 bits
GROUPED_BY_FOUR = 4
UP = frozenset({"up", "expert_up", "shared_up"})

Where = Literal["all", "middle", "more", "first 2", "first 4", "first eighth", "first sixteenth"]
Rule = tuple[tuple[str, Where], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixture:
    """Storage types of a file: the first rule that covers a layer decides, else the base."""

    base: str
    output: str = "q6_k"
    attn_out: str | None = None
    value: Rule = ()
    value_grouped: Rule | None = None
    """For models with at least four query heads to one KV head."""
    down: Rule = ()
    query_key: str | None = None
    up: Rule = ()
    """Gate and up projections."""
    embedding: str | None = None
    """Of models whose output is a matrix of its own; the base where it is not said."""


MIXTURES: dict[str, Mixture] = {
    "f32": Mixture(base="f32", output="f32"),
    "f16": Mixture(base="f16", output="f16"),
    "bf16": Mixture(base="bf16", output="bf16"),
    "q8_0": Mixture(base="q8_0", output="q8_0"),
    "q6_k": Mixture(base="q6_k"),
    "q5_k_m": Mixture(base="q5_k", value=(("q6_k", "more"),), down=(("q6_k", "more"),)),
    "q5_k_s": Mixture(base="q5_k"),
    "q5_0": Mixture(base="q5_0"),
    "q5_1": Mixture(base="q5_1"),
    "q4_k_m": Mixture(base="q4_k", value=(("q6_k", "more"),), down=(("q6_k", "more"),)),
    "q4_k_s": Mixture(base="q4_k", value=(("q5_k", "first 4"),), down=(("q5_k", "first eighth"),)),
    "q4_0": Mixture(base="q4_0"),
    "q4_1": Mixture(base="q4_1"),
    "iq4_xs": Mixture(base="iq4_xs", value_grouped=(("q5_k", "all"),)),  # as made with an importance matrix
    "iq4_nl": Mixture(base="iq4_nl", value_grouped=(("q5_k", "all"),), down=(("q5_k", "first eighth"),)),
    "q3_k_l": Mixture(base="q3_k", attn_out="q5_k", value=(("q5_k", "all"),), down=(("q5_k", "all"),)),
    "q3_k_m": Mixture(
        base="q3_k",
        attn_out="q4_k",
        value=(("q5_k", "first 2"), ("q4_k", "all")),
        down=(("q5_k", "first sixteenth"), ("q4_k", "all")),
    ),
    "q3_k_s": Mixture(base="q3_k"),
    "q2_k": Mixture(
        base="q2_k",
        attn_out="q3_k",
        value=(("q3_k", "all"),),
        value_grouped=(("q4_k", "all"),),
        down=(("q3_k", "all"),),
    ),
    "mxfp4": Mixture(base="q8_0", output="q8_0"),
    # Importance-matrix types, as made with one.
    "iq3_m": Mixture(
        base="iq3_s", attn_out="q4_k", value=(("q4_k", "all"),), down=(("q4_k", "first eighth"),)
    ),
    "iq3_s": Mixture(base="iq3_s", value_grouped=(("q4_k", "all"),)),
    "iq3_xs": Mixture(
        base="iq3_s", value_grouped=(("q4_k", "all"),), query_key="iq3_xxs", up=(("iq3_xxs", "middle"),)
    ),
    "iq3_xxs": Mixture(
        base="iq3_xxs",
        output="q5_k",
        attn_out="iq3_s",
        value=(("iq3_s", "all"),),
        value_grouped=(("q4_k", "all"),),
        query_key="iq2_s",
        embedding="iq3_s",
    ),
    "iq2_m": Mixture(
        base="iq2_s",
        output="q5_k",
        attn_out="iq3_s",
        value=(("iq3_s", "all"),),
        value_grouped=(("q4_k", "all"),),
        down=(("iq3_s", "first eighth"),),
        embedding="iq3_s",
    ),
    "iq2_s": Mixture(
        base="iq2_xs",
        output="q5_k",
        attn_out="iq3_s",
        value=(("iq3_s", "all"),),
        value_grouped=(("q4_k", "all"),),
        down=(("iq3_s", "first eighth"),),
        embedding="iq3_s",
    ),
    **{
        name: Mixture(
            base=name,
            output="q5_k",
            attn_out="iq2_xxs" if name in {"iq1_s", "iq1_m"} else None,
            value=(("q2_k", "all"),),
            value_grouped=(("q4_k", "all"),),
            down=(("q2_k", "first eighth"),),
            embedding="q2_k",
        )
        for name in ("iq2_xs", "iq2_xxs", "iq1_m", "iq1_s")
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class GgufBytes:
    """A file's tensors by where llama.cpp puts them [bytes]."""

    layers: float
    output: float
    """Output matrix and final norm; a copy of the embedding where that is tied."""
    embedding: float
    """Stays in host memory."""
    file: float
    """All tensors once, what llama-bench calls model_size."""


def mixture(name: str, *, model: ModelSpec | None = None) -> tuple[str, Mixture]:
    """Return a mixture and its name; ``auto`` is q4_k_m, what most people download, or the publisher's MXFP4.

    Raises
    ------
    UsageError
        When there is no such mixture.
    """
    wanted = (
        name.strip().casefold().replace(" - medium", "_m").replace(" - small", "_s").replace(" - large", "_l")
    )
    if wanted == "auto":
        wanted = "mxfp4" if model is not None and model.quantization == "mxfp4" else "q4_k_m"
    if wanted not in MIXTURES:
        near = difflib.get_close_matches(wanted, list(MIXTURES), n=3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise UsageError(
            f"no GGUF quantization is called {name!r}{hint}", cure=f"use auto, {', '.join(MIXTURES)}"
        )
    return wanted, MIXTURES[wanted]


def gguf_bytes(architecture: Architecture, quantization: str) -> GgufBytes:
    """Return the size of a model's GGUF, by where its tensors go."""
    model = architecture.model
    name, recipe = mixture(quantization, model=model)
    layers = embedding = output = 0.0
    for tensor in architecture.tensors:
        if tensor.tensor_class in {"vision", "mtp"}:
            continue  # a vision tower is a file of its own; MTP layers are not loaded by default
        if tensor.name == "embeddings":
            kind = recipe.output if model.tied else recipe.embedding or recipe.base
            embedding = tensor.parameters * _bits(kind, tensor.columns) / 8
        elif tensor.tensor_class == "head":
            output = tensor.parameters * _bits(recipe.output, tensor.columns) / 8
        else:
            layers += _layer_bytes(tensor, recipe, model, name)
    copied = embedding if model.tied else output
    return GgufBytes(layers=layers, output=copied, embedding=embedding, file=layers + output + embedding)


def _bits(kind: str, columns: int) -> float:
    fits = columns % SUPER_BLOCK == 0 or not (
        kind.endswith("_k") or (kind.startswith("iq") and kind != "iq4_nl")
    )
    return BITS[kind if fits else FALLBACK.get(kind, "iq4_nl")]


def _layer_bytes(tensor: Tensor, recipe: Mixture, model: ModelSpec, name: str) -> float:
    """Bytes of one kind of tensor over all its layers."""
    if not tensor.linear and tensor.name != "conv":
        return tensor.parameters * BITS["f32"] / 8
    if name == "mxfp4" and tensor.tensor_class == "experts":
        return tensor.parameters * BITS["mxfp4"] / 8
    if tensor.name == "qkv":
        return _qkv_bytes(tensor, recipe, model)
    rule: Rule = ()
    if tensor.name in {"down", "expert_down", "shared_down"}:
        rule = recipe.down
    elif tensor.name in UP:
        rule = recipe.up
    elif tensor.name == "attn_out" and recipe.attn_out:
        rule = ((recipe.attn_out, "all"),)
    elif tensor.name == "attn_out" and _eight(model) and name.startswith("q4_k"):
        rule = (("q5_k", "all"),)
    return tensor.parameters * _mean_bits(rule, recipe.base, tensor) / 8


def _qkv_bytes(tensor: Tensor, recipe: Mixture, model: ModelSpec) -> float:
    """Keys and queries in the base type, values by their own rule."""
    group = next(each for each in model.attention if isinstance(each, HeadAttention))
    value_rows = tensor.kv_heads * (group.v_head_dim or group.head_dim) if not group.shared_kv else 0
    values = value_rows * tensor.columns * tensor.layers
    keys = tensor.kv_heads * group.head_dim * tensor.columns * tensor.layers
    rule = recipe.value
    if recipe.value_grouped is not None and group.heads // group.kv_heads >= GROUPED_BY_FOUR:
        rule = recipe.value_grouped
    if model.layers == LAYERS_OF_70B and recipe.base in LIFTED:
        rule = (*(each for each in rule if each[0] == "q6_k"), ("q5_k", "all"))
    key_base = recipe.query_key or recipe.base
    if _eight(model) and recipe.base.endswith("_k"):
        rule, key_base = (("q8_0", "all"),), "q8_0"
    base = _bits(recipe.query_key or recipe.base, tensor.columns)
    rest = (tensor.parameters - values - keys) * base + keys * _bits(key_base, tensor.columns)
    return (rest + values * _mean_bits(rule, recipe.base, tensor)) / 8


def _eight(model: ModelSpec) -> bool:
    return any(moe.experts == EIGHT_EXPERTS for moe in model.moe)


def _mean_bits(rule: Rule, base: str, tensor: Tensor) -> float:
    """Bits of a weight, averaged over the layers."""
    total = 0.0
    for layer in range(tensor.layers):
        kind = next((kind for kind, where in rule if _covers(where, layer, tensor.layers)), base)
        total += _bits(kind, tensor.columns)
    return total / tensor.layers


def _covers(where: Where, layer: int, layers: int) -> bool:
    if where.startswith("first"):
        limit = {"first 2": 2, "first 4": 4, "first eighth": layers // 8, "first sixteenth": layers // 16}[
            where
        ]
        return layer < limit
    if where == "middle":
        return layers // 8 <= layer < 7 * layers // 8
    return where == "all" or has_more_bits(layer, layers)
