"""Model files with a true architecture and made-up weights, so that a model can be timed without downloading it.

An engine's speed depends on the shapes and types of the tensors, not on their values. The weights are random numbers of
the usual size, repeated from one tile per storage type, so that a file is written at the speed of the disk with a
few megabytes of memory. What such a model says is noise: results measured with it are labelled synthetic.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from planner.engines.gguf_layout import BLOCKS, FAMILIES, QUANTIZATIONS, SyntheticShape, Tensor, tensors
from planner.errors import EngineError

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILE_WEIGHTS = 2_097_152  # weights per tile: 1 to 8 MiB, far above a CPU's L2 and small beside any model
WEIGHT_STD = 0.02  # the usual initialisation of a transformer's matrices
SPECIAL_TOKENS = ("<unk>", "<s>", "</s>")
BYTE_TOKENS = 256
RMS_EPSILON = 1e-5
SYNTHETIC_NAME = "synthetic "  # how a file says in general.name that its weights are made up
# storage type -> {byte offset in the block: 16-bit scale}, chosen so that the weights' deviation is WEIGHT_STD:
# uniform 4-, 5-, 6- and 8-bit integers deviate by 4.6, 9.2, 18.5 and 74; K-quants multiply by a random 6- or 8-bit scale.
SCALES: dict[str, dict[int, float]] = {
    "q8_0": {0: WEIGHT_STD / 74},
    "q4_0": {0: WEIGHT_STD / 4.6},
    "q5_0": {0: WEIGHT_STD / 9.2},
    "q5_1": {0: WEIGHT_STD / 9.2, 2: -15.5 * WEIGHT_STD / 9.2},
    "q4_k": {0: WEIGHT_STD / (32 * 4.6), 2: 7.5 * WEIGHT_STD / (32 * 4.6)},
    "q5_k": {0: WEIGHT_STD / (32 * 9.2), 2: 15.5 * WEIGHT_STD / (32 * 9.2)},
    "q6_k": {208: WEIGHT_STD / (74 * 18.5)},
}


def write_gguf(shape: SyntheticShape, quantization: str, path: Path, *, seed: int) -> Path:
    """Write a GGUF of `shape` with random weights and a made-up vocabulary; return its path.

    The file appears under its name only when it is complete.

    Raises
    ------
    EngineError
        If the library ``gguf`` is missing or the disk is full.
    """
    rows = tensors(shape, quantization)
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = _header(shape, quantization, part, rows)
        _write_tiles(writer.fout[0], rows, np.random.default_rng(seed))
        writer.close()
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        needed = sum(row.nbytes for row in rows) / 1e9
        raise EngineError(
            f"could not write the synthetic model {path}: {error.strerror}",
            cure=f"it needs {needed:.1f} GB; choose another folder with --model-cache DIR",
        ) from error
    return path


def random_blocks(storage: str, weights: int, generator: np.random.Generator) -> bytes:
    """Draw `weights` random weights stored as `storage`, a whole number of blocks."""
    if storage in {"f32", "f16"}:
        values = generator.standard_normal(weights, dtype=np.float32) * WEIGHT_STD
        return values.astype(np.float32 if storage == "f32" else np.float16).tobytes()
    if storage == "bf16":  # the upper half of a 32-bit float
        values = generator.standard_normal(weights, dtype=np.float32) * WEIGHT_STD
        return (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    per_block, size = BLOCKS[storage]
    blocks: NDArray[np.uint8] = generator.integers(0, 256, (weights // per_block, size), dtype=np.uint8)
    for offset, scale in SCALES[storage].items():
        blocks[:, offset : offset + 2] = np.frombuffer(np.float16(scale).tobytes(), dtype=np.uint8)
    return blocks.tobytes()


def write_vllm_folder(shape: SyntheticShape, folder: Path) -> Path:
    """Write the folder that vLLM loads with ``--load-format dummy``: configuration and a tiny tokenizer, no weights."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "config.json": _huggingface_config(shape),
        "generation_config.json": {"bos_token_id": 1, "eos_token_id": 2},
        "tokenizer.json": _tokenizer(shape.vocabulary),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "unk_token": "<unk>",
            "bos_token": "<s>",
            "eos_token": "</s>",
            "model_max_length": shape.context,
            "clean_up_tokenization_spaces": False,
            "chat_template": "{% for message in messages %}{{ message['content'] }}{% endfor %}",
        },
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    return folder


