"""A model row that contradicts itself is refused at the door."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from planner.specs.books.model import HeadAttention, LatentAttention, MambaMixer, ModelSpec


def llama_8b(**changes: object) -> dict[str, Any]:
    """Llama-3.1-8B as the book writes it, with ``changes``."""
    row: dict[str, Any] = {
        "id": "llama-3.1-8b",
        "aliases": ("meta-llama/Llama-3.1-8B",),
        "family": "llama-3",
        "architecture": "LlamaForCausalLM",
        "hidden": 4096,
        "layers": 32,
        "vocab": 128256,
        "max_context": 131072,
        "attention": ({"kind": "full", "layers": 32, "heads": 32, "kv_heads": 8, "head_dim": 128},),
        "mlp": ({"layers": 32, "intermediate": 14336},),
        "source": "test",
        "checked": date(2026, 11, 23),
        "trust": "A",
    }
    return row | changes


def test_a_row_of_the_book_becomes_a_model_with_typed_groups() -> None:
    model = ModelSpec.model_validate(llama_8b())
    assert isinstance(model.attention[0], HeadAttention)
    assert model.mlp[0].gated


def test_the_kind_of_a_group_decides_which_dimensions_it_needs() -> None:
    latent = {
        "kind": "mla",
        "layers": 32,
        "heads": 16,
        "kv_lora_rank": 512,
        "qk_rope_head_dim": 64,
        "qk_nope_head_dim": 128,
        "v_head_dim": 128,
    }
    assert isinstance(ModelSpec.model_validate(llama_8b(attention=(latent,))).attention[0], LatentAttention)
    mamba = {"kind": "mamba", "layers": 32, "heads": 64, "head_dim": 64, "groups": 8, "state": 128, "conv": 4}
    assert isinstance(ModelSpec.model_validate(llama_8b(attention=(mamba,))).attention[0], MambaMixer)
    with pytest.raises(ValidationError, match="kv_lora_rank"):
        ModelSpec.model_validate(llama_8b(attention=({"kind": "mla", "layers": 32, "heads": 16},)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": 33}, "groups must make up 33 layers"),
        ({"mlp": ({"layers": 40, "intermediate": 14336},)}, "groups must make up 32 layers"),
        (
            {"attention": ({"kind": "full", "layers": 32, "heads": 32, "kv_heads": 7, "head_dim": 128},)},
            "kv_heads must divide heads",
        ),
        (
            {"attention": ({"kind": "sliding", "layers": 32, "heads": 32, "kv_heads": 8, "head_dim": 128},)},
            "window belongs to",
        ),
        (
            {"moe": ({"layers": 32, "experts": 4, "experts_per_token": 5, "intermediate": 64},), "mlp": ()},
            "experts_per_token must be at most experts",
        ),
        ({"hiden": 4096}, "hiden"),
        ({"hidden": "4096"}, "valid integer"),
    ],
)
def test_a_contradiction_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ModelSpec.model_validate(llama_8b(**changes))
