"""A model's architecture from its own files: a hub-style config.json, or the header of a GGUF. No weights are read.

An architecture that is not listed here is refused: a guess at its cache would be wrong silently.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from planner.errors import DataError, Fault, InputError, UsageError
from planner.specs.books.model import ModelSpec

Config = Mapping[str, Any]
MAX_CONFIG_BYTES = 4 * 1024 * 1024
SAFETENSORS_INDEX = "model.safetensors.index.json"

# hub model_type, GGUF architecture or both -> what it adds to the plain decoder
PLAIN: dict[str, dict[str, Any]] = {
    "llama": {},
    "mistral": {},
    "mixtral": {},
    "qwen2": {"qkv_bias": True},
    "qwen3": {"qk_norm": True},
    "qwen3_moe": {"qk_norm": True},
    "qwen3moe": {"qk_norm": True},
    "phi3": {},
    "granite": {},
    "gemma": {},
    "gemma2": {"norms": 4, "every": 2},
    "gemma3": {"norms": 4, "every": 6, "qk_norm": True},
    "gemma3_text": {"norms": 4, "every": 6, "qk_norm": True},
    "gpt_oss": {"qkv_bias": True, "every": 2, "expert_bias": True},
}
LATENT = frozenset({"deepseek_v2", "deepseek_v3", "kimi_k2"})
TIED_BY_DEFAULT = frozenset({"gemma", "gemma2", "gemma3", "gemma3_text"})
STORED = {"fp8": "fp8-block", "mxfp4": "mxfp4", "awq": "awq", "gptq": "gptq", "fbgemm_fp8": "fp8-mlp"}
DTYPES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}


def is_model_path(name: str) -> bool:
    """Tell whether a name on the command line means a file or folder, not a row of the book."""
    return name.endswith((".gguf", ".json")) or Path(name).is_dir()


def read_model(path: Path, *, checked: date) -> ModelSpec:
    """Return the architecture of a model folder, a config.json or a .gguf file.

    Raises
    ------
    UsageError
        When there is no such file.
    InputError
        When the file is broken or contradicts itself.
    DataError
        When the architecture is not understood.
    """
    if not path.exists():
        raise UsageError(f"there is no {path}", cure="give a folder with config.json, or a .gguf file")
    fields = _gguf_fields(path) if path.suffix == ".gguf" else _hub_fields(path)
    row = fields | {"source": str(path), "checked": checked, "trust": "A"}
    try:
        return ModelSpec.model_validate(row)
    except ValidationError as error:
        faults = tuple(
            Fault(
                file=str(path),
                key=".".join(map(str, each["loc"])),
                expected=each["msg"],
                found=repr(each["input"])[:60],
            )
            for each in error.errors()
        )
        raise InputError(faults) from None


def _hub_fields(path: Path) -> dict[str, Any]:
    file = path / "config.json" if path.is_dir() else path
    outer = _json(file)
    config: Config = outer.get("text_config") or outer
    kind = str(config.get("model_type") or outer.get("model_type"))
    name = (outer.get("architectures") or [kind])[0]
    fields = {
        "id": _short(str(outer.get("_name_or_path") or "") or file.resolve().parent.name),
        "family": kind,
        "architecture": name,
        "dtype": DTYPES.get(str(config.get("torch_dtype") or config.get("dtype") or "bfloat16"), "bf16"),
        "tied": bool(
            config.get("tie_word_embeddings", outer.get("tie_word_embeddings", kind in TIED_BY_DEFAULT))
        ),
        **_sizes(config, file),
    }
    method = (outer.get("quantization_config") or {}).get("quant_method")
    if method in STORED:
        fields["quantization"] = STORED[method]
    fields |= _latent(config, file) if kind in LATENT else _plain_decoder(kind, config, file)
    total = _stored_bytes(file.parent / SAFETENSORS_INDEX)
    if total and method is None:
        fields["parameters"] = total / (4.0 if fields["dtype"] == "fp32" else 2.0)
    return fields


def _sizes(config: Config, file: Path) -> dict[str, Any]:
    return {
        "hidden": _need(config, "hidden_size", file),
        "layers": _need(config, "num_hidden_layers", file),
        "vocab": _need(config, "vocab_size", file),
        "max_context": _need(config, "max_position_embeddings", file),
    }


def _plain_decoder(kind: str, config: Config, file: Path) -> dict[str, Any]:
    """Attention with heads, dense or routed feed-forward."""
    if kind not in PLAIN:
        raise _not_understood(kind, file)
    extra = PLAIN[kind]
    heads, layers = _need(config, "num_attention_heads", file), _need(config, "num_hidden_layers", file)
    group = {
        "heads": heads,
        "kv_heads": config.get("num_key_value_heads") or heads,
        "head_dim": config.get("head_dim") or _need(config, "hidden_size", file) // heads,
        "qkv_bias": bool(extra.get("qkv_bias") or config.get("attention_bias", False)),
        "qk_norm": bool(extra.get("qk_norm")),
    }
    window = config.get("sliding_window") if config.get("use_sliding_window", True) else None
    kinds = config.get("layer_types")
    full = kinds.count("full_attention") if kinds else layers // extra["every"] if "every" in extra else None
    return {
        "attention": _attention(group, layers, window, 0 if full is None and window else full),
        "norms_per_layer": extra.get("norms", 2),
        **_feed_forward(config, layers, file, bias=bool(extra.get("expert_bias"))),
    }


def _attention(
    group: dict[str, Any], layers: int, window: int | None, full: int | None
) -> tuple[dict[str, Any], ...]:
    """Full layers and sliding ones; ``full`` of ``None`` means that all are full."""
    if not window or full is None or full == layers:
        return ({"kind": "full", "layers": layers, **group},)
    sliding = {"kind": "sliding", "layers": layers - full, "window": window, **group}
    return ({"kind": "full", "layers": full, **group}, sliding) if full else (sliding,)


def _feed_forward(config: Config, layers: int, file: Path, *, bias: bool = False) -> dict[str, Any]:
    experts = config.get("num_experts") or config.get("num_local_experts") or config.get("n_routed_experts")
    if not experts:
        return {"mlp": ({"layers": layers, "intermediate": _need(config, "intermediate_size", file)},)}
    dense = int(config.get("first_k_dense_replace") or 0)
    routed = {
        "layers": layers - dense,
        "experts": experts,
        "experts_per_token": _need(config, "num_experts_per_tok", file),
        "intermediate": config.get("moe_intermediate_size") or _need(config, "intermediate_size", file),
        "shared_experts": int(config.get("n_shared_experts") or 0),
        "bias": bias,
    }
    block = ({"layers": dense, "intermediate": _need(config, "intermediate_size", file)},) if dense else ()
    return {"moe": (routed,), "mlp": block}


def _latent(config: Config, file: Path) -> dict[str, Any]:
    layers = _need(config, "num_hidden_layers", file)
    keys = ("kv_lora_rank", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim")
    group = {
        "kind": "mla",
        "layers": layers,
        "heads": _need(config, "num_attention_heads", file),
        **{key: _need(config, key, file) for key in keys},
        "q_lora_rank": config.get("q_lora_rank"),
    }
    mtp = int(config.get("num_nextn_predict_layers") or 0)
    return {"attention": (group,), "mtp_layers": mtp, **_feed_forward(config, layers, file)}


def _gguf_fields(path: Path) -> dict[str, Any]:
    """Read a GGUF's keys and tensor list; the file is mapped, its weights are not touched."""
    try:
        from gguf import GGUFReader  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise UsageError(
            "reading a .gguf needs the library gguf", cure="pip install 'llm-capacity-planner[hf]'"
        ) from None
    try:
        reader = GGUFReader(path)
    except (ValueError, OSError, IndexError) as error:
        raise InputError((Fault(file=str(path), key="", expected="a GGUF file", found=str(error)),)) from None
    values = {
        name: field.contents() for name, field in reader.fields.items() if not name.startswith("tokenizer.")
    }
    kind = str(values.get("general.architecture"))
    config = {key.removeprefix(f"{kind}."): value for key, value in values.items()}
    names = {tensor.name: tensor for tensor in reader.tensors}
    if kind not in PLAIN or "token_embd.weight" not in names:
        raise _not_understood(kind, path)
    return {
        "id": _short(path.stem),
        "family": kind,
        "architecture": kind,
        "vocab": int(names["token_embd.weight"].shape[1]),
        "tied": "output.weight" not in names,
        "parameters": float(sum(int(tensor.n_elements) for tensor in reader.tensors)),
        **_gguf_decoder(kind, config, path),
    }


