"""Checkpoints say how their weights are stored in half a dozen ways."""

from pathlib import Path
from typing import Any

import pytest

from planner.errors import DataError
from planner.inputs.architectures.keys import Keys
from planner.inputs.architectures.quantization import stored_scheme


def scheme(said: dict[str, Any] | None) -> str | None:
    """Read one quantization_config."""
    config = {} if said is None else {"quantization_config": said}
    return stored_scheme(Keys(config=config, file=Path("config.json"), kind="llama", defaults={}))


def compressed(**weights: object) -> dict[str, Any]:
    """One group of compressed-tensors."""
    return {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": weights}}}


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (None, None),
        ({"quant_method": "mxfp4"}, "mxfp4"),
        ({"quant_method": "fbgemm_fp8"}, "fp8-mlp"),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "fp8-block"),
        ({"quant_method": "fp8"}, "fp8"),
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, "awq"),
        ({"quant_method": "gptq", "bits": 4}, "gptq"),
        ({"quant_method": "gptq", "bits": 8}, "int8"),
        ({"quant_method": "auto-round", "bits": 4}, "int4"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "nf4"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "int8"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4"),
        ({"quant_method": "modelopt", "quantization": {"quant_algo": "FP8"}}, "fp8"),
        (compressed(num_bits=8, type="float", strategy="channel"), "fp8"),
        (compressed(num_bits=8, type="float", strategy="block"), "fp8-block"),
        (compressed(num_bits=4, type="float", group_size=16), "nvfp4"),
        (compressed(num_bits=4, type="int", group_size=128), "int4"),
        (compressed(num_bits=8, type="int"), "int8"),
    ],
)
def test_a_scheme_is_read_from_the_words_of_its_method(said: dict[str, Any] | None, name: str | None) -> None:
    assert scheme(said) == name


@pytest.mark.parametrize(
    "said",
    [
        {"quant_method": "quip"},
        {"bits": 4},
        {"quant_method": "gptq", "bits": 3},
        {"quant_method": "bitsandbytes"},
        {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"},
        {"quant_method": "compressed-tensors"},
        compressed(num_bits=4, type="float", group_size=32),
        compressed(num_bits=6, type="float"),
        compressed(num_bits=3, type="int"),
        {
            "quant_method": "compressed-tensors",
            "config_groups": {
                "a": {"weights": {"num_bits": 8, "type": "float"}},
                "b": {"weights": {"num_bits": 4, "type": "int"}},
            },
        },
    ],
)
def test_a_scheme_that_is_not_understood_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="is not understood, so its weights would be a guess"):
        scheme(said)
