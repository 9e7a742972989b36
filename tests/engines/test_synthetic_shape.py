from __future__ import annotations

from datetime import date

import pytest

from planner.engines.synthetic_shape import shape_of
from planner.errors import DataError
from planner.specs.books.model import (
    AttentionGroup,
    DenseMlp,
    HeadAttention,
    LatentAttention,
    ModelSpec,
    MoeBlock,
)


def model(
    *,
    architecture: str = "LlamaForCausalLM",
    attention: tuple[AttentionGroup, ...] = (
        HeadAttention(kind="full", layers=16, heads=32, kv_heads=8, head_dim=64),
    ),
    mlp: tuple[DenseMlp, ...] = (DenseMlp(layers=16, intermediate=8192),),
    moe: tuple[MoeBlock, ...] = (),
) -> ModelSpec:
    return ModelSpec(
        id="llama-3.2-1b",
        family="llama",
        architecture=architecture,
        hidden=2048,
        layers=16,
        vocab=128256,
        tied=True,
        max_context=131072,
        attention=attention,
        mlp=mlp,
        moe=moe,
        source="test",
        checked=date(2026, 11, 23),
        trust="A",
    )


def test_a_dense_row_of_the_book_becomes_a_shape() -> None:
    shape = shape_of(model())
    assert (shape.family, shape.layers, shape.kv_heads, shape.intermediate, shape.experts) == (
        "llama",
        16,
        8,
        8192,
        0,
    )
    assert shape.tied_embeddings


def test_a_mixture_of_experts_keeps_its_experts() -> None:
    row = model(
        architecture="Qwen3MoeForCausalLM",
        mlp=(),
        moe=(MoeBlock(layers=16, experts=128, experts_per_token=8, intermediate=768),),
    )
    shape = shape_of(row)
    assert (shape.family, shape.experts, shape.active_experts, shape.intermediate) == (
        "qwen3moe",
        128,
        8,
        768,
    )


def test_sliding_layers_give_the_window() -> None:
    groups = (
        HeadAttention(kind="full", layers=4, heads=32, kv_heads=8, head_dim=64),
        HeadAttention(kind="sliding", layers=12, heads=32, kv_heads=8, head_dim=64, window=512),
    )
    assert shape_of(model(architecture="Gemma3ForCausalLM", attention=groups)).sliding_window == 512


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (model(architecture="MambaForCausalLM"), "its architecture MambaForCausalLM"),
        (
            model(
                attention=(
                    LatentAttention(
                        kind="mla",
                        layers=16,
                        heads=16,
                        kv_lora_rank=512,
                        qk_rope_head_dim=64,
                        qk_nope_head_dim=128,
                        v_head_dim=128,
                    ),
                )
            ),
            "same attention heads",
        ),
        (
            model(
                mlp=(DenseMlp(layers=1, intermediate=8192),),
                moe=(MoeBlock(layers=15, experts=8, experts_per_token=2, intermediate=64),),
            ),
            "mixes dense and expert layers",
        ),
    ],
)
def test_what_cannot_be_written_is_refused_with_the_reason(row: ModelSpec, why: str) -> None:
    with pytest.raises(DataError, match=why) as refused:
        shape_of(row)
    assert refused.value.cure is not None
