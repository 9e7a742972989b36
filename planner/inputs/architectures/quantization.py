"""How a checkpoint stores its weights, from the ``quantization_config`` beside its architecture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planner.errors import DataError
from planner.inputs.architectures.keys import Keys

FOUR_BITS, EIGHT_BITS = 4, 8
SINGLE = {"mxfp4": "mxfp4", "fbgemm_fp8": "fp8-mlp"}
MODELOPT = {"FP8": "fp8", "NVFP4": "nvfp4", "W4A16": "int4", "FP8_PB_WO": "fp8-block"}


def stored_scheme(outer: Keys) -> str | None:
    """Return the name of a checkpoint's scheme; ``None`` for plain weights.

    Raises
    ------
    DataError
        When the scheme is not understood: its weights would be a guess.
    """
    said = outer.inner("quantization_config")
    if not said.config:
        return None
    method = str(said.get("quant_method") or "")
    found = SINGLE.get(method) or _by_method(method, said)
    if found is None:
        raise DataError(
            f"the quantization {method or 'without a name'!r} of {outer.file} is not understood, so its weights would be a guess",
            cure="leave quantization_config out and give --quantization",
        )
    return found


def _by_method(method: str, said: Keys) -> str | None:
    if method in {"awq", "gptq", "auto-round", "auto_round", "inc"}:
        plain = "int4" if "round" in method or method == "inc" else method
        return plain if said.get("bits") in {FOUR_BITS, None} else _integers(said.get("bits"))
    if method == "fp8":
        return "fp8-block" if said.get("weight_block_size") else "fp8"
    if method == "bitsandbytes":
        return "nf4" if said.flag("load_in_4bit") else "int8" if said.flag("load_in_8bit") else None
    if method in {"modelopt", "modelopt_fp4"}:
        return MODELOPT.get(
            str(said.get("quant_algo") or said.inner("quantization").get("quant_algo")).upper()
        )
    if method == "compressed-tensors":
        return _compressed(said)
    return None


def _integers(bits: object) -> str | None:
    return "int8" if bits == EIGHT_BITS else None


def _compressed(said: Keys) -> str | None:
    """Return the scheme of compressed-tensors' groups, which have to agree on their weights."""
    groups = said.config.get("config_groups")
    weights = [each.get("weights") or {} for each in groups.values()] if isinstance(groups, Mapping) else []
    names = {_weights(each) for each in weights}
    return names.pop() if len(names) == 1 else None


def _weights(said: Mapping[str, Any]) -> str | None:
    bits, group = said.get("num_bits"), said.get("group_size")
    if said.get("type") == "float":
        if bits == EIGHT_BITS:
            return "fp8-block" if said.get("strategy") == "block" else "fp8"
        return {16: "nvfp4"}.get(group or 0) if bits == FOUR_BITS else None
    if bits == FOUR_BITS:
        return "int4"
    return _integers(bits)
