"""Judging a table: names, reasons, metrics, groups."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.planning.judge.validate import validate
from planner.specs.answers.validation import EngineSettings
from tests.planning.judge.rows import ROW, SINGLE, predicted, refusal, single, tools


def test_an_engine_that_batches_as_vllm_borrows_it_and_says_so() -> None:
    ours, borrowed = (
        validate([replace(ROW, engine=engine, engine_version="")], tools()).judged[0]
        for engine in ("vllm", "TGI")
    )
    assert borrowed.engine == "tgi as vllm"
    assert borrowed.predicted.value == ours.predicted.value
    assert borrowed.predicted.grade == "assumed"
    wide = borrowed.predicted.high / borrowed.predicted.low
    assert wide == pytest.approx((ours.predicted.high / ours.predicted.low) ** 1.5)


def test_a_measured_run_that_the_defaults_leave_no_room_for_did_fit() -> None:
    # Llama-2-70B in 16 bits leaves 14 GiB of two A100 80GB: room for a few prompts, at 98 % of the memory.
    row = replace(
        ROW, model="llama2-70b", precision="fp16", gpu="A100 80GB", gpus=2, tensor_parallel=2, load_value=1.0
    )
    assert validate([row], tools()).judged[0].predicted.value == pytest.approx(0.045, rel=0.3)


def test_throughputs_count_what_their_names_say() -> None:
    def found(metric: str, unit: str = "") -> float:
        return validate([replace(ROW, metric=metric, unit=unit)], tools()).judged[0].predicted.value

    requests = found("request_throughput")
    assert found("total_token_throughput") == pytest.approx(requests * 0.9 * 2048)
    assert found("input_throughput") == pytest.approx(requests * 0.9 * 1024)
    assert found("throughput", "tok/s") == pytest.approx(requests * 0.9 * 1024)
    assert found("throughput", "req/s") == pytest.approx(requests)
    assert found("throughput", "tok/s/gpu") == pytest.approx(requests * 0.9 * 1024 / 4)
    assert found("throughput", "tok/s/user") == pytest.approx(1 / found("tpot"))


def test_a_file_of_gpt_oss_keeps_its_experts_in_mxfp4() -> None:
    default = single("RTX 4090", model="gpt-oss-20b", precision="Q4 (default quant)", value=200.0)
    assert default == single("RTX 4090", model="gpt-oss-20b", precision="MXFP4", value=200.0)


SPLIT = "prefill[bs=1,w=1,tp=4]; decode[bs=16,w=2,"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"engine": "mlc-llm"}, "engine mlc-llm has no model"),
        ({"engine": "TensorRT-LLM", "gpu": "MI300X"}, "TensorRT-LLM does not run on AMD Instinct MI300X"),
        ({"engine": "tgi", "metric": "weights"}, "memory of tgi is not predicted"),
        ({"statistic": "std"}, "statistic std is not predicted"),
        ({"metric": "ttft", "load_type": "offline_max_load"}, "grow with its requests"),
        # 4 H100s answer some 5 prompts of 1,024 tokens a second, with as many tokens each.
        (
            {"metric": "ttft", "load_type": "request_rate_poisson", "load_value": 99.0},
            "above the predicted saturation",
        ),
        ({"engine": "mlperf", "engine_version": "TensorRT", "model": "gptj-99"}, "with several beams"),
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
        ({"notes": "mode=disagg"}, "whose workers are not stated"),
        ({"notes": f"mode=disagg; {SPLIT}tp=4]", "metric": "ttft"}, "only the time per output token"),
        ({"notes": f"mode=disagg; {SPLIT}tp=16]"}, "on several machines"),
        ({"gpus": 6, "tensor_parallel": 4}, "do not divide the GPUs"),
        ({"input_tokens": None}, "no input"),
        (
            {"tensor_parallel": None, "pipeline_parallel": 3, "load_type": "offline_max_load"},
            "do not divide the GPUs",
        ),
        ({"load_value": None}, "no number stands beside the load type"),
        ({"precision": "q9"}, "precision q9"),
        ({"value": 0.0}, "not above 0"),
        ({"value": float("nan")}, "not above 0"),
        ({"model": "nobody/nothing-1b"}, "model nobody/nothing-1b is not in the book"),
        ({"model": ""}, "no model is stated"),
        ({"gpu": "abacus"}, "hardware abacus is not in the book"),
        ({"gpu": ""}, "no hardware is stated"),
        ({"gpu": "L4", "gpus": 2, "tensor_parallel": 2}, "does not fit"),
        (
            {"gpu": "L4", "load_type": "request_rate_poisson", "load_value": 1.0, "metric": "tpot"},
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


def test_a_decode_worker_serves_its_share_without_prompts() -> None:
    whole = predicted(load_value=32.0)
    worker = predicted(load_value=64.0, gpus=12, notes=f"mode=disagg; {SPLIT}tp=4]")
    assert 0.8 * whole.value < worker.value < whole.value


def test_a_worker_that_splits_no_tensor_splits_its_sequences() -> None:
    """DeepSeek-V3 in FP8, aiconfigurator (Apache-2.0): one worker of 8 H200s holds 8 x 16 sequences at 36.3 ms."""
    row = {"model": "deepseek-ai/DeepSeek-V3", "gpu": "h200_sxm", "engine": "trtllm", "load_value": 128.0}
    notes = "mode=disagg; prefill[bs=1,w=1,tp=1]; decode[bs=16,w=1,tp=1]"
    found = predicted(**row, input_tokens=8192.0, gpus=16, tensor_parallel=1, notes=notes)
    assert found.value == pytest.approx(0.0363, rel=0.15)


def test_a_server_run_of_mlperf_lasts_its_ten_minutes() -> None:
    """One H200 at the edge: the batch of a run of 600 requests is still filling when they are all there."""
    told: dict[str, object] = {"engine": "mlperf", "engine_version": "TensorRT", "model": "llama2-70b-99"}
    told |= {"gpu": "H200", "gpus": 1, "tensor_parallel": 1, "load_type": "mlperf_server", "load_value": 13.0}
    told |= {"input_tokens": None, "output_tokens": None}  # the data set's
    long = predicted(**told)
    short = predicted(**told, settings=EngineSettings(requests=600))
    assert long.value > 2 * short.value


def test_a_single_stream_needs_no_load_type() -> None:
    assert single("RTX 4090", load_type="") == single("RTX 4090")
