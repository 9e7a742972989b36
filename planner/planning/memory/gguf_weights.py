"""Bytes of a model as a GGUF file of one of llama.cpp's mixtures: "q4_k_m" names a recipe, not a width.

References
----------
1. llama.cpp, src/llama-quant.cpp, ``llama_tensor_get_type`` and ``use_more_bits``.
2. gguf-py, gguf/constants.py, ``GGML_QUANT_SIZES``.
"""

from __future__ import annotations

from planner.formulas.weights import has_more_bits
from planner.planning.memory.architecture import Architecture
from planner.planning.memory.gguf_mixtures import BITS, FALLBACK, SUPER_BLOCK, Mixture, Rule, Where, mixture
from planner.planning.memory.tensors import Tensor
from planner.records import dataclass
from planner.specs.books.model import HeadAttention, ModelSpec
from planner.units import Bytes

LIFTED = frozenset({"q3_k", "q4_k"})
LAYERS_OF_70B = 80  # llama.cpp's "70B" type, by layer count, lifts attn_v to 5 bits
EIGHT_EXPERTS = 8  # and keeps the small attention matrices of 8-expert models at 8 bits
GROUPED_BY_FOUR = 4
LOW = frozenset({"iq1_s", "iq1_m", "iq2_xxs", "iq2_xs", "iq2_s"})  # bases with rules of their own
PLAIN = frozenset({"f32", "f16", "bf16", "q8_0"})
# recipes whose attention output goes to 5 bits in 8-expert models
LIFTED_OUT = frozenset(
    {
        "q2_k",
        "q3_k_s",
        "q3_k_m",
        "q4_k_s",
        "q4_k_m",
        "iq3_xxs",
        "iq3_xs",
        "iq3_s",
        "iq3_m",
        "iq4_nl",
        "iq4_xs",
    }
)
# models whose query, key and value lie in one tensor, and the recipes that store it in more bits
FUSED = frozenset(
    {
        "BloomForCausalLM",
        "ChatGLMModel",
        "DbrxForCausalLM",
        "FalconForCausalLM",
        "GPT2LMHeadModel",
        "GPTNeoXForCausalLM",
        "MPTForCausalLM",
        "Phi3ForCausalLM",
        "PhiForCausalLM",
        "QWenLMHeadModel",
    }
)
FUSED_KIND = {"q3_k_m": "q4_k", "q3_k_l": "q4_k", "iq3_m": "q4_k", "q4_k_m": "q5_k", "q5_k_m": "q6_k"}
UP = frozenset({"up", "expert_up", "shared_up"})


@dataclass(frozen=True, kw_only=True, slots=True)
class GgufBytes:
    """A file's tensors by where llama.cpp puts them."""

    layers: Bytes
    output: Bytes
    """Output matrix and final norm; a copy of the embedding where that is tied."""
    embedding: Bytes
    """Stays in host memory."""
    file: Bytes
    """All tensors once, what llama-bench calls model_size."""


def gguf_bytes(architecture: Architecture, quantization: str) -> GgufBytes:
    """Return the size of a model's GGUF, by where its tensors go."""
    model = architecture.model
    name, recipe = mixture(quantization, model=model)
    layers = embedding = output = more = 0.0
    for tensor in architecture.tensors:
        if tensor.tensor_class in {"vision", "mtp"}:
            continue  # a vision tower is a file of its own; MTP layers are not loaded by default
        if tensor.name == "embeddings":
            kind = _output_kind(recipe, tensor) if model.tied else recipe.embedding or recipe.base
            embedding = tensor.parameters * _bits(kind, tensor.columns) / 8
        elif tensor.name == "more_embeddings":  # a row for each layer is looked up, in host memory
            more = tensor.parameters * _bits(recipe.embedding or recipe.base, SUPER_BLOCK) / 8
        elif tensor.tensor_class == "head":
            output = tensor.parameters * _bits(_output_kind(recipe, tensor), tensor.columns) / 8
        else:
            layers += _layer_bytes(tensor, recipe, model, name)
    copied = embedding if model.tied else output
    return GgufBytes(
        layers=layers, output=copied, embedding=embedding + more, file=layers + output + embedding + more
    )


def _output_kind(recipe: Mixture, tensor: Tensor) -> str:
    """Return the type of the output matrix: 8 bits where the base does not fit its rows."""
    unfit = tensor.columns % SUPER_BLOCK != 0 and _super_blocked(recipe.base)
    return "q8_0" if unfit else recipe.output


def _super_blocked(kind: str) -> bool:
    return kind.endswith("_k") or kind.startswith("tq") or (kind.startswith("iq") and kind != "iq4_nl")