def _gguf_decoder(kind: str, config: Config, path: Path) -> dict[str, Any]:
    """Say with the hub's words what a GGUF's keys say, and read it like a hub config."""
    said = {
        "hidden_size": config.get("embedding_length"),
        "num_hidden_layers": config.get("block_count"),
        "max_position_embeddings": config.get("context_length"),
        "num_attention_heads": config.get("attention.head_count"),
        "num_key_value_heads": config.get("attention.head_count_kv"),
        "head_dim": config.get("attention.key_length"),
        "intermediate_size": config.get("feed_forward_length"),
        "num_experts": config.get("expert_count"),
        "num_experts_per_tok": config.get("expert_used_count"),
        "moe_intermediate_size": config.get("expert_feed_forward_length"),
        "sliding_window": config.get("attention.sliding_window"),
        "vocab_size": 1,
    }
    sizes = _sizes(said, path)
    del sizes["vocab"]
    return sizes | _plain_decoder(kind, said, path)


def _json(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > MAX_CONFIG_BYTES:
            raise InputError(
                (Fault(file=str(file), key="", expected="at most 4 MiB", found="a larger file"),)
            )
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"there is no {file}", cure="give a folder with config.json, or a .gguf file"
        ) from None
    except (ValueError, OSError) as error:
        raise InputError((Fault(file=str(file), key="", expected="JSON", found=str(error)),)) from None
    if not isinstance(found, dict):
        raise InputError((Fault(file=str(file), key="", expected="an object", found=type(found).__name__),))
    return found


def _stored_bytes(index: Path) -> float:
    """Bytes of all tensors that a safetensors index states; 0 when there is none."""
    return float(_json(index).get("metadata", {}).get("total_size", 0)) if index.is_file() else 0.0


def _need(config: Config, key: str, file: Path) -> int:
    value = config.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError((Fault(file=str(file), key=key, expected="a whole number", found=repr(value)),))
    return value


def _not_understood(kind: str, file: Path) -> DataError:
    known = ", ".join(sorted({*PLAIN, *LATENT}))
    return DataError(
        f"the architecture {kind!r} of {file} is not understood, so its memory would be a guess",
        cure=f"write a row by hand into your own models.yaml; understood are {known}",
    )


def _short(name: str) -> str:
    """Return a name as the book's ids are written."""
    return re.sub(r"[^a-z0-9.]+", "-", name.rsplit("/", 1)[-1].casefold()).strip("-") or "model"
