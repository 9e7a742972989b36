"""How many kernels a decoding step launches."""

import pytest

from planner.inputs.books import load_books
from planner.planning.memory.architecture import unpack
from planner.planning.memory.schemes import weight_scheme
from planner.planning.prediction.kernels import kernel_count

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
