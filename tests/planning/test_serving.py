"""The roofline of datasheet grade: published anchors within its own interval, and laws that any such model keeps."""

import pytest

from planner.errors import UsageError
from planner.inputs.books import load_books
from planner.planning.serving import capacity, serving_point
from planner.specs.serving import Capacity, ServingPoint

BOOKS = load_books()


def point(
    model: str, gpu: str, gpus: int, quantization: str, concurrency: float, tokens: float = 1024
) -> ServingPoint:
    return serving_point(
        BOOKS.models.find(model),
        BOOKS.hardware.find(gpu),
        engine="vllm",
        tensor_parallel=gpus,
        quantization=quantization,
        input_tokens=tokens,
        output_tokens=tokens,
        concurrency=concurrency,
    )


def limit(model: str, gpu: str, *, tpot_limit_s: float | None = None, engine: str = "vllm") -> Capacity:
    return capacity(
        BOOKS.models.find(model),
        BOOKS.hardware.find(gpu),
        engine=engine,
        tensor_parallel=1,
        quantization="q4_k_m" if engine == "llama.cpp" else "bf16",
        input_tokens=1000,
        output_tokens=200,
        tpot_limit_s=tpot_limit_s,
        max_concurrency=64,
    )


@pytest.mark.parametrize(
    ("model", "gpu", "gpus", "quantization", "concurrency", "tpot_s"),
    [
        # aiconfigurator's silicon table (Apache-2.0), vLLM, 1024/1024 tokens
        ("llama-3.1-70b", "h100-sxm", 4, "fp8", 32, 16.5e-3),
        ("llama-3.1-70b", "h100-sxm", 4, "fp8", 64, 19.5e-3),
    ],
)
def test_a_published_point_lies_in_the_interval(
    model: str, gpu: str, gpus: int, quantization: str, concurrency: float, tpot_s: float
) -> None:
    found = point(model, gpu, gpus, quantization, concurrency).tpot_s
    assert found.low <= tpot_s <= found.high
    assert found.grade == "datasheet"


def test_more_concurrency_means_more_throughput_and_slower_tokens() -> None:
    few, many = (point("llama-3.1-8b", "h100-sxm", 1, "bf16", c) for c in (4, 64))
    assert many.output_tokens_per_s.value > few.output_tokens_per_s.value
    assert many.tpot_s.value > few.tpot_s.value


def test_more_bandwidth_is_never_slower() -> None:
    h100, h200 = (point("llama-3.1-70b", gpu, 4, "bf16", 16) for gpu in ("h100-sxm", "h200-sxm"))
    assert h200.tpot_s.value < h100.tpot_s.value


def test_a_decode_step_of_one_sequence_is_bound_by_bandwidth() -> None:
    alone = point("llama-3.1-70b", "h100-sxm", 4, "bf16", 1)
    assert alone.bound_by == "bandwidth"
    weights_s = 2 * 70.6e9 / 4 / 3.35e12  # bytes of a rank over its bandwidth: 10.5 ms, and nothing is faster
    assert alone.tpot_s.value > weights_s


def test_a_mixture_of_experts_reads_only_the_experts_it_touches() -> None:
    sparse = point("mixtral-8x7b", "h100-sxm", 2, "bf16", 1)
    all_weights_s = 2 * 46.7e9 / 2 / 3.35e12
    assert sparse.tpot_s.value < all_weights_s


def test_a_tighter_limit_leaves_less_capacity_and_is_named() -> None:
    loose, tight = (limit("llama-3.1-8b", "h100-sxm", tpot_limit_s=s) for s in (0.1, 0.02))
    assert tight.concurrency < loose.concurrency
    assert tight.limited_by == "tpot limit"


def test_a_limit_that_one_request_breaks_leaves_no_capacity_and_says_by_how_much() -> None:
    none = limit("llama-3.1-8b", "h100-sxm", tpot_limit_s=0.001)
    assert none.concurrency == 0
    assert "1 ms" in none.reason


def test_a_device_decodes_at_the_speed_of_its_memory() -> None:
    served = limit("llama-3.2-3b", "apple-m4-max-40c", engine="llama.cpp")
    file_bytes, bandwidth = 3.2e9 * 4.84 / 8, 546e9
    assert served.point.tpot_s.value > file_bytes / bandwidth


@pytest.mark.parametrize(("name", "value"), [("engine", "no-such-engine"), ("quantization", "q9")])
def test_an_unknown_name_is_refused_with_the_choices(name: str, value: str) -> None:
    asked = {"engine": "vllm", "quantization": "bf16"} | {name: value}
    with pytest.raises(UsageError):
        serving_point(
            BOOKS.models.find("llama-3.1-8b"),
            BOOKS.hardware.find("h100-sxm"),
            tensor_parallel=1,
            input_tokens=10,
            output_tokens=10,
            concurrency=1,
            **asked,
        )
