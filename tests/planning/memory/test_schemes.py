"""Quantisation schemes: bits by the formats' own definitions, and which device runs which."""

from __future__ import annotations

import pytest

from planner.errors import UsageError
from planner.inputs.books import load_books
from planner.planning.memory.schemes import SCHEMES, SPELLINGS, supports, weight_scheme

BOOKS = load_books()
LLAMA = BOOKS.models.find("llama-3.1-8b")


def bits(name: str) -> float:
    """Bits of a covered weight with its share of a scale of one row and some columns."""
    scheme = SCHEMES[name]
    return scheme.weight_bits + scheme.scale_bits / scheme.scale_columns


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "mxfp4",
            4 + 8 / 32,
        ),  # OCP Microscaling v1.0: 32 elements share a scale of 8 bits; gpt-oss's card says 4.25
        ("nvfp4", 4 + 8 / 16),  # 16 elements share a scale in FP8
        ("int4", 4 + 16 / 128),  # compressed-tensors' w4a16 with groups of 128
        ("nf4", 4.127),  # QLoRA: double quantisation brings 0.5 bits of scales down to 0.127
    ],
)
def test_a_weight_takes_its_own_bits_and_its_share_of_a_scale(name: str, expected: float) -> None:
    assert bits(name) == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize(
    ("gpu", "scheme", "expected"),
    [
        ("h100-sxm", "fp8", "native"),
        ("a100-80-sxm", "fp8", "weight-only"),  # Ampere multiplies no FP8; Marlin unpacks it to 16 bits
        ("t4", "fp8", "no"),
        ("b200-sxm", "nvfp4", "native"),
        ("h100-sxm", "nvfp4", "weight-only"),
        ("t4", "bf16", "no"),
        ("t4", "int4", "native"),  # weight-only, in FP16 where BF16 is absent
        ("t4", "fp32", "native"),
        ("a100-80-sxm", "int8", "native"),
        ("apple-m4-max", "int8", "no"),
    ],
)
def test_a_device_multiplies_a_scheme_unpacks_it_or_cannot_run_it(
    gpu: str, scheme: str, expected: str
) -> None:
    assert supports(BOOKS.hardware.find(gpu), SCHEMES[scheme]) == expected


def test_a_device_without_published_rates_is_not_refused() -> None:
    bare = BOOKS.hardware.find("t4").model_copy(update={"tflops": {}})
    assert {supports(bare, scheme) for scheme in SCHEMES.values()} == {"native"}


def test_every_spelling_means_a_scheme_and_is_none_itself() -> None:
    assert set(SPELLINGS.values()) <= set(SCHEMES)
    assert not set(SPELLINGS) & set(SCHEMES)


def test_auto_is_how_the_publisher_stores_the_model() -> None:
    assert weight_scheme("auto", model=LLAMA).name == "bf16"
    assert weight_scheme(" Auto ", model=BOOKS.models.find("gpt-oss-20b")).name == "mxfp4"
    assert weight_scheme("w8a8", model=LLAMA).name == "int8"


def test_what_is_not_quantised_of_a_model_in_32_bits_stays_so() -> None:
    wide = LLAMA.model_copy(update={"dtype": "fp32"})
    assert weight_scheme("int8", model=wide).rest_bits == 32
    assert weight_scheme("bf16", model=wide).rest_bits == 16


def test_an_unknown_scheme_is_refused_with_the_nearest_ones() -> None:
    with pytest.raises(UsageError, match="no weight quantization is called 'fp7'; did you mean") as near:
        weight_scheme("fp7", model=LLAMA)
    assert "fp8" in near.value.message
    with pytest.raises(UsageError) as far:
        weight_scheme("zzzz", model=LLAMA)
    assert "did you mean" not in far.value.message
    assert far.value.cure is not None
    assert far.value.cure.startswith("use auto, awq, bf16")
