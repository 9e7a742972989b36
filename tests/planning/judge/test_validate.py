"""Judging a table: names, reasons, metrics, groups."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.planning.judge.serving import draws_lengths, gpus_once
from planner.planning.judge.validate import validate
from planner.specs.base import Quantity
from tests.planning.judge.rows import ROW, SINGLE, predicted, refusal, tools


def single(gpu: str, **changes: object) -> Quantity:
    return predicted(gpus=1, gpu=gpu, **{**SINGLE, **changes})


def test_a_card_beside_a_slow_host_answers_later() -> None:
    small: dict[str, object] = {"model": "Llama-3.2-3B", "value": 200.0}
    desktop, board = (
        single("Intel 13900K (Nvidia 4090)", **small),
        single("Pi CM5 (Nvidia RTX 4090)", **small),
    )
    assert 1 / board.value == pytest.approx(1 / desktop.value + 0.9e-3)
    assert board.low < board.value < board.high
    amd, beside = single("Ryzen 9 (AMD RX 7900 XT)", **small), single("Pi 5 - 8GB (AMD RX 7900 XT)", **small)
    assert beside.value == pytest.approx(amd.value / 2.4)
    assert single("Pi 5 (Intel Arc B580)", **small) == single("Intel Arc B580", **small)


def test_a_file_of_gpt_oss_keeps_its_experts_in_mxfp4() -> None:
    default = single("RTX 4090", model="gpt-oss-20b", precision="Q4 (default quant)", value=200.0)
    assert default == single("RTX 4090", model="gpt-oss-20b", precision="MXFP4", value=200.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"engine": "exllama"}, "engine exllama has no model"),
        ({"metric": "joules"}, "metric joules"),
        ({"load_type": "somehow"}, "load type somehow"),
        ({"unreadable": "the value 'fast' is no number"}, "fast"),
        ({"engine": "llamacpp"}, "load type concurrency is not predicted for llama.cpp"),
        (
            {**SINGLE, "metric": "request_throughput"},
            "request_throughput is not predicted for a single stream",
        ),
        ({**SINGLE, "model": "nobody-Q4_0.gguf"}, "model nobody-Q4_0.gguf is not in the book"),
        ({**SINGLE, "precision": ""}, "no GGUF type"),
        ({**SINGLE, "precision": "iq9_zz"}, "iq9_zz"),
        ({**SINGLE, "metric": "prefill_throughput", "gpu": "M5"}, "no matrix rate"),
        ({**SINGLE, "metric": "ttft", "input_tokens": None}, "no prompt length"),
        # 42.5 GB of weights 500 times a second are 21 TB/s; 2 * 70e9 FLOP 100,000 times a second are 14 PFLOP/s.
        ({**SINGLE, "value": 500.0}, "a draft model, or a failed run"),
        ({**SINGLE, "metric": "prefill_throughput", "value": 1e6}, "a draft model, or a failed run"),
        ({"notes": "mode=disagg"}, "separate GPUs"),
        ({"gpus": 6, "tensor_parallel": 4}, "do not divide the GPUs"),
        ({"input_tokens": None}, "no input"),
        (
            {"tensor_parallel": None, "pipeline_parallel": 3, "load_type": "offline_max_load"},
            "do not divide the GPUs",
        ),
        ({"load_value": None}, "no load"),
        ({"precision": "q9"}, "precision q9"),
        ({"value": 0.0}, "not above 0"),
        ({"value": float("nan")}, "not above 0"),
        ({"model": "nobody/nothing-1b"}, "model nobody/nothing-1b is not in the book"),
        ({"model": ""}, "model not stated is not in the book"),
        ({"gpu": "abacus"}, "hardware abacus is not in the book"),
        ({"gpu": "L4"}, "does not fit"),
        (
            {"gpu": "L4", "load_type": "request_rate_poisson", "load_value": 1.0, "metric": "ttft"},
            "no KV cache",
        ),
        ({"tensor_parallel": 3, "gpus": 3}, "does not divide"),
        ({"statistic": "p99"}, "p99 of a concurrency run"),
        ({"metric": "weights", "engine": "sglang"}, "memory of sglang"),
        ({"metric": "compute_buffer"}, "compute_buffer of vLLM"),
        ({"metric": "weights", "precision": "q9"}, "precision q9"),
        ({"metric": "kv", "gpu": "L4"}, "does not fit"),
        ({"metric": "weights", "engine": "llamacpp"}, "no GGUF type"),
        ({"metric": "kv", "engine": "llamacpp"}, "no context length"),
        ({"metric": "activation", "engine": "llamacpp"}, "activation of llama.cpp"),
        ({"metric": "weights", "tensor_parallel": 3, "gpus": 3}, "does not divide"),
    ],
)
def test_a_row_that_cannot_be_predicted_says_why(change: dict[str, object], reason: str) -> None:
    assert reason in refusal(**change)


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
        ({"metric": "output_throughput", "gpus": 8}, 2e3, 1e4),  # two replicas with 16 requests each
        ({"metric": "samples_per_second", "load_type": "offline_max_load"}, 1, 20),
        (
            {"metric": "request_throughput", "load_type": "request_rate_poisson", "load_value": 1.0},
            0.99,
            1.01,
        ),
        (
            {"metric": "e2e", "load_type": "request_rate_poisson", "load_value": 0.5, "statistic": "p99"},
            5,
            30,
        ),
        ({"metric": "tpot", "load_type": "batch"}, 0.005, 0.02),
        ({"metric": "e2e", "load_type": "batch"}, 5, 30),
        ({"metric": "ttft", "statistic": "median"}, 0.05, 0.5),
        ({"metric": "prefill_throughput", "load_type": "single_stream"}, 2e3, 1e5),
        ({"metric": "decode_throughput", "load_type": "single_stream"}, 40, 300),
        ({"model": "RedHatAI/Llama-3.1-70B-FP8", "precision": "", "metric": "weights"}, 17e9, 19e9),
        ({"metric": "kv"}, 30e9, 60e9),
        ({"metric": "kv_tokens"}, 4e5, 8e5),
        ({"metric": "activation"}, 5e8, 6e9),
        (
            {
                "model": "llama2-70b-99",
                "engine": "mlperf-v5.1/X",
                "engine_version": "TensorRT 10.8",
                "precision": "",
                "gpus": 8,
                "tensor_parallel": None,
                "input_tokens": None,
                "output_tokens": None,
                "load_type": "mlperf_offline_closed",
                "load_value": 100.0,
                "metric": "system_output_throughput",
            },
            1e4,
            5e4,
        ),
        ({"precision": ""}, 0.010, 0.06),
        (SINGLE, 10, 79),  # 42 GB of weights over 3.35 TB/s: 79 tokens/s at most
        ({**SINGLE, "metric": "prefill_throughput"}, 700, 7000),
        ({**SINGLE, "metric": "tpot"}, 1 / 79, 0.1),
        ({**SINGLE, "metric": "ttft"}, 0.1, 2.0),
        ({**SINGLE, "metric": "e2e"}, 10, 120),
        ({"metric": "weights", "engine": "llamacpp", "precision": "Q4_K_M"}, 42e9, 43e9),
        ({"metric": "compute_buffer", "engine": "llamacpp", "gpu": ""}, 2e8, 4e8),
        ({"model": "openai/gpt-oss-120b", "precision": "fp4"}, 0.002, 0.02),
    ],
)
def test_each_metric_is_predicted_in_its_range(change: dict[str, object], low: float, high: float) -> None:
    assert low < predicted(**change).value < high


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
