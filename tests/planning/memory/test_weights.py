"""Weights per rank agree with what vLLM logs when it has loaded them."""

import pytest

from planner.errors import UsageError
from planner.inputs.books import load_books
from planner.planning.memory.architecture import unpack
from planner.planning.memory.schemes import supports, weight_scheme
from planner.planning.memory.weights import EngineWeights, engine_weights, stage_layers
from planner.units import GIB

BOOKS = load_books()


def weights(name: str, quantization: str = "auto", tensor: int = 1, pipeline: int = 1) -> EngineWeights:
    """Weights of a model of the book."""
    model = unpack(BOOKS.models.find(name))
    return engine_weights(
        model, quantization=quantization, tensor_parallel=tensor, pipeline_parallel=pipeline
    )


@pytest.mark.parametrize(
    ("name", "quantization", "tensor", "pipeline", "logged_gib"),
    [
        ("llama-3.1-8b", "bf16", 1, 1, 14.99),
        ("llama-3.1-8b", "bf16", 2, 1, 7.51),
        ("llama-3.1-8b", "bf16", 4, 1, 3.77),
        ("llama-3.1-8b", "bf16", 1, 2, 7.51),
        ("llama-3.1-8b", "bf16", 1, 4, 4.26),
        ("llama-3.1-8b", "fp32", 1, 1, 29.98),
        ("llama-3.1-8b", "fp8", 1, 1, 8.49),
        ("qwen2.5-7b", "bf16", 1, 1, 14.25),  # 57 MiB of it are the allocator's
        ("qwen2.5-7b", "bf16", 2, 1, 7.12),
        ("qwen2.5-7b", "fp8", 1, 1, 8.14),
        ("llama-3.3-70b", "fp8", 4, 1, 16.96),
        ("gemma-2-9b", "bf16", 1, 1, 17.22),
        ("phi-2", "fp16", 1, 1, 5.19),
        ("mistral-small-3.1-24b", "bf16", 1, 1, 44.76),
    ],
)
def test_the_first_stage_weighs_what_vllm_logs(
    name: str, quantization: str, tensor: int, pipeline: int, logged_gib: float
) -> None:
    # vLLM 0.11 to 0.19 start-up lines of llm-d-planner's campaign, Apache-2.0; printed with two decimals
    found = weights(name, quantization, tensor, pipeline).stages[0].total_bytes / GIB
    assert found == pytest.approx(logged_gib, abs=0.006)


def test_layers_left_over_go_to_the_stages_before_the_last() -> None:
    assert stage_layers(32, 2) == (16, 16)
    assert stage_layers(7, 3) == (2, 3, 2)


def test_a_tied_model_holds_its_embedding_on_the_first_and_the_last_stage() -> None:
    first, middle, last = weights("llama-3.2-3b", pipeline=3).stages
    assert first.by_class["embeddings"] == last.by_class["embeddings"]
    assert "embeddings" not in middle.by_class


def test_experts_alone_are_four_bit_in_gpt_oss() -> None:
    model = weights("gpt-oss-120b")
    assert model.scheme.name == "mxfp4"
    experts = model.stages[0].by_class["experts"]
    parameters = unpack(BOOKS.models.find("gpt-oss-120b")).parameters.experts
    assert experts * 8 / parameters == pytest.approx(4.25, rel=0.01)


def test_a_split_that_leaves_part_of_a_head_is_refused_with_the_ones_that_work() -> None:
    with pytest.raises(UsageError, match="does not divide the 28 attention heads") as refusal:
        weights("qwen2.5-7b", tensor=8)
    assert refusal.value.cure == "use one of 1, 2, 4, 7"
    with pytest.raises(UsageError, match="exceeds the 28 layers"):
        weights("qwen2.5-7b", pipeline=29)
    with pytest.raises(UsageError, match="at least 1"):
        weights("qwen2.5-7b", tensor=0)


def test_schemes_are_found_by_other_spellings_and_refused_with_the_nearest() -> None:
    llama = BOOKS.models.find("llama-3.1-8b")
    assert weight_scheme("FP8-dynamic", model=llama).name == "fp8"
    assert weight_scheme("auto", model=BOOKS.models.find("deepseek-v3")).name == "fp8-block"
    with pytest.raises(UsageError, match="did you mean nvfp4"):
        weight_scheme("nvfp44", model=llama)


