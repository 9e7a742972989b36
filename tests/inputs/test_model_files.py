"""A model's own files say what the book says, and what is not understood is refused."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.errors import DataError, InputError, UsageError
from planner.inputs.books import load_books
from planner.inputs.model_files import is_model_path, read_model
from planner.planning.memory.architecture import unpack
from planner.planning.memory.kv_groups import kv_bytes_per_token

TODAY = date(2026, 11, 23)
LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}
QWEN_MOE = LLAMA | {
    "architectures": ["Qwen3MoeForCausalLM"],
    "model_type": "qwen3_moe",
    "hidden_size": 2048,
    "num_hidden_layers": 48,
    "num_key_value_heads": 4,
    "head_dim": 128,
    "vocab_size": 151936,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "moe_intermediate_size": 768,
}
DEEPSEEK = LLAMA | {
    "architectures": ["DeepseekV3ForCausalLM"],
    "model_type": "deepseek_v3",
    "hidden_size": 7168,
    "num_hidden_layers": 61,
    "num_attention_heads": 128,
    "intermediate_size": 18432,
    "moe_intermediate_size": 2048,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "num_experts_per_tok": 8,
    "first_k_dense_replace": 3,
    "kv_lora_rank": 512,
    "q_lora_rank": 1536,
    "qk_rope_head_dim": 64,
    "qk_nope_head_dim": 128,
    "v_head_dim": 128,
    "vocab_size": 129280,
    "num_nextn_predict_layers": 1,
    "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]},
}
GEMMA = LLAMA | {
    "model_type": "gemma2",
    "hidden_size": 3584,
    "num_hidden_layers": 42,
    "num_attention_heads": 16,
    "head_dim": 256,
    "vocab_size": 256000,
    "sliding_window": 4096,
    "tie_word_embeddings": True,
}
GPT_OSS = LLAMA | {
    "architectures": ["GptOssForCausalLM"],
    "model_type": "gpt_oss",
    "hidden_size": 2880,
    "num_hidden_layers": 24,
    "num_attention_heads": 64,
    "head_dim": 64,
    "intermediate_size": 2880,
    "attention_bias": True,
    "vocab_size": 201088,
    "sliding_window": 128,
    "layer_types": ["sliding_attention", "full_attention"] * 12,
    "num_local_experts": 32,
    "num_experts_per_tok": 4,
    "quantization_config": {"quant_method": "mxfp4"},
}


def folder(tmp_path: Path, config: object) -> Path:
    """A hub-style folder."""
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (LLAMA, "llama-3.1-8b"),
        (QWEN_MOE, "qwen3-30b-a3b"),
        (DEEPSEEK, "deepseek-v3"),
        (GEMMA, "gemma-2-9b"),
        (GPT_OSS, "gpt-oss-20b"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_config_says_what_the_book_says(tmp_path: Path, config: dict[str, Any], name: str) -> None:
    found, row = read_model(folder(tmp_path, config), checked=TODAY), load_books().models.find(name)
    assert unpack(found).parameters == unpack(row).parameters
    assert kv_bytes_per_token(found) == kv_bytes_per_token(row)
    assert found.quantization == row.quantization


def test_a_text_model_inside_another_and_its_stored_size_are_read(tmp_path: Path) -> None:
    outer = {
        "architectures": ["Mistral3ForConditionalGeneration"],
        "text_config": LLAMA | {"model_type": "mistral"},
    }
    (tmp_path / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": 16_060_522_496}}), encoding="utf-8"
    )
    found = read_model(folder(tmp_path, outer), checked=TODAY)
    assert found.architecture == "Mistral3ForConditionalGeneration"
    assert found.parameters == 8_030_261_248


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        (LLAMA | {"model_type": "rwkv7"}, DataError, "'rwkv7' of .* is not understood"),
        (LLAMA | {"hidden_size": "4096"}, InputError, "hidden_size: expected a whole number, found '4096'"),
        (LLAMA | {"num_key_value_heads": 7}, InputError, "kv_heads must divide heads"),
        ([1], InputError, "expected an object"),
    ],
)
def test_what_cannot_be_true_is_refused(
    tmp_path: Path, config: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        read_model(folder(tmp_path, config), checked=TODAY)


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no"):
        read_model(tmp_path / "nowhere", checked=TODAY)
    with pytest.raises(UsageError, match=r"config\.json"):
        read_model(tmp_path, checked=TODAY)
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="expected JSON"):
        read_model(tmp_path, checked=TODAY)
    (tmp_path / "broken.gguf").write_bytes(b"not a gguf file at all, but long enough for a header")
    with pytest.raises(InputError, match="expected a GGUF file"):
        read_model(tmp_path / "broken.gguf", checked=TODAY)


def test_the_header_of_a_gguf_is_enough(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    file = tmp_path / "Tiny-Qwen3.gguf"
    writer = gguf.GGUFWriter(file, "qwen3")
    writer.add_block_count(2)
    writer.add_context_length(4096)
    writer.add_embedding_length(64)
    writer.add_feed_forward_length(128)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_key_length(16)
    writer.add_tensor("token_embd.weight", np.zeros((256, 64), dtype=np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = read_model(file, checked=TODAY)
    assert (found.id, found.vocab, found.tied) == ("tiny-qwen3", 256, True)
    assert kv_bytes_per_token(found) == 2 * 2 * 2 * 16 * 2


def test_a_path_is_told_from_a_name(tmp_path: Path) -> None:
    assert is_model_path("x.gguf")
    assert is_model_path(str(tmp_path))
    assert not is_model_path("meta-llama/Llama-3.1-8B")
