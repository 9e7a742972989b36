"""From a row of the model book to the dimensions that a synthetic file needs, or a refusal that says why."""

from __future__ import annotations

from planner.engines.gguf_layout import SyntheticShape
from planner.errors import DataError
from planner.specs.books.model import HeadAttention, ModelSpec

# the hub's class name -> llama.cpp's architecture; llama.cpp keeps Mistral and Mixtral under "llama"
ARCHITECTURES = {
    "LlamaForCausalLM": "llama",
    "MistralForCausalLM": "llama",
    "Mistral3ForConditionalGeneration": "llama",
    "MixtralForCausalLM": "llama",
    "Qwen2ForCausalLM": "qwen2",
    "Qwen3ForCausalLM": "qwen3",
    "Qwen3MoeForCausalLM": "qwen3moe",
    "GemmaForCausalLM": "gemma",
    "Gemma2ForCausalLM": "gemma2",
    "Gemma3ForCausalLM": "gemma3",
    "Gemma3ForConditionalGeneration": "gemma3",
}


def shape_of(model: ModelSpec) -> SyntheticShape:
    """Return the dimensions of `model` as llama.cpp and vLLM need them.

    Raises
    ------
    DataError
        If the architecture is one that cannot be written, with what stands in the way.
    """
    family = ARCHITECTURES.get(model.architecture)
    if family is None:
        raise _refusal(
            model, f"its architecture {model.architecture} is not one of {', '.join(ARCHITECTURES)}"
        )
    attention = _one_kind_of_heads(model)
    intermediate, experts, active_experts = _feed_forward(model)
    return SyntheticShape(
        name=model.id,
        family=family,
        layers=model.layers,
        hidden=model.hidden,
        heads=attention.heads,
        kv_heads=attention.kv_heads,
        head_dim=attention.head_dim,
        intermediate=intermediate,
        vocabulary=model.vocab,
        tied_embeddings=model.tied,
        experts=experts,
        active_experts=active_experts,
        sliding_window=max((_window(group) for group in model.attention), default=0),
        context=model.max_context,
    )


def _one_kind_of_heads(model: ModelSpec) -> HeadAttention:
    groups = [group for group in model.attention if isinstance(group, HeadAttention)]
    kinds = {(group.heads, group.kv_heads, group.head_dim) for group in groups}
    if len(groups) != len(model.attention) or len(kinds) != 1:
        raise _refusal(model, "its layers do not all have the same attention heads")
    return groups[0]


def _feed_forward(model: ModelSpec) -> tuple[int, int, int]:
    """Width, experts and active experts of the one kind of feed-forward block."""
    if len(model.mlp) == 1 and not model.moe:
        return model.mlp[0].intermediate, 0, 0
    if len(model.moe) == 1 and not model.mlp and not model.moe[0].shared_experts:
        block = model.moe[0]
        return block.intermediate, block.experts, block.experts_per_token
    raise _refusal(model, "it mixes dense and expert layers, or has shared experts")


def _window(group: object) -> int:
    return (group.window or 0) if isinstance(group, HeadAttention) else 0


def _refusal(model: ModelSpec, why: str) -> DataError:
    return DataError(
        f"cannot write synthetic weights for {model.id}: {why}",
        cure="measure a real file with --model FILE.gguf, or a smaller model of a supported family",
    )