def _header(shape: SyntheticShape, quantization: str, path: Path, rows: tuple[Tensor, ...]) -> Any:  # noqa: ANN401 - gguf has no types
    """Write everything before the tensor data; return the open writer."""
    gguf = _gguf()
    writer = gguf.GGUFWriter(path, shape.family)
    writer.add_name(f"{SYNTHETIC_NAME}{shape.name} {quantization}")
    writer.add_file_type(QUANTIZATIONS[quantization][1])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _add_architecture(writer, shape)
    _add_vocabulary(writer, shape.vocabulary)
    for row in rows:
        kind = gguf.GGMLQuantizationType[row.storage.upper()]
        byte_dims = gguf.quant_shape_to_byte_shape(row.dims, kind)
        writer.add_tensor_info(row.name, byte_dims, np.dtype(np.uint8), row.nbytes, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    return writer


def _gguf() -> Any:  # noqa: ANN401 - gguf has no types
    try:
        import gguf  # noqa: PLC0415 - an extra, and slow to import
    except ModuleNotFoundError as error:
        raise EngineError(
            "writing a synthetic model needs the library gguf",
            cure="pip install 'llm-capacity-planner[llamacpp]'",
        ) from error
    return gguf


def _add_architecture(writer: Any, shape: SyntheticShape) -> None:  # noqa: ANN401
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.intermediate)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_dim)
    writer.add_value_length(shape.head_dim)
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_rope_freq_base(shape.rope_theta)
    writer.add_layer_norm_rms_eps(RMS_EPSILON)
    writer.add_vocab_size(shape.vocabulary)
    if shape.experts:
        writer.add_expert_count(shape.experts)
        writer.add_expert_used_count(shape.active_experts)
        writer.add_expert_feed_forward_length(shape.intermediate)
    if shape.sliding_window:
        writer.add_sliding_window(shape.sliding_window)


def _add_vocabulary(writer: Any, size: int) -> None:  # noqa: ANN401
    """Three special tokens, the bytes, and a word of its own for every id left."""
    byte_tokens = [f"<0x{value:02X}>" for value in range(BYTE_TOKENS)]
    named = [*SPECIAL_TOKENS, *byte_tokens]
    tokens = [*named, *(f"▁w{number:x}" for number in range(size - len(named)))]
    kinds = [2, 3, 3] + [6] * BYTE_TOKENS + [1] * (size - len(named))  # unknown, control, byte, normal
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * size)
    writer.add_token_types(kinds)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def _write_tiles(file: BinaryIO, rows: tuple[Tensor, ...], generator: np.random.Generator) -> None:
    """Write every tensor's data as repetitions of its storage type's tile, aligned as GGUF wants it."""
    alignment = 32  # GGUF's default
    tiles = {
        kind: random_blocks(kind, TILE_WEIGHTS, generator) for kind in sorted({row.storage for row in rows})
    }
    ones = np.ones(1, dtype=np.float32).tobytes()
    file.write(bytes(-file.tell() % alignment))
    for row in rows:
        tile = ones * row.dims[0] if row.name.endswith("norm.weight") else tiles[row.storage]
        whole, rest = divmod(row.nbytes, len(tile))
        file.writelines(tile for _ in range(whole))
        file.write(tile[:rest])
        file.write(bytes(-file.tell() % alignment))


def _huggingface_config(shape: SyntheticShape) -> dict[str, Any]:
    family = FAMILIES[shape.family]
    config: dict[str, Any] = {
        "architectures": [family.huggingface],
        "model_type": {"gemma3": "gemma3_text", "qwen3moe": "qwen3_moe"}.get(shape.family, shape.family),
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": shape.context,
        "rms_norm_eps": RMS_EPSILON,
        "rope_theta": shape.rope_theta,
        "hidden_act": "silu",
        "tie_word_embeddings": shape.tied_embeddings,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "torch_dtype": "bfloat16",
    }
    if shape.experts:
        config |= {
            "num_experts": shape.experts,
            "num_local_experts": shape.experts,
            "num_experts_per_tok": shape.active_experts,
            "moe_intermediate_size": shape.intermediate,
        }
    if shape.sliding_window:
        config["sliding_window"] = shape.sliding_window
    return config


def _tokenizer(size: int) -> dict[str, Any]:
    """Describe a word-level tokenizer in which every id decodes to a word, so that streamed text is never empty."""
    words = [*SPECIAL_TOKENS, *(f"w{number:x}" for number in range(size - len(SPECIAL_TOKENS)))]
    special = [
        {
            "id": number,
            "content": word,
            "special": True,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
        }
        | {"normalized": False}
        for number, word in enumerate(SPECIAL_TOKENS)
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {word: number for number, word in enumerate(words)},
            "unk_token": "<unk>",
        },
    }
