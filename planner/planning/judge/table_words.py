"""Engines, precisions, loads, metrics and statistics as measured tables write them, to ours."""

from __future__ import annotations

import re
from typing import Literal

from planner.planning.memory.schemes import SCHEMES, SPELLINGS

Load = Literal["concurrency", "batch", "single_stream", "poisson", "offline", "trace", "memory"]
Metric = Literal[
    "ttft",
    "tpot",
    "e2e",
    "output_throughput",
    "output_throughput_per_gpu",
    "request_throughput",
    "prefill_throughput",
    "decode_throughput",
    "weights",
    "kv",
    "kv_tokens",
    "activation",
    "compute_buffer",
]
Statistic = Literal["mean", "p50", "p90", "p95", "p99"]

# The first pattern found decides. MLPerf's tables state a submitter as the engine and the software as its version.
ENGINES: tuple[tuple[str, str], ...] = (
    (r"sglang", "sglang"),
    (r"splitwise|eager", "vllm-eager"),  # measured in 2023, before CUDA graphs
    (r"vllm", "vllm"),
    (r"llama\.?_?-?cpp|llamafile|ollama|lm ?studio|kobold|gpt4all|jan\b", "llamacpp"),
    (r"mlx", "mlx"),
    (r"tensorrt|trt-?llm|\btrt\b|nim\b", "tensorrt-llm"),
    (r"lmdeploy|turbomind", "lmdeploy"),
    (r"\btgi\b|text.generation.inference", "tgi"),
)
LOADS: tuple[tuple[str, Load], ...] = (
    (r"offline|max_load|max_throughput|saturat", "offline"),
    (r"single|batch_?1$|llama-?bench", "single_stream"),
    (r"poisson|request_rate|qps|open_loop|server|interactive|^rate", "poisson"),
    (r"concurren|closed_loop|clients|users", "concurrency"),
    (r"batch|static", "batch"),
    (r"trace", "trace"),
    (r"memory|startup|start-up", "memory"),
)
METRICS: dict[str, Metric] = {
    "ttft": "ttft",
    "time_to_first_token": "ttft",
    "prompt_latency": "ttft",
    "tpot": "tpot",
    "itl": "tpot",
    "inter_token_latency": "tpot",
    "time_per_output_token": "tpot",
    "token_latency": "tpot",
    "e2e": "e2e",
    "e2el": "e2e",
    "e2e_latency": "e2e",
    "latency": "e2e",
    "request_latency": "e2e",
    "output_throughput": "output_throughput",
    "system_output_throughput": "output_throughput",
    "output_token_throughput": "output_throughput",
    "output_tokens_per_second": "output_throughput",
    "tokens_per_second": "output_throughput",
    "throughput": "output_throughput",
    "output_throughput_per_gpu": "output_throughput_per_gpu",
    "tokens_per_second_per_gpu": "output_throughput_per_gpu",
    "samples_per_second": "request_throughput",
    "requests_per_second": "request_throughput",
    "request_throughput": "request_throughput",
    "prefill_throughput": "prefill_throughput",
    "prompt_throughput": "prefill_throughput",
    "pp": "prefill_throughput",
    "decode_throughput": "decode_throughput",
    "generation_throughput": "decode_throughput",
    "eval_throughput": "decode_throughput",
    "tg": "decode_throughput",
    "weights": "weights",
    "weight": "weights",
    "model_buffer": "weights",
    "kv": "kv",
    "kv_cache": "kv",
    "kv_buffer": "kv",
    "kv_bytes_per_token": "kv",
    "kv_tokens": "kv_tokens",
    "kv_pool_tokens": "kv_tokens",
    "activation": "activation",
    "peak_activation": "activation",
    "compute_buffer": "compute_buffer",
}
STATISTICS: dict[str, Statistic] = {
    "median": "p50",
    "p50": "p50",
    "p90": "p90",
    "p95": "p95",
    "p99": "p99",
}
PRECISIONS: tuple[tuple[str, str], ...] = (
    (r"fp8.?block|block.?fp8", "fp8-block"),
    (r"nv?fp4|^fp4|w4a4", "nvfp4"),
    (r"mxfp4", "mxfp4"),
    (r"fp8|e4m3|float8|w8a8.?fp", "fp8"),
    (r"awq", "awq"),
    (r"gptq|marlin", "gptq"),
    (r"w4a16|int4|4.?bit|w4", "int4"),
    (r"int8|w8a8|w8a16|8.?bit", "int8"),
    (r"bf16|bfloat16|bfloat", "bf16"),
    (r"fp16|float16|half|f16", "fp16"),
    (r"fp32|float32|f32", "fp32"),
)


