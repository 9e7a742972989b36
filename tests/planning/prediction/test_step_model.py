"""Rates, bytes and pairs of a step from the books' rows."""

import pytest

from planner.errors import UsageError
from planner.inputs.books import load_books
from planner.planning.memory.architecture import unpack
from planner.planning.prediction.step_model import (
    EXPERT_FILL_COLUMNS,
    Load,
    Operands,
    operands,
    pair_flops,
    step_s,
)
from planner.specs.books.hardware import HardwareSpec
from planner.specs.books.model import AttentionGroup, HeadAttention, LatentAttention, LinearAttention
from planner.specs.profiles.serving import COEFFICIENTS

BOOKS = load_books()
LLAMA = unpack(BOOKS.models.find("llama-3.1-8b"))


def device(name: str, **changes: object) -> HardwareSpec:
    return BOOKS.hardware.find(name).model_copy(update=changes)


def test_a_device_without_matrix_rates_is_refused_with_where_to_add_them() -> None:
    with pytest.raises(UsageError, match="no matrix rate for") as error:
        operands(LLAMA, device("h100", tflops={}))
    assert "hardware.yaml" in str(error.value.cure)


def test_a_scheme_that_the_device_cannot_run_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot run nvfp4"):
        operands(
            LLAMA,
            device("v100-sxm-32" if "v100-sxm-32" in BOOKS.hardware.rows else "t4"),
            quantization="nvfp4",
        )


@pytest.mark.parametrize(
    ("group", "flops"),
    [
        (HeadAttention(kind="full", layers=2, heads=4, kv_heads=2, head_dim=8), 2 * 2 * 4 * (8 + 8)),
        (
            HeadAttention(kind="full", layers=1, heads=4, kv_heads=2, head_dim=8, v_head_dim=4),
            2 * 1 * 4 * (8 + 4),
        ),
        (
            LatentAttention(
                kind="mla",
                layers=3,
                heads=4,
                kv_lora_rank=16,
                qk_rope_head_dim=2,
                qk_nope_head_dim=6,
                v_head_dim=5,
            ),
            2 * 3 * 4 * (6 + 2 + 5),
        ),
        (
            LinearAttention(
                kind="linear", layers=3, key_heads=1, value_heads=1, key_dim=8, value_dim=8, conv=4
            ),
            0,
        ),
    ],
)
def test_a_pair_costs_a_product_with_its_key_and_one_with_its_value(
    group: AttentionGroup, flops: float
) -> None:
    # two operations for each element of key and value, in every head of every layer
    assert pair_flops(group) == flops


def test_mxfp4_is_multiplied_in_8_bits_where_the_device_has_4() -> None:
    model = unpack(BOOKS.models.find("gpt-oss-120b"))
    with_fp4 = operands(model, device("b200"), quantization="mxfp4")
    without = {key: rate for key, rate in device("b200").tflops.items() if key != "fp4"}
    assert with_fp4 is not None
    assert "fp4" in device("b200").tflops
    slower = operands(model, device("b200", tflops=without), quantization="mxfp4")
    assert slower != with_fp4


def test_only_native_nvfp4_is_slower_than_its_datasheet() -> None:
    slowness = {
        (gpu, scheme): operands(LLAMA, device(gpu), quantization=scheme).dense_slowness
        for gpu, scheme in (("b200-sxm", "nvfp4"), ("b200-sxm", "fp8"), ("h100-sxm", "nvfp4"))
    }
    assert slowness == {("b200-sxm", "nvfp4"): 1.3, ("b200-sxm", "fp8"): 1.0, ("h100-sxm", "nvfp4"): 1.0}


@pytest.mark.parametrize("groups", [0, 3])
def test_groups_of_attention_that_do_not_divide_the_ranks_are_refused(groups: int) -> None:
    with pytest.raises(UsageError, match=f"attention data parallel {groups} does not divide the 4 ranks"):
        operands(LLAMA, device("h100"), tensor_parallel=4, attention_data_parallel=groups)


@pytest.mark.parametrize(("ranks", "whole", "columns"), [(1, False, 2880), (8, False, 360), (8, True, 2880)])
def test_an_expert_is_slower_the_fewer_of_its_columns_a_rank_holds(
    ranks: int, whole: bool, columns: int
) -> None:
    model = unpack(BOOKS.models.find("gpt-oss-120b"))
    made = operands(model, device("h200-sxm"), tensor_parallel=ranks, expert_parallel=whole)
    assert made.expert_slowness == 1 + EXPERT_FILL_COLUMNS / columns
    assert operands(LLAMA, device("h200-sxm")).expert_slowness == 1.0


@pytest.mark.parametrize(
    ("gpu", "scheme", "slowness"),
    [
        ("h100-sxm", "fp8-block", 1.35),
        ("h100-sxm", "fp8", 1.0),  # one scale a tensor
        ("b200-sxm", "fp8-block", 1.0),  # the matrix unit applies the scales
        ("a100-80-sxm", "fp8-block", 1.0),  # unpacked to 16 bits
    ],
)
def test_scales_by_block_slow_products_where_the_matrix_unit_does_not_apply_them(
    gpu: str, scheme: str, slowness: float
) -> None:
    assert operands(LLAMA, device(gpu), quantization=scheme).block_slowness == slowness


def test_the_publishers_eight_bits_of_deepseek_are_scaled_by_block() -> None:
    model = unpack(BOOKS.models.find("deepseek-v3"))
    made = operands(model, device("h200-sxm"), quantization="fp8", tensor_parallel=8)
    assert made == operands(model, device("h200-sxm"), quantization="auto", tensor_parallel=8)


def test_a_prompts_step_starts_later_the_more_kernels_it_launches() -> None:
    model = unpack(BOOKS.models.find("llama-3.1-70b"))
    small, large = operands(LLAMA, device("h100")), operands(model, device("h100"))
    launched: dict[str, float] = {name: float(name == "prefill_step_s") for name in COEFFICIENTS}

    def later(operand: Operands) -> float:
        load = Load(prefill_tokens=16.0)
        return float(step_s(operand, launched, load, prefill=True)) - float(
            step_s(operand, launched, load, prefill=False)
        )

    # 32 layers of 9 kernels and 80 of them, in seconds for each thousand
    assert (later(small), later(large)) == pytest.approx((0.288, 0.720))
