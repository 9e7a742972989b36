from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest

from planner.engines.gguf_layout import FAMILIES, QUANTIZATIONS, SyntheticShape, tensors, total_bytes
from planner.engines.synthetic import WEIGHT_STD, random_blocks, write_gguf, write_vllm_folder
from planner.errors import DataError, EngineError, UsageError
from tests.engines.shapes import LLAMA_2_7B, LLAMA_31_8B, LLAMA_31_70B, QWEN3_32B, tiny

ROPE_FACTORS_BYTES = 256  # Llama 3.1's rope_freqs.weight, 64 32-bit numbers that are not written here


# what llama-bench printed as model_size for real files: github.com/lhl/strix-halo-testing
@pytest.mark.parametrize(
    ("shape", "quantization", "published"),
    [
        (LLAMA_2_7B, "q4_0", 3_825_065_984),
        (LLAMA_2_7B, "q4_k_m", 4_080_263_168),
        (LLAMA_31_8B, "q4_k_m", 4_912_898_304 - ROPE_FACTORS_BYTES),
        (LLAMA_31_70B, "q4_k_m", 42_512_531_712 - ROPE_FACTORS_BYTES),
        (QWEN3_32B, "q8_0", 34_811_744_256),
    ],
)
def test_a_synthetic_file_has_the_tensor_bytes_of_the_real_one(
    shape: SyntheticShape, quantization: str, published: int
) -> None:
    assert total_bytes(shape, quantization) == published


def test_q4_k_m_lifts_half_of_the_value_and_down_matrices_to_6_bits() -> None:
    kinds = Counter(
        (row.name.split(".")[2], row.storage)
        for row in tensors(LLAMA_31_8B, "q4_k_m")
        if row.name.startswith("blk.") and row.name.split(".")[2] in {"attn_v", "ffn_down", "attn_q"}
    )
    # of 32 layers: the first 4, the last 4, and every third of the 24 between = 16
    assert kinds == {
        ("attn_v", "q6_k"): 16,
        ("attn_v", "q4_k"): 16,
        ("ffn_down", "q6_k"): 16,
        ("ffn_down", "q4_k"): 16,
        ("attn_q", "q4_k"): 32,
    }


def test_rows_that_are_no_multiple_of_256_fall_back_to_blocks_of_32() -> None:
    odd = replace(tiny("llama"), hidden=288)
    storages = {row.name: row.storage for row in tensors(odd, "q4_k_m")}
    assert storages["blk.3.attn_q.weight"] == "q5_0"
    assert storages["token_embd.weight"] == "q8_0"


def test_eight_experts_keep_keys_and_values_at_8_bits() -> None:
    storages = {row.name: row.storage for row in tensors(tiny("llama", experts=8), "q4_k_m")}
    assert storages["blk.0.attn_k.weight"] == "q8_0"
    assert storages["blk.0.attn_output.weight"] == "q5_k"
    assert storages["blk.0.ffn_gate_inp.weight"] == "f32"


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_the_written_file_is_a_gguf_with_the_planned_tensors(quantization: str, tmp_path: Path) -> None:
    shape = tiny("llama", tied=False)
    path = write_gguf(shape, quantization, tmp_path / "model.gguf", seed=7)
    reader = gguf.GGUFReader(path)
    written = {
        tensor.name: (tuple(int(dim) for dim in reversed(tensor.shape)), tensor.tensor_type.name.lower())
        for tensor in reader.tensors
    }
    assert written == {row.name: (row.dims, row.storage) for row in tensors(shape, quantization)}
    assert sum(int(tensor.n_bytes) for tensor in reader.tensors) == total_bytes(shape, quantization)
    assert len(reader.fields["tokenizer.ggml.tokens"].data) == shape.vocabulary
    assert reader.fields["llama.attention.head_count_kv"].parts[-1][0] == shape.kv_heads
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("storage", ["f32", "f16", "q8_0", "q4_0", "q5_0", "q5_1", "q4_k", "q5_k", "q6_k"])
def test_random_weights_have_the_deviation_of_real_ones(storage: str) -> None:
    raw = np.frombuffer(random_blocks(storage, 65536, np.random.default_rng(3)), dtype=np.uint8)
    kind = gguf.GGMLQuantizationType[storage.upper()]
    values = gguf.dequantize(raw.reshape(1, -1), kind) if storage[0] == "q" else _floats(raw, storage)
    assert np.isfinite(values).all()
    assert WEIGHT_STD / 2 < float(np.std(values)) < WEIGHT_STD * 2


def test_bf16_weights_are_the_upper_half_of_32_bit_floats() -> None:
    raw = np.frombuffer(random_blocks("bf16", 65536, np.random.default_rng(3)), dtype=np.uint16)
    values = (raw.astype(np.uint32) << 16).view(np.float32)
    assert float(np.std(values)) == pytest.approx(WEIGHT_STD, rel=0.02)


def test_the_same_seed_writes_the_same_file(tmp_path: Path) -> None:
    first = write_gguf(tiny("qwen3"), "q4_0", tmp_path / "a.gguf", seed=1).read_bytes()
    assert write_gguf(tiny("qwen3"), "q4_0", tmp_path / "b.gguf", seed=1).read_bytes() == first
    assert write_gguf(tiny("qwen3"), "q4_0", tmp_path / "c.gguf", seed=2).read_bytes() != first


def test_an_unknown_architecture_or_quantization_names_the_choices() -> None:
    with pytest.raises(DataError, match="'mamba'") as unknown:
        tensors(replace(tiny("llama"), family="mamba"), "q4_0")
    assert "qwen3moe" in str(unknown.value.cure)
    with pytest.raises(UsageError, match="'q3_k'") as refused:
        tensors(tiny("llama"), "q3_k")
    assert "q4_k_m" in str(refused.value.cure)


def test_a_folder_that_cannot_be_written_is_an_engine_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(EngineError, match="could not write the synthetic model"):
        write_gguf(tiny("llama"), "q4_0", tmp_path / "file" / "model.gguf", seed=1)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_for_vllm_has_a_config_and_a_tokenizer_for_every_id(family: str, tmp_path: Path) -> None:
    shape = tiny(family, experts=8 if family == "qwen3moe" else 0)
    folder = write_vllm_folder(shape, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    assert config["architectures"] == [FAMILIES[family].huggingface]
    assert (config["hidden_size"], config["num_key_value_heads"]) == (shape.hidden, shape.kv_heads)
    assert sorted(vocabulary.values()) == list(range(shape.vocabulary))
    assert ("num_experts" in config) == (shape.experts > 0)


def _floats(raw: np.ndarray, storage: str) -> np.ndarray:
    return raw.view(np.float32 if storage == "f32" else np.float16).astype(np.float64)
