"""A model's architecture from its own files: a hub-style config.json, or the header of a GGUF. No weights are read.

An architecture that is not listed here is refused: a guess at its cache would be wrong silently.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from planner.errors import DataError, Fault, InputError, UsageError
from planner.inputs.architectures.decoder import decoder_fields
from planner.inputs.architectures.gguf_header import GGUF_KINDS, gguf_decoder
from planner.inputs.architectures.keys import Config, Keys
from planner.inputs.architectures.kinds import KINDS
from planner.inputs.architectures.quantization import stored_scheme
from planner.inputs.architectures.vision import TOWERS, vision_parameters
from planner.specs.books.model import ModelSpec

MAX_CONFIG_BYTES = 4 * 1024 * 1024
SAFETENSORS_INDEX = "model.safetensors.index.json"

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
    text = outer.get("text_config")
    config: Config = text if isinstance(text, dict) else outer
    kind = str(config.get("model_type") or outer.get("model_type"))
    if kind not in KINDS:
        raise _not_understood(kind, file)
    keys = Keys(config=config, file=file, kind=kind, defaults=KINDS[kind].defaults)
    name = (outer.get("architectures") or [kind])[0]
    tied = outer.get("tie_word_embeddings", config.get("tie_word_embeddings", KINDS[kind].tied))
    fields = {
        "id": _short(str(outer.get("_name_or_path") or "") or file.resolve().parent.name),
        "family": kind,
        "architecture": name,
        "dtype": DTYPES.get(str(config.get("torch_dtype") or config.get("dtype") or "bfloat16"), "bf16"),
        "tied": bool(tied),
        "vocab": keys.count("vocab"),
        "max_context": keys.count("max_context"),
        **decoder_fields(keys, KINDS[kind]),
    }
    around = Keys(config=outer, file=file, kind=str(outer.get("model_type")), defaults={})
    scheme = stored_scheme(around)
    if scheme is not None:
        fields["quantization"] = scheme
    total = _stored_bytes(file.parent / SAFETENSORS_INDEX) if scheme is None else 0.0
    stored = total / (4.0 if fields["dtype"] == "fp32" else 2.0)
    vision = vision_parameters(around, fields["hidden"])
    if vision is None:
        raise _tower_not_understood(around)
    fields["vision_parameters"] = vision
    if stored:
        fields["parameters"] = stored - vision
    return fields


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
    if kind not in GGUF_KINDS or "token_embd.weight" not in names:
        raise _not_understood(kind, path, known=GGUF_KINDS)
    shapes = {name: tuple(int(size) for size in tensor.shape) for name, tensor in names.items()}
    whole = int(config.get("split.count") or 1) == 1
    return {
        "id": _short(path.stem),
        "family": kind,
        "architecture": kind,
        "vocab": int(names["token_embd.weight"].shape[1]),
        "tied": "output.weight" not in names,
        "parameters": float(sum(int(tensor.n_elements) for tensor in reader.tensors)) if whole else None,
        **gguf_decoder(kind, config, shapes, path),
    }


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


def _tower_not_understood(keys: Keys) -> DataError:
    kind = keys.inner("vision_config").get("model_type") or keys.kind
    return DataError(
        f"the vision or audio tower {kind!r} of {keys.file} is not understood, so its weights would be a guess",
        cure=f"write a row by hand into your own models.yaml; understood are {', '.join(sorted(TOWERS))}",
    )


def _not_understood(kind: str, file: Path, known: Iterable[str] = KINDS) -> DataError:
    names = sorted(known)
    near = difflib.get_close_matches(kind, names, n=3)
    hint = f"; the nearest that are: {', '.join(near)}" if near else ""
    return DataError(
        f"the architecture {kind!r} of {file} is not understood, so its memory would be a guess",
        cure=f"write a row by hand into your own models.yaml; {len(names)} architectures are understood{hint}",
    )


def _short(name: str) -> str:
    """Return a name as the book's ids are written."""
    return re.sub(r"[^a-z0-9.]+", "-", name.rsplit("/", 1)[-1].casefold()).strip("-") or "model"