def _bits(kind: str, columns: int) -> float:
    fits = columns % SUPER_BLOCK == 0 or not _super_blocked(kind)
    return BITS[kind if fits else FALLBACK.get(kind, "iq4_nl")]


def _layer_bytes(tensor: Tensor, recipe: Mixture, model: ModelSpec, name: str) -> float:
    """Bytes of one kind of tensor over all its layers."""
    if not tensor.linear and tensor.name != "conv":
        return tensor.parameters * BITS["f32"] / 8
    if name == "mxfp4" and tensor.tensor_class == "experts":
        return tensor.parameters * BITS["mxfp4"] / 8
    if tensor.name == "qkv":
        if model.architecture in FUSED:
            return tensor.parameters * _bits(FUSED_KIND.get(name, recipe.base), tensor.columns) / 8
        return _qkv_bytes(tensor, recipe, model)
    return (
        tensor.parameters
        * _mean_bits(_rule(tensor, recipe, model, name), recipe.base, tensor, _places(tensor, model))
        / 8
    )


def _rule(tensor: Tensor, recipe: Mixture, model: ModelSpec, name: str) -> Rule:
    if tensor.name in {"down", "expert_down", "shared_down"}:
        return (*recipe.down, ("q4_k", "more")) if name == "iq3_m" and _eight(model) else recipe.down
    if tensor.name in UP:
        return recipe.up
    if tensor.name != "attn_out":
        return ()
    if _eight(model) and name not in PLAIN:
        return (("q5_k", "all"),) if name in LIFTED_OUT or recipe.base in LOW else ()
    return ((recipe.attn_out, "all"),) if recipe.attn_out else ()


def _qkv_bytes(tensor: Tensor, recipe: Mixture, model: ModelSpec) -> float:
    """Keys and queries in the base type, values by their own rule."""
    group = next(each for each in model.attention if isinstance(each, HeadAttention))
    value_rows = tensor.kv_heads * (group.v_head_dim or group.head_dim) if not group.shared_kv else 0
    values = value_rows * tensor.columns * tensor.layers
    keys = tensor.kv_heads * group.head_dim * tensor.columns * tensor.layers
    base = recipe.query_key or recipe.base
    rule, key_base = _value_rule(recipe, model, group), base
    if _eight(model) and recipe.base not in PLAIN:
        lifted = "q4_k" if recipe.base in LOW else "q8_0"
        rule, key_base = ((lifted, "all"),), lifted
    rest = (tensor.parameters - values - keys) * _bits(base, tensor.columns)
    rest += keys * _bits(key_base, tensor.columns)
    caching = sum(each.layers for each in model.attention if isinstance(each, HeadAttention) and each.cached)
    return (rest + values * _mean_bits(rule, recipe.base, tensor, (range(caching), caching))) / 8


def _value_rule(recipe: Mixture, model: ModelSpec, group: HeadAttention) -> Rule:
    rule = recipe.value
    if recipe.value_grouped is not None and group.heads // group.kv_heads >= GROUPED_BY_FOUR:
        rule = recipe.value_grouped
    grouped_70b = model.layers == LAYERS_OF_70B and group.heads != group.kv_heads
    if not grouped_70b or recipe.base in LOW:
        return rule
    lifted: Rule = tuple(("q5_k" if kind in LIFTED else kind, where) for kind, where in rule)
    return (*lifted, ("q5_k", "all")) if recipe.base in LIFTED else lifted


def _eight(model: ModelSpec) -> bool:
    return any(moe.experts == EIGHT_EXPERTS for moe in model.moe)


def _places(tensor: Tensor, model: ModelSpec) -> tuple[range, int]:
    """Return which layers a tensor stands in, and of how many: dense layers come before those with experts."""
    first = model.layers - tensor.layers if tensor.tensor_class in {"experts", "shared_experts"} else 0
    return range(first, first + tensor.layers), model.layers


def _mean_bits(rule: Rule, base: str, tensor: Tensor, places: tuple[range, int]) -> float:
    """Bits of a weight, averaged over the layers."""
    indices, layers = places
    total = 0.0
    for layer in indices:
        kind = next((kind for kind, where in rule if _covers(where, layer, layers)), base)
        total += _bits(kind, tensor.columns)
    return total / len(indices)


def _covers(where: Where, layer: int, layers: int) -> bool:
    if where.startswith("first"):
        limit = {"first 2": 2, "first 4": 4, "first eighth": layers // 8, "first sixteenth": layers // 16}[
            where
        ]
        return layer < limit
    if where == "middle":
        return layers // 8 <= layer < 7 * layers // 8
    return where == "all" or has_more_bits(layer, layers)