@pytest.mark.parametrize(
    ("gpu", "scheme", "answer"),
    [
        ("h100-sxm", "fp8", "native"),
        ("a100-80-sxm", "fp8", "weight-only"),
        ("a100-80-sxm", "bf16", "native"),
        ("t4", "bf16", "no"),
        ("t4", "fp16", "native"),
        ("t4", "awq", "native"),
        ("h100-sxm", "nvfp4", "weight-only"),
        ("b200-sxm", "nvfp4", "native"),
    ],
)
def test_a_device_without_a_type_says_how_it_gets_by(gpu: str, scheme: str, answer: str) -> None:
    llama = BOOKS.models.find("llama-3.1-8b")
    assert supports(BOOKS.hardware.find(gpu), weight_scheme(scheme, model=llama)) == answer


def test_a_latent_model_is_weighed_without_its_prediction_layers() -> None:
    # 671.03 B parameters: 8-bit blocks, embedding and head in 16 bits, and 2 % of scales, norms and router
    held = weights("deepseek-v3", tensor=8).stages[0]
    assert "mtp" not in held.by_class
    assert held.by_class["tables"] == 163_840 * 64 * 2
    assert held.total_bytes * 8 == pytest.approx(671.03e9 + 2 * 129_280 * 7168, rel=0.02)


def test_the_rest_of_a_32_bit_model_stays_in_32_bits() -> None:
    wide = BOOKS.models.find("llama-3.2-1b").model_copy(update={"dtype": "fp32"})
    assert weight_scheme("fp8", model=wide).rest_bits == 32
    assert weight_scheme("bf16", model=wide).rest_bits == 16


def test_the_405b_that_its_publisher_quantised_keeps_attention_in_16_bits() -> None:
    # vLLM 0.5.3, eight ranks: 57.75 GiB each in the log
    found = weights("meta-llama/Meta-Llama-3.1-405B-Instruct-FP8", tensor=8).largest_bytes / GIB
    assert found == pytest.approx(57.75, rel=0.03)


def test_a_hybrid_model_is_weighed_with_its_vision_tower() -> None:
    # Qwen3.6-35B-A3B, vLLM 0.2x: 65.52 GiB in the log
    assert weights("qwen3.6-35b-a3b", "bf16").largest_bytes / GIB == pytest.approx(65.52, rel=0.002)


def test_keys_that_serve_as_values_are_held_twice() -> None:
    gemma = unpack(BOOKS.models.find("gemma-4-31b"))
    counted = gemma.parameters.attention * 2
    held = weights("gemma-4-31b").stages[0].by_class["attention"]
    copies = (
        10 * 4 * 512 * 5376 * 2
    )  # ten layers, four heads of 512: vLLM fills the values' place with the keys
    assert held - counted == pytest.approx(copies, rel=0.05)  # and the allocator's rounding


def test_the_first_405b_in_fp8_had_sixteen_key_heads_and_two_plain_layers() -> None:
    # vLLM 0.5.3 logged 57.7520 on each of eight H100s (vllm-project/vllm issue 6746, July 2024); the publisher went from
    # 16 key/value heads, copies of the 8 in pairs, to 8 a month later
    later = BOOKS.models.find("llama-3.1-405b-fp8")
    (group,) = later.attention
    first = later.model_copy(update={"attention": (group.model_copy(update={"kv_heads": 16}),)})
    loaded = engine_weights(unpack(first), tensor_parallel=8).stages[0].total_bytes / GIB
    assert loaded == pytest.approx(57.7520, abs=0.0002)


def test_plain_layers_lie_in_the_first_and_the_last_stage() -> None:
    stages = weights("llama-3.1-405b-fp8", tensor=8, pipeline=3).stages
    first, middle, last = (stage.by_class["mlp"] for stage in stages)
    assert first == last
    assert first - middle == pytest.approx(
        3 * 16384 * 53248 / 8, rel=0.01
    )  # one more byte for each weight of a layer
