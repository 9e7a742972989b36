"""Judging a table: names, reasons, metrics, groups."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.validate import Tools, draws_lengths, gpus_once, validate
from planner.specs.validation import TableRow

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


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"engine": "tgi"}, "engine tgi has no step-time profile"),
        ({"metric": "joules"}, "metric joules"),
        ({"load_type": "single_stream"}, "load type single_stream"),
        ({"engine": "llamacpp"}, "load type concurrency is not predicted for llama.cpp"),
        ({**SINGLE, "metric": "tpot"}, "metric tpot is not predicted for a single stream"),
        ({**SINGLE, "model": "nobody-Q4_0.gguf"}, "model nobody-Q4_0.gguf is not in the book"),
        ({**SINGLE, "precision": ""}, "no GGUF type"),
        ({**SINGLE, "precision": "q2_k_l"}, "q2_k_l"),
        ({"notes": "mode=disagg"}, "separate GPUs"),
        ({"pipeline_parallel": 2}, "pipeline"),
        ({"notes": "adp=8"}, "attention data parallel"),
        ({"gpus": 8}, "several replicas"),
        ({"input_tokens": None}, "no input"),
        ({"load_value": None}, "no load"),
        ({"precision": "q9"}, "precision q9"),
        ({"value": 0.0}, "not above 0"),
        ({"model": "nobody/nothing-1b"}, "model nobody/nothing-1b is not in the book"),
        ({"gpu": "abacus"}, "hardware abacus is not in the book"),
        ({"gpu": "L4"}, "does not fit"),
        ({"load_type": "request_rate_poisson", "load_value": 1e6}, "above saturation"),
        ({"tensor_parallel": 3, "gpus": 3}, "does not divide"),
    ],
)
def test_a_row_that_cannot_be_predicted_says_why(change: dict[str, object], reason: str) -> None:
    result = validate([replace(ROW, **change)], tools())  # type: ignore[arg-type]
    assert result.predicted == 0
    assert reason in result.skipped[0].reason


@pytest.mark.parametrize(
    ("change", "low", "high"),
    [
        ({}, 0.010, 0.020),
        ({"metric": "itl"}, 0.010, 0.020),
        ({"metric": "ttft"}, 0.05, 0.5),
        ({"metric": "ttft", "load_type": "batch"}, 0.5, 3),
        ({"metric": "ttft", "load_type": "request_rate_poisson", "load_value": 1.0}, 0.02, 0.3),
        ({"metric": "ttft", "engine": "sglang", "notes": "src=Own.csv"}, 0.5, 3),
        ({"metric": "e2e"}, 8, 25),
        ({"metric": "system_output_throughput", "load_type": "offline_max_load"}, 2e3, 2e4),
        ({"metric": "output_throughput_per_gpu", "load_type": "batch"}, 200, 2e3),
        ({"precision": ""}, 0.010, 0.06),
        (SINGLE, 10, 79),  # 42 GB of weights over 3.35 TB/s: 79 tokens/s at most
        ({**SINGLE, "metric": "prefill_throughput"}, 700, 7000),
        ({"model": "openai/gpt-oss-120b", "precision": "fp4"}, 0.002, 0.02),
    ],
)
def test_each_metric_is_predicted_in_its_range(change: dict[str, object], low: float, high: float) -> None:
    result = validate([replace(ROW, **change)], tools())  # type: ignore[arg-type]
    assert result.predicted == 1
    assert low < result.judged[0].predicted.value < high


def test_groups_state_error_bias_and_coverage() -> None:
    found = validate([ROW], tools()).judged[0].predicted.value
    rows = [replace(ROW, value=found), replace(ROW, value=found / 2)]
    result = validate(rows, tools())
    everything = result.groups[0]
    assert (everything.by, everything.n) == ({}, 2)
    assert everything.median_ape == pytest.approx(0.5)  # errors 0 and 100 %
    assert everything.bias == pytest.approx(0.5)
    assert everything.within_20 == 0.5
    assert everything.coverage_80 == 0.5
    assert result.groups[1].by == {"engine": "vllm", "hardware": "h100-sxm", "load_type": "concurrency"}


def test_gpus_that_a_conversion_counted_twice_are_counted_once() -> None:
    twice = replace(ROW, gpus=64, tensor_parallel=64, notes="adp=1; moe_tp=8; moe_ep=8;")
    assert gpus_once(twice).gpus == 8
    assert gpus_once(twice).tensor_parallel == 8
    assert gpus_once(ROW) is ROW


@pytest.mark.parametrize(
    ("notes", "draws"),
    [("", True), ("src=source_file=2026-04-06.csv", True), ("src=2026-04-27", True), ("src=Own.csv", False)],
)
def test_the_protocol_follows_the_file_of_origin(notes: str, draws: bool) -> None:
    assert draws_lengths(replace(ROW, notes=notes)) is draws
