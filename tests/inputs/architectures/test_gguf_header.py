"""Headers of GGUF files in the words of llama.cpp's architectures: what they cache is what the book says."""

from pathlib import Path
from typing import Any

import pytest

from planner.errors import DataError
from planner.inputs.architectures.gguf_header import GGUF_KINDS, gguf_decoder
from planner.inputs.architectures.kinds import KINDS
from planner.inputs.books import load_books
from planner.inputs.model_files import read_model
from planner.planning.memory.architecture import unpack
from planner.planning.memory.kv_groups import kv_bytes_per_token
from planner.specs.books.model import ModelSpec
from tests.strategies import AS_OF

BOOKS = load_books()


def plain(
    blocks: int, hidden: int, heads: int, kv_heads: object, inner: int, **more: object
) -> dict[str, Any]:
    """Keys that every header has."""
    said = {
        "block_count": blocks,
        "embedding_length": hidden,
        "attention.head_count": heads,
        "attention.head_count_kv": kv_heads,
        "feed_forward_length": inner,
        "context_length": 4096,
    }
    return said | {name.replace("__", "."): value for name, value in more.items()}


def read(
    architecture: str, header: dict[str, Any], vocab: int, *tensors: str, tied: bool = False
) -> ModelSpec:
    """Read a header whose file lists these tensors, or ``name=width`` for norms."""
    shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (header["embedding_length"], vocab)}
    for each in tensors:
        name, _, width = each.partition("=")
        shapes[f"blk.0.{name}" if name != "output.bias" else name] = (int(width or 1),)
    fields = gguf_decoder(architecture, header, shapes, Path("model.gguf"))
    told = {"id": "x", "family": architecture, "architecture": architecture, "vocab": vocab, "tied": tied}
    row = fields | told | {"source": "x", "checked": AS_OF, "trust": "A"}
    return ModelSpec.model_validate(row)


LINEAR = {
    "attention__key_length": 256,
    "ssm__conv_kernel": 4,
    "ssm__group_count": 16,
    "ssm__state_size": 128,
    "ssm__time_step_rank": 32,
    "ssm__inner_size": 4096,
}
CASES: dict[str, tuple[ModelSpec, float]] = {
    "llama-3.1-8b": (read("llama", plain(32, 4096, 32, 8, 14336), 128256), 0),
    "mixtral-8x7b": (
        read("llama", plain(32, 4096, 32, 8, 14336, expert_count=8, expert_used_count=2), 32000),
        0,
    ),
    "qwen1.5-moe-a2.7b": (
        read(
            "qwen2moe",
            plain(
                24, 2048, 16, 16, 5632, expert_count=60, expert_used_count=4, expert_feed_forward_length=1408,
                expert_shared_feed_forward_length=5632,
            ),
            151936,
            "attn_q.bias",
        ),
        0,
    ),
    "deepseek-v3": (
        read(
            "deepseek2",
            plain(
                61, 7168, 128, 1, 18432, expert_count=256, expert_used_count=8, expert_feed_forward_length=2048,
                expert_shared_count=1, leading_dense_block_count=3, attention__q_lora_rank=1536,
                attention__kv_lora_rank=512, rope__dimension_count=64, attention__key_length=576,
                attention__key_length_mla=192, attention__value_length=512, attention__value_length_mla=128,
            ),
            129280,
        ),
        0,
    ),
    "gpt-oss-20b": (
        read(
            "gpt-oss",
            plain(
                24, 2880, 64, 8, 2880, expert_count=32, expert_used_count=4, expert_feed_forward_length=2880,
                attention__key_length=64, attention__value_length=64, attention__sliding_window=128,
            ),
            201088,
            "attn_q.bias",
            "attn_output.bias",
        ),
        0,
    ),
    "gemma-3-27b": (
        read(
            "gemma3",
            plain(62, 5376, 32, 16, 21504, attention__key_length=128, attention__sliding_window=1024),
            262208,
            "attn_q_norm.weight=128",
            tied=True,
        ),
        0,
    ),
    "qwen3-next-80b-a3b": (
        read(
            "qwen3next",
            plain(
                48, 2048, 16, 2, 5632, expert_count=512, expert_used_count=10, expert_feed_forward_length=512,
                expert_shared_feed_forward_length=512, **LINEAR,
            ),
            151936,
            "attn_q_norm.weight=256",
        ),
        0,
    ),
    "llama-4-maverick": (
        read(
            "llama4",
            plain(
                48, 5120, 40, 8, 16384, expert_count=128, expert_used_count=1, expert_feed_forward_length=8192,
                interleave_moe_layer_step=2, attention__key_length=128,
            ),
            202048,
        ),
        0,
    ),
    "glm-4.5-air": (
        read(
            "glm4moe",
            plain(
                47, 4096, 96, 8, 10944, expert_count=128, expert_used_count=8, expert_feed_forward_length=1408,
                expert_shared_count=1, leading_dense_block_count=1, nextn_predict_layers=1,
                attention__key_length=128,
            ),
            151552,
            "attn_q.bias",
        ),
        0,
    ),
    "olmo-2-7b": (
        read("olmo2", plain(32, 4096, 32, 32, 11008), 100352, "attn_q_norm.weight=4096"),
        32 * 2 * 4096,  # the book's row leaves the norms of queries and keys out
    ),
    "falcon-7b": (
        read("falcon", plain(32, 4544, 71, 1, 18176), 65024, "attn_norm.bias", tied=True),
        4544,  # and the last norm's bias
    ),
    "phi-2": (
        read(
            "phi2",
            plain(32, 2560, 32, 32, 10240),
            51200,
            *("attn_norm.bias", "attn_qkv.bias", "attn_output.bias", "ffn_down.bias", "output.bias"),
        ),
        2 * 32 * 2560 + 2560 + 51200,  # 2,779,683,840, as published: the book's row leaves biases out
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_header_says_what_the_book_says(name: str) -> None:
    (found, more), row = CASES[name], BOOKS.models.find(name)
    assert kv_bytes_per_token(found) == kv_bytes_per_token(row)
    assert unpack(found).parameters.total - unpack(row).parameters.total == more


def test_layers_without_key_heads_are_recurrent() -> None:
    kv = [0, 0, 8] * 4
    lfm = read("lfm2", plain(12, 1024, 16, kv, 4608, shortconv__l_cache=3), 65536, "attn_q_norm.weight=64")
    assert {group.kind: group.layers for group in lfm.attention} == {"state": 8, "full": 4}
    hybrid = read("granitehybrid", plain(12, 1536, 16, kv, 512, **LINEAR), 100352)
    assert {group.kind: group.layers for group in hybrid.attention} == {"mamba": 8, "full": 4}


def test_a_list_of_switches_tells_which_layers_slide() -> None:
    header = plain(4, 4096, 32, 8, 14336, attention__sliding_window=512)
    found = read("llama", header | {"attention.sliding_window_pattern": [True, True, True, False]}, 32000)
    assert [(group.kind, group.layers) for group in found.attention] == [("full", 1), ("sliding", 3)]


def test_every_architecture_leads_to_one_that_the_hub_knows() -> None:
    assert set(GGUF_KINDS.values()) <= set(KINDS)


def test_an_unknown_architecture_is_refused_with_the_nearest(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(tmp_path / "x.gguf", "qwen3mo")
    writer.add_block_count(2)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(DataError, match=r"'qwen3mo' of .* is not understood") as refused:
        read_model(tmp_path / "x.gguf", checked=AS_OF)
    assert "architectures are understood; the nearest that are: qwen3moe" in str(refused.value.cure)
