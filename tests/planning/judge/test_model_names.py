"""Models and GGUF types in the names of foreign tables and files."""

from __future__ import annotations

import pytest

from planner.inputs.books import load_books
from planner.planning.judge.model_names import model_names, quantization_of

MODELS = model_names(load_books().models)


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
        ("glm-4.7-flash:latest", "glm-4.7-flash"),
        ("Qwen3.5-9B-Q4_K_M.gguf", "qwen3.5-9b"),
        ("facebook/opt-13b", "opt-13b"),
        ("gemma-3n-E4B-it-Q4_K_M.gguf", "gemma-3n-e4b"),
        ("HuggingFaceH4/zephyr-7b-beta", "mistral-7b-v0.1"),
        # A part of the name is another model, or the size is.
        ("gemma-3n-E2B-it-Q4_K_M.gguf", None),
        ("nemotron-3-nano:4b", None),
        ("Qwen3.5-7B-Q4_K_M.gguf", None),
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