def engine_of(engine: str, version: str = "") -> str | None:
    """Return our name of an engine, or ``None`` when no model of it exists.

    >>> engine_of("ollama/llama.cpp"), engine_of("mlperf-v5.1/Dell", "TensorRT 10.11, CUDA 12.9"), engine_of("exllama")
    ('llamacpp', 'tensorrt-llm', None)
    """
    for text in (engine.casefold(), version.casefold()):
        for pattern, name in ENGINES:
            if re.search(pattern, text):
                return name
    return None


def load_of(load_type: str) -> Load | None:
    """Return our name of a load, or ``None``.

    >>> load_of("mlperf_offline_closed"), load_of("request_rate_poisson"), load_of("static_batch")
    ('offline', 'poisson', 'batch')
    """
    text = load_type.strip().casefold().replace(" ", "_")
    return next((name for pattern, name in LOADS if re.search(pattern, text)), None)


def metric_of(metric: str, unit: str = "") -> Metric | None:
    """Return our name of a metric, or ``None``. Percentiles in the name are the statistic's.

    >>> metric_of("ITL (ms)"), metric_of("mean_ttft_ms"), metric_of("throughput", "tok/s/gpu")
    ('tpot', 'ttft', 'output_throughput_per_gpu')
    """
    text = re.sub(r"\(.*?\)", "", metric.casefold()).strip()
    text = re.sub(r"[\s\-/]+", "_", text)
    text = re.sub(
        r"^(mean|avg|average|median|p\d\d)_|_(ms|s|us|mean|avg|median|p\d\d|mib|gib|bytes)$", "", text
    )
    text = re.sub(r"_(ms|s|mib|gib)$", "", text)
    found = METRICS.get(text)
    if found == "output_throughput" and "gpu" in unit.casefold():
        return "output_throughput_per_gpu"
    if found == "output_throughput" and re.search(r"req|sample", unit.casefold()):
        return "request_throughput"
    return found


def statistic_of(statistic: str, metric: str = "") -> Statistic:
    """Return the statistic that a row states; the mean when it states none of ours, or several.

    >>> statistic_of("p99"), statistic_of("mean/median as published"), statistic_of("", "p50_ttft")
    ('p99', 'mean', 'p50')
    """
    text = f"{statistic} {metric}".casefold()
    if "mean" in text or "average" in text:
        return "mean"
    found = [name for word, name in STATISTICS.items() if re.search(rf"(?<![a-z0-9]){word}(?!\d)", text)]
    return found[0] if found else "mean"


def precision_of(precision: str) -> str | None:
    """Return our name of how weights are stored, ``auto`` where nothing is said, or ``None``.

    >>> precision_of("FP8"), precision_of("w8a8"), precision_of(""), precision_of("fp8 (marlin)")
    ('fp8', 'int8', 'auto', 'fp8')
    """
    text = precision.strip().casefold()
    if text in {"", "nan", "none", "auto", "default"}:
        return "auto"
    if text in SCHEMES:
        return text
    return next((name for pattern, name in PRECISIONS if re.search(pattern, text)), SPELLINGS.get(text))


NAMED = frozenset({"fp8", "fp8-block", "nvfp4", "awq", "gptq", "int8", "int4"})


def stated_precision(precision: str, model: str) -> str | None:
    """Return a row's precision, from the model's name where the column is empty, or ``None`` for an unknown one.

    >>> stated_precision("", "RedHatAI/Llama-3.1-70B-FP8"), stated_precision("", "Qwen/Qwen3-32B")
    ('fp8', 'auto')
    """
    stated = precision_of(precision)
    if stated != "auto":
        return stated
    named = precision_of(model)
    return named if named in NAMED else "auto"
