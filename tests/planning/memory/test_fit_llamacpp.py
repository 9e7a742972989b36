"""llama.cpp's buffers against its start-up lines, and answers that can be acted on."""

from typing import Any

import pytest

from planner.errors import UsageError
from planner.inputs.books import load_books
from planner.planning.memory.architecture import unpack
from planner.planning.memory.fit_llamacpp import fit_llamacpp, llamacpp_memory
from planner.planning.memory.shortage import check_request
from planner.specs.answers.fit import Fit, FitRequest
from planner.units import GIB, MIB

BOOKS = load_books()


def answer(model: str, device: str, **asked: Any) -> Fit:
    """Fit a model of the book on a device of the book."""
    request = FitRequest(engine="llamacpp", **asked)
    return fit_llamacpp(unpack(BOOKS.models.find(model)), BOOKS.hardware.find(device), request)


@pytest.mark.parametrize(
    ("model", "kv_dtype", "cells", "logged_mib"),
    [
        # ikawrakow/ik_llama.cpp issue threads, MIT
        ("qwen3-235b-a22b", "f16", 32_768, 6016.0),
        ("qwen3-235b-a22b", "q8_0", 32_768, 3196.0),
        ("qwen3-235b-a22b", "q8_0", 16_384, 1598.0),
        ("qwen3-30b-a3b", "f16", 32_768, 3072.0),
        ("qwen3-32b", "q8_0", 16_896, 2244.0),
        ("llama-2-13b", "f16", 512, 400.0),
        ("gemma-3-27b", "f16", 32_768, 15_872.0),  # every layer keeps everything, as under --swa-full
        ("deepseek-r1", "f16", 16_384, 1098.0),
        ("deepseek-r1", "q8_0", 65_536, 2333.25),
        ("kimi-k2", "q8_0", 2048, 72.91),
    ],
)
def test_the_cache_is_the_logged_one(model: str, kv_dtype: str, cells: int, logged_mib: float) -> None:
    request = FitRequest(engine="llamacpp", kv_dtype=kv_dtype)
    memory = llamacpp_memory(unpack(BOOKS.models.find(model)), BOOKS.hardware.find("b200"), request)
    found = memory.cache_bytes(context_tokens=cells, slots=1, full_windows=True)
    assert found / MIB == pytest.approx(logged_mib, abs=0.01)


def test_sliding_windows_save_cells_and_say_so() -> None:
    result = answer("gemma-3-27b", "rtx-5090", context_tokens=32_768)
    assert [notice.code for notice in result.notices] == ["swa"]
    cache = next(part.bytes for part in result.parts if part.name == "KV cache")
    # 10 full layers of 32,768 cells, 52 sliding ones of 1,024 + 512
    assert cache == (10 * 32_768 + 52 * 1536) * 2 * 16 * 128 * 2


def test_a_small_device_is_asked_in_the_size_that_was_bought() -> None:
    assert answer("llama-3.2-3b", "raspberry-pi-5").fits
    small = answer("llama-3.2-3b", "raspberry-pi-5", memory_gib=4.0)
    assert not small.fits
    assert small.budget_bytes == 3 * GIB
    assert "MiB short" in small.reason
    assert small.changes[0].flags.startswith("--context")


def test_unified_memory_holds_the_embedding_too_and_a_card_does_not() -> None:
    asked = {"context_tokens": 4096, "quantization": "q4_0"}
    card, unified = answer("llama-2-7b", "rtx-4090", **asked), answer("llama-2-7b", "apple-m4-max", **asked)
    assert unified.weights_bytes_per_gpu - card.weights_bytes_per_gpu == 32_000 * 4096 * 4.5 / 8


def test_a_model_that_is_too_large_is_offered_with_layers_on_the_host() -> None:
    result = answer("llama-3.1-70b", "rtx-4090", context_tokens=4096)
    assert not result.fits
    assert "weights of" in result.reason
    assert result.changes[-1].flags == "--gpu-layers 46"


def test_every_other_change_that_is_offered_does_make_it_fit() -> None:
    result = answer("llama-3.1-8b", "rtx-3070", concurrency=8, quantization="q8_0")
    offered = {change.flags.split()[0]: change.flags.split()[1] for change in result.changes}
    assert not result.fits
    assert (
        "--quantization" not in offered
        or answer("llama-3.1-8b", "rtx-3070", concurrency=8, quantization=offered["--quantization"]).fits
    )
    assert not answer("llama-3.1-8b", "rtx-3070", quantization="q8_0", context_tokens=8192).fits
    assert answer("llama-3.1-8b", "rtx-3070", concurrency=2).fits


def test_more_sequences_than_fit_are_offered_as_fewer() -> None:
    result = answer("llama-3.1-8b", "rtx-3070", concurrency=3)
    assert result.changes[0].flags == "--concurrency 2"
    assert "exceeds what the weights leave" in result.reason


def test_several_devices_are_refused() -> None:
    with pytest.raises(UsageError, match="one device"):
        answer("llama-3.1-8b", "rtx-3070", tensor_parallel=2)


def test_a_small_cache_is_not_offered_smaller_and_auto_is_what_the_publisher_stores() -> None:
    result = answer("llama-3.1-8b", "rtx-3070", concurrency=16, kv_dtype="q4_0")
    assert not any("--kv-dtype" in change.flags for change in result.changes)
    assert answer("gpt-oss-20b", "rtx-4090").quantization == "mxfp4"


def test_layers_on_the_host_leave_the_device_their_share_of_weights_and_cache() -> None:
    refused = answer("llama-3.1-70b", "rtx-4090", quantization="q4_k_m")
    flags = next(change.flags for change in refused.changes if change.flags.startswith("--gpu-layers"))
    layers = int(flags.split()[1])
    held = answer("llama-3.1-70b", "rtx-4090", quantization="q4_k_m", gpu_layers=layers)
    assert held.fits
    assert not answer("llama-3.1-70b", "rtx-4090", quantization="q4_k_m", gpu_layers=layers + 1).fits
    cache = next(part.bytes for part in held.parts if part.name == "KV cache")
    assert cache == pytest.approx(8192 * 327_680 * layers / 80)  # 320 KiB a token over 80 layers
    (notice,) = held.notices
    assert notice.message.startswith(f"{80 - layers} of 80 layers and the output stay in host memory: ")


def test_more_layers_than_the_model_has_are_all_and_the_output() -> None:
    every, asked = answer("llama-3.2-3b", "rtx-4090"), answer("llama-3.2-3b", "rtx-4090", gpu_layers=99)
    assert asked == every


def test_unified_memory_holds_all_layers_wherever_they_are_computed() -> None:
    some, every = (answer("llama-3.2-3b", "raspberry-pi-5", gpu_layers=layers) for layers in (4, None))
    assert some.weights_bytes_per_gpu == every.weights_bytes_per_gpu


def test_whole_windows_take_the_context_in_every_layer() -> None:
    result = answer("gemma-3-27b", "rtx-5090", context_tokens=32_768, swa_full=True)
    cache = next(part.bytes for part in result.parts if part.name == "KV cache")
    assert cache / MIB == 15_872.0  # as ik_llama.cpp logs it, above
    assert result.notices == ()


def test_flags_of_llama_cpp_are_refused_under_vllm() -> None:
    for asked in ({"gpu_layers": 3}, {"swa_full": True}):
        with pytest.raises(UsageError, match=r"are llama\.cpp's"):
            check_request(BOOKS.models.find("llama-3.2-3b"), FitRequest(**asked))
