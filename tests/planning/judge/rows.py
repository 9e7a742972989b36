"""Measured rows to judge, and the tools that judge them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.judge.judging import Tools
from planner.planning.judge.validate import validate
from planner.specs.answers.validation import TableRow
from planner.specs.base import Quantity

ROW = TableRow(
    line=2,
    engine="vllm",
    engine_version="0.18.0",
    model="meta-llama/Llama-3.1-70B",
    precision="fp8",
    gpu="H100 80GB SXM",
    gpus=4,
    tensor_parallel=4,
    pipeline_parallel=1,
    input_tokens=1024.0,
    output_tokens=1024.0,
    load_type="concurrency",
    load_value=32.0,
    metric="tpot",
    value=0.0157,
)

SINGLE = {
    "engine": "llamacpp",
    "load_type": "single_stream",
    "metric": "decode_throughput",
    "precision": "Q4_K_M",
    "value": 20.0,
}


@cache
def tools() -> Tools:
    return Tools(books=load_books(), profiles=load_serving_profiles(), memory_profile=load_vllm_memory())


def predicted(**changes: object) -> Quantity:
    """What is predicted for the row with changes."""
    result = validate([replace(ROW, **changes)], tools())  # type: ignore[arg-type]
    assert result.judged, result.skipped
    return result.judged[0].predicted


def refusal(**changes: object) -> str:
    """Why nothing is predicted for the row with changes."""
    result = validate([replace(ROW, **changes)], tools())  # type: ignore[arg-type]
    assert not result.judged
    return result.skipped[0].reason


def single(gpu: str, **changes: object) -> Quantity:
    """What is predicted for one user of llama.cpp on a card."""
    return predicted(gpus=1, gpu=gpu, **{**SINGLE, **changes})
