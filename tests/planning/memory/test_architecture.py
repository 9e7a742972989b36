"""Unpacked architectures reproduce what their publishers counted."""

import pytest

from planner.inputs.books import load_books
from planner.planning.memory.architecture import unpack
from planner.planning.memory.kv_groups import kv_bytes_per_token
from planner.specs.books.model import HeadAttention, LatentAttention, ModelSpec

BOOKS = load_books()
MODELS = [BOOKS.models.rows[model_id] for model_id in BOOKS.models.rows]


def model(name: str) -> ModelSpec:
    """Look a model of the book up."""
    return BOOKS.models.find(name)


def test_the_book_holds_a_hundred_models_of_all_kinds() -> None:
    kinds = {group.kind for row in MODELS for group in row.attention}
    assert len(MODELS) >= 100
    assert kinds == {"full", "sliding", "chunked", "mla", "linear", "mamba"}
    assert sum(bool(row.moe) for row in MODELS) >= 25


@pytest.mark.parametrize("row", MODELS, ids=lambda row: row.id)
def test_the_dimensions_of_a_row_reproduce_its_published_size(row: ModelSpec) -> None:
    assert row.parameters is not None
    assert unpack(row).parameters.total == pytest.approx(row.parameters, rel=0.006)


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("llama-3.1-8b", 8_030_261_248),
        ("llama-3.1-70b", 70_553_706_496),
        ("mixtral-8x7b", 46_702_792_704),
        ("qwen2.5-7b", 7_615_616_512),
        ("qwen3-30b-a3b", 30_532_122_624),
        ("deepseek-v2-lite", 15_706_484_224),
        ("gpt-oss-20b", 20_914_757_184),
        ("gemma-2-9b", 9_241_705_984),
    ],
)
def test_exact_counts_are_met_to_a_hundred_thousandth(name: str, published: int) -> None:
    assert unpack(model(name)).parameters.total == pytest.approx(published, rel=1e-5)


def test_a_token_passes_a_part_of_a_mixture_of_experts() -> None:
    deepseek = unpack(model("deepseek-v3"))
    assert deepseek.active.total == pytest.approx(37e9, rel=0.02)  # the publisher's "37B activated"
    assert deepseek.active.experts / deepseek.parameters.experts == pytest.approx(8 / 256)
    assert deepseek.active.embeddings == 0


def test_tied_embeddings_are_stored_once_and_still_multiplied() -> None:
    tied = unpack(model("llama-3.2-1b"))
    assert tied.parameters.head == 0
    assert tied.active.head == tied.parameters.embeddings == 128256 * 2048


def test_prediction_layers_and_vision_towers_are_outside_the_total() -> None:
    deepseek, mistral = unpack(model("deepseek-v3")), unpack(model("mistral-small-3.1-24b"))
    assert deepseek.parameters.mtp == pytest.approx(11.6e9, rel=0.01)
    assert mistral.parameters.vision > 0
    assert mistral.parameters.total == 23_572_403_200


def test_the_indexer_of_sparse_attention_is_counted() -> None:
    (group,) = model("deepseek-v3.2").attention
    assert isinstance(group, LatentAttention)
    more = (
        unpack(model("deepseek-v3.2")).parameters.attention
        - unpack(model("deepseek-v3")).parameters.attention
    )
    assert more == 61 * (64 * 128 * 1536 + (128 + 64) * 7168)


def test_learned_positions_are_embeddings() -> None:
    plain = model("phi-2")
    learned = plain.model_copy(update={"learned_positions": 2048})
    more = unpack(learned).parameters.embeddings - unpack(plain).parameters.embeddings
    assert more == 2048 * 2560


def test_layers_that_read_an_earlier_cache_have_queries_only() -> None:
    plain = model("gemma-3-1b")
    (full, sliding) = plain.attention
    assert isinstance(sliding, HeadAttention)
    last = sliding.model_copy(update={"layers": 2, "cached": False})
    first = sliding.model_copy(update={"layers": sliding.layers - 2})
    shared = plain.model_copy(update={"attention": (full, first, last)})
    missing = 2 * (2 * 256 * 1152 + 256)  # keys and values of one head of 256, and the keys' norm
    assert unpack(plain).parameters.total - unpack(shared).parameters.total == missing
    assert kv_bytes_per_token(plain) - kv_bytes_per_token(shared) == 2 * 2 * 256 * 2


def test_more_embeddings_are_embeddings() -> None:
    plain = model("gemma-3-1b")
    more = plain.model_copy(update={"more_embeddings": 262_144 * 26 * 256})
    assert unpack(more).parameters.embeddings - unpack(plain).parameters.embeddings == 262_144 * 26 * 256
