"""What tokens carry between kernels, counted by hand."""

import pytest

from planner.inputs.books import load_books
from planner.planning.memory.schemes import weight_scheme
from planner.planning.prediction.activations import activation_bytes

BOOKS = load_books()


def moved(name: str, scheme: str = "bf16", *, ranks: int = 1, inner: int = 1, spread: float = 1.0) -> float:
    model = BOOKS.models.find(name)
    stored = weight_scheme(scheme, model=model)
    return activation_bytes(model, stored, ranks=ranks, inner=inner, spread=spread)


def test_a_dense_layer_moves_its_streams_queries_and_products() -> None:
    # 32 layers: two norms and four products' hidden sides, 6,144 of queries and keys, 4,096 of sums, 14,336 between;
    # half of it, in 16 bits, reaches the memory
    attention = 6 * 4096 + 3 * 6144 + 4 * 4096
    products = 6 * 4096 + 6 * 14336
    assert moved("llama-3.1-8b") == 32 * (attention + products)


def test_quantising_reads_rows_once_more_and_writes_half() -> None:
    extra = 1.5 * (4096 + 4096) + 1.5 * (4096 + 14336)
    assert moved("llama-3.1-8b", "fp8") - moved("llama-3.1-8b") == 32 * extra


def test_ranks_split_what_is_between_products_and_not_the_residual_stream() -> None:
    streams = 32 * 12 * 4096
    assert moved("llama-3.1-8b", ranks=4, inner=4) - streams == (moved("llama-3.1-8b") - streams) / 4


def test_rows_are_copied_for_each_expert_of_a_token_and_shared_where_experts_are_whole() -> None:
    model = BOOKS.models.find("mixtral-8x7b")  # 32 layers, 4,096 wide, 2 experts of 14,336
    attention = 6 * 4096 + 3 * 6144 + 4 * 4096
    rows = 2 * 4096
    layer = attention + 4 * 4096 + 3 * rows + 4096 + 6 * 2 * 14336
    assert model.moe
    assert moved("mixtral-8x7b") == 32 * layer
    assert moved("mixtral-8x7b", ranks=2, inner=2, spread=2.0) < moved("mixtral-8x7b", ranks=2, inner=2)


@pytest.mark.parametrize("name", ["deepseek-v3", "qwen3-next-80b-a3b"])
def test_latent_attention_and_states_move_something_finite(name: str) -> None:
    if name not in BOOKS.models.rows:
        name = next(
            each for each, row in BOOKS.models.rows.items() if any(g.kind == "linear" for g in row.attention)
        )
    assert 0 < moved(name) < 1e9
