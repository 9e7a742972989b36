"""A step obeys physics on every kind of model and device, and what cannot run is refused."""

from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from planner.errors import DataError, UsageError
from planner.inputs.books import load_books
from planner.planning.engine_rates import engine_rates
from planner.planning.gguf_bits import gguf_bits
from planner.planning.serving import serving_point
from planner.planning.serving_step import replica, step_time
from planner.specs.serving import ServingPoint

BOOKS = load_books()


def point(
    name: str = "llama-3.1-70b",
    gpu: str = "h100-sxm",
    ranks: int = 4,
    weights: str = "fp8",
    concurrency: float = 32,
    faster: float = 1.0,
    engine: str = "vllm",
    prompt: float = 1024,
) -> ServingPoint:
    """A point of the book, on a device whose memory is ``faster``."""
    device = BOOKS.hardware.find(gpu)
    device = device.model_copy(update={"bandwidth_gb_per_s": device.bandwidth_gb_per_s * faster})
    return serving_point(
        BOOKS.models.find(name),
        device,
        engine=engine,
        tensor_parallel=ranks,
        quantization=weights,
        input_tokens=prompt,
        output_tokens=1024,
        concurrency=concurrency,
    )


@settings(max_examples=30, deadline=None)
@given(faster=st.floats(1, 4), more=st.floats(1, 8), prompt=st.floats(1, 20_000))
def test_more_bandwidth_is_never_slower_and_more_load_never_faster(
    faster: float, more: float, prompt: float
) -> None:
    base = point(prompt=prompt)
    quick, busy = point(prompt=prompt, faster=faster), point(prompt=prompt, concurrency=32 * more)
    slack = 1 + 1e-9
    assert step_total(faster) <= step_total(1.0) * slack
    assert quick.tpot_s.value <= base.tpot_s.value * 1.05  # a prompt may cost more beside a shorter step
    assert busy.tpot_s.value * slack >= base.tpot_s.value


def step_total(faster: float) -> float:
    """Decode step of a 70B model on memory that is ``faster``."""
    device = BOOKS.hardware.find("h100-sxm")
    device = device.model_copy(update={"bandwidth_gb_per_s": device.bandwidth_gb_per_s * faster})
    served = replica(
        BOOKS.models.find("llama-3.1-70b"), device, engine="vllm", tensor_parallel=4, quantization="fp8"
    )
    return step_time(served, sequences=32, context_tokens=1500).total_s


def test_what_is_in_progress_is_rate_times_time() -> None:
    found = point()
    assert found.requests_per_s.value * found.e2e_s.value == pytest.approx(32)
    assert found.output_tokens_per_s.value == pytest.approx(found.requests_per_s.value * 1024)


def test_a_mixture_reads_few_experts_alone_and_all_of_them_in_a_batch() -> None:
    served = replica(
        BOOKS.models.find("mixtral-8x7b"),
        BOOKS.hardware.find("h100-sxm"),
        engine="vllm",
        tensor_parallel=2,
        quantization="bf16",
    )
    alone = step_time(served, sequences=1, context_tokens=1).linear_s
    batch = step_time(served, sequences=64, context_tokens=1).linear_s
    assert 3.0 < batch / alone < 4.0  # 46.7 of 12.9 billion parameters: 3.6


def test_a_gpu_without_fp8_stores_it_and_multiplies_in_16_bits() -> None:
    model = BOOKS.models.find("llama-3.1-8b")
    a100 = replica(
        model, BOOKS.hardware.find("a100-80-sxm"), engine="vllm", tensor_parallel=1, quantization="fp8"
    )
    assert a100.peak_flops_per_s == 312e12


def test_a_small_model_on_a_laptop_reads_at_most_its_bandwidth() -> None:
    found = point("llama-3.2-3b", "apple-m4-max-40c", 1, "q4_k_m", 1, engine="llama.cpp")
    limit = 546e9 / (3.2e9 * 4.84 / 8)  # 282 tokens/s if nothing else took time
    assert 0.4 * limit < 1 / found.tpot_s.value < 0.9 * limit
    assert found.bound_by == "bandwidth"


def test_latent_and_linear_attention_are_served_too() -> None:
    assert point("deepseek-v3", "h200-sxm", 8).tpot_s.value > 0
    assert point("qwen3.6-35b-a3b", "h100-sxm", 2, "bf16").tpot_s.value > 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"concurrency": 0.5}, "concurrency must be at least 1"),
        ({"prompt": 0.0}, "input tokens must be at least 1"),
        ({"engine": "vlm"}, "no serving engine"),
        ({"gpu": "t4", "weights": "bf16"}, "cannot multiply"),
        ({"gpu": "apple-m4-max-40c", "weights": "bf16"}, "needs a link"),
        ({"engine": "llama.cpp", "weights": "q4_k_n"}, "did you mean q4_k_"),
    ],
)
def test_impossible_questions_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        point(**change)  # type: ignore[arg-type]


def test_a_device_without_a_rate_is_an_error_not_a_zero() -> None:
    with pytest.raises(DataError, match="no 16-bit rate"):
        point("llama-3.2-3b", "apple-m5", 1, "q4_k_m", 1, engine="llama.cpp")


def test_names_of_engines_and_types_are_forgiving() -> None:
    assert engine_rates("vLLM") is engine_rates("vllm")
    assert gguf_bits("FP16") == 16
    with pytest.raises(UsageError, match="no GGUF type"):
        gguf_bits("zzz")


def test_decoding_is_named_after_its_largest_part() -> None:
    assert point("llama-3.2-1b", "h100-sxm", 1, "fp8", 1).bound_by == "overhead"
    served = replica(
        BOOKS.models.find("llama-3.1-8b"),
        BOOKS.hardware.find("h100-sxm"),
        engine="vllm",
        tensor_parallel=1,
        quantization="bf16",
    )
    assert step_time(replace(served, groups=()), sequences=1000, context_tokens=1).compute_bound
