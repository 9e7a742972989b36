"""Names of foreign tables: devices, models, GGUF types, engines, loads and metrics."""

from __future__ import annotations

import pytest

from planner.inputs.books import load_books
from planner.planning.judge.device_names import device_names
from planner.planning.judge.model_names import model_names, quantization_of
from planner.planning.judge.table_words import engine_of, load_of, metric_of, precision_of, statistic_of

BOOKS = load_books()
DEVICES = device_names(BOOKS.hardware)
MODELS = model_names(BOOKS.models)


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("h100_sxm", "h100-sxm"),
        ("NVIDIA H100-SXM-80GB", "h100-sxm"),
        ("NVIDIA H100 80GB HBM3", "h100-sxm"),
        ("A100-SXM-40GB", "a100-40-sxm"),
        ("A100 80GB", "a100-80-sxm"),
        ("NVIDIA H200-SXM-141GB-CTS", "h200-sxm"),
        ("AMD Radeon RX 7900 XT", "rx-7900-xt"),
        ("Intel 265K Custom PC (Nvidia RTX 4070 Ti)", "rtx-4070-ti"),
        ("Pi CM5 - 16GB (Nvidia RTX 40901)", "rtx-4090"),
        ("Ryzen 9 7950X (Nvidia 4070 Ti Super)", "rtx-4070-ti-super"),
        ("M1 Ultra (48 GPU Core) 64GB", "apple-m1-ultra"),
        ("Dell Pro Max with GB10 (Nvidia Spark)", "dgx-spark"),
        ("NVIDIA GeForce RTX 3080 12GB", "rtx-3080-12"),
        # No such device in the book, however alike the name is.
        ("RTX 3050", None),
        ("RTX 4090 Laptop GPU", None),
        ("RTX 3060 8GB", None),
        ("Apple M9 Max", None),
        ("Pi 5 - 8GB (AMD RX 6500 XT1)", None),
        ("NVIDIA GeForce RTX 3090|NVIDIA RTX A4000", None),
        ("A10G or L4 24GB", None),
        ("not stated", None),
    ],
)
def test_a_device_is_found_or_not_known(name: str, device: str | None) -> None:
    assert DEVICES.find(name) == device


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("meta-llama/Llama-3.1-70B", "llama-3.1-70b"),
        ("llama2-70b-99.9", "llama-2-70b"),
        ("llama3_1-70b-fp8_dyn", "llama-3.1-70b"),
        ("Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", "llama-3.1-8b"),
        ("microsoft_Phi-4-mini-instruct-Q4_K_M.gguf", "phi-4-mini"),
        ("Llama-3 llama 8B Q4_K - Medium", "llama-3-8b"),
        ("7B-v2 ggml-model-q4_0.gguf", "llama-2-7b"),
        ("./models/13B/ggml-model-f16.gguf", "llama-13b"),
        ("8B-v3 ggml-model-Q4_K_M.gguf", "llama-3-8b"),
        ("DeepSeek R1 671b", "deepseek-r1"),
        ("ArliAI_Qwen3.5-27B-RpRMax-v1-Q4_K_M.gguf", "qwen3.5-27b"),
        ("Hermes-3-Llama-3.1-8B-Q4_K_M.gguf", "llama-3.1-8b"),
        # A part of the name is another model, or the size is.
        ("glm-4.7-flash:latest", None),
        ("nemotron-3-nano:4b", None),
        ("Qwen3.5-9B-Q4_K_M.gguf", None),
        ("nothing at all", None),
    ],
)
def test_a_model_is_found_or_not_known(name: str, model: str | None) -> None:
    assert MODELS.find(name) == model


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Llama-3.2-3B-Instruct-Q4_K_M.gguf", "q4_k_m"),
        ("LFM2.5-8B-A1B-UD-Q4_K_XL.gguf", "q4_k_m"),
        ("Qwen3-30B-A3B-Q6_K_L.gguf", "q6_k"),
        ("gpt-oss:20b", "mxfp4"),
        ("phi-4-8bit", "q8_0"),
        ("mostly F16", "f16"),
        ("nothing at all", None),
    ],
)
def test_a_gguf_type_is_read_from_a_name(name: str, kind: str | None) -> None:
    assert quantization_of(name) == kind


def test_words_that_nobody_uses_mean_nothing() -> None:
    assert engine_of("abacus") is None
    assert load_of("somehow") is None
    assert metric_of("joules") is None
    assert metric_of("throughput", "req/s") == "request_throughput"
    assert precision_of("q9") is None
    assert statistic_of("worst") == "mean"
