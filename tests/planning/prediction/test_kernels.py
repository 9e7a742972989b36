"""How many kernels a decoding step launches."""

import pytest

from planner.inputs.books import load_books
from planner.planning.memory.architecture import unpack
from planner.planning.memory.schemes import weight_scheme
from planner.planning.prediction.kernels import LATENT_PROMPT_KERNELS, kernel_count, prompt_kernel_count

BOOKS = load_books()


@pytest.mark.parametrize(
    ("model", "scheme", "gpu", "kernels"),
    [
        ("llama-3.1-8b", "bf16", "h100-sxm", 32 * (5 + 4)),
        ("llama-3.1-8b", "fp8", "h100-sxm", 32 * (5 + 2 + 4 + 2)),
        ("qwen3-32b", "bf16", "h100-sxm", 64 * (5 + 2 + 4)),
        ("gpt-oss-120b", "mxfp4", "h100-sxm", 36 * (5 + 9)),
        ("gpt-oss-120b", "mxfp4", "b200-sxm", 36 * (5 + 6)),
    ],
)
def test_layers_launch_what_their_parts_need(model: str, scheme: str, gpu: str, kernels: int) -> None:
    architecture = unpack(BOOKS.models.find(model))
    stored = weight_scheme(scheme, model=architecture.model)
    assert kernel_count(architecture, stored, BOOKS.hardware.find(gpu)) == kernels


def test_a_prompt_of_latent_attention_launches_more() -> None:
    for model, more in (("llama-3.1-8b", 0), ("deepseek-v3", 61 * LATENT_PROMPT_KERNELS)):
        architecture, gpu = unpack(BOOKS.models.find(model)), BOOKS.hardware.find("h200-sxm")
        stored = weight_scheme("auto", model=architecture.model)
        extra = prompt_kernel_count(architecture, stored, gpu) - kernel_count(architecture, stored, gpu)
        assert extra == more


def test_tensorrt_llm_joins_a_kernel_of_each_block_to_another() -> None:
    architecture = unpack(BOOKS.models.find("llama-3.1-8b"))
    stored = weight_scheme("bf16", model=architecture.model)
    gpu = BOOKS.hardware.find("h100-sxm")
    assert kernel_count(architecture, stored, gpu, "tensorrt-llm") == 32 * (5 + 4 - 2)
    assert kernel_count(architecture, stored, gpu, "vllm") == 32 * (5 + 4)
