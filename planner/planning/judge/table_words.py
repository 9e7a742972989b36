"""Engines, precisions, loads, metrics and statistics as measured tables write them, to ours."""

from __future__ import annotations

import re
from typing import Literal

from planner.planning.memory.schemes import SCHEMES, SPELLINGS

Load = Literal["concurrency", "batch", "single_stream", "poisson", "offline", "trace", "memory"]
# The first pattern found decides. MLPerf's tables state a submitter as the engine and the software as its version.
ENGINES: tuple[tuple[str, str], ...] = (
    (r"sglang|\bsgl\b", "sglang"),
    (r"splitwise|eager", "vllm-eager"),  # measured in 2023, before CUDA graphs
    (r"vllm", "vllm"),
    (
        r"llama\.?_?-?cpp|llamafile|llama-(?:server|bench|cli)|ollama|lm ?studio|kobold|gpt4all|jan\b",
        "llamacpp",
    ),
    (r"mlx", "mlx"),
    (r"tensorrt|trt-?llm|\btrt\b|nim\b|triton", "tensorrt-llm"),
    (r"lmdeploy|turbomind", "lmdeploy"),
    (r"\btgi\b|text.generation.inference", "tgi"),
    (r"deepspeed|fastgen", "deepspeed"),
)
# MLPerf's submitters often state the vendor's platform alone: AMD's run vLLM on it, NVIDIA's TensorRT-LLM.
PLATFORMS: tuple[tuple[str, str], ...] = ((r"\brocm\b", "vllm"), (r"\bcuda\b", "tensorrt-llm"))
LOADS: tuple[tuple[str, Load], ...] = (
    (r"offline|max_load|max_throughput|saturat|^throughput", "offline"),
    (r"single|batch_?1$|llama[-_]?bench|synchronous", "single_stream"),
    (r"poisson|request_rate|qps|rps|open_loop|server|interactive|^rate|_rate$", "poisson"),
    (r"concurren|closed_loop|clients|users|streams", "concurrency"),
    (r"batch|static|^bs$", "batch"),
    (r"trace|replay", "trace"),
    (r"memory|startup|start-up", "memory"),
)
PRECISIONS: tuple[tuple[str, str], ...] = (
    (r"w4a(?:fp)?8", "int4"),
    (r"w16a16", "bf16"),
    (r"smoothquant|^sq$", "int8"),
    (r"fp8.?block|block.?fp8", "fp8-block"),
    (r"mxfp4", "mxfp4"),
    (r"fp4|w4a4", "nvfp4"),
    (r"fp8|e4m3|float8|w8a8.?fp", "fp8"),
    (r"awq", "awq"),
    (r"gptq.?int8|gptq.?8.?bit", "int8"),
    (r"gptq|marlin", "gptq"),
    (r"w4a16|int4|4.?bit|w4|hqq", "int4"),
    (r"int8|w8a8|w8a16|8.?bit", "int8"),
    (r"bf16|bfloat16|bfloat", "bf16"),
    (r"fp16|float16|half|f16", "fp16"),
    (r"fp32|float32|f32", "fp32"),
)


UNSTATED = frozenset(
    [
        "",
        "nan",
        "none",
        "auto",
        "default",
        "-",
        "n/a",
        "na",
        "unquantized",
        "native",
        "original",
        "compressed-tensors",
        "modelopt",
    ]
)


def engine_of(engine: str, version: str = "") -> str | None:
    """Return our name of an engine, or ``None`` when no model of it exists.

    >>> engine_of("ollama/llama.cpp"), engine_of("mlperf-v5.1/Dell", "TensorRT 10.11, CUDA 12.9"), engine_of("mlc")
    ('llamacpp', 'tensorrt-llm', None)
    >>> engine_of("mlperf-v5.1/AMD", "ROCm 6.4.1, PyTorch 2.7"), engine_of("transformers", "CUDA 12.4")
    ('vllm', None)
    """
    for text in (engine.casefold(), version.casefold()):
        for pattern, name in ENGINES:
            if re.search(pattern, text):
                return name
    if "mlperf" in engine.casefold():
        return next((name for pattern, name in PLATFORMS if re.search(pattern, version.casefold())), None)
    return None


def load_of(load_type: str) -> Load | None:
    """Return our name of a load, or ``None``.

    >>> load_of("mlperf_offline_closed"), load_of("request_rate_poisson"), load_of("static_batch")
    ('offline', 'poisson', 'batch')
    """
    text = re.sub(r"[\s\-]+", "_", load_type.strip().casefold())
    return next((name for pattern, name in LOADS if re.search(pattern, text)), None)


def precision_of(precision: str) -> str | None:
    """Return our name of how weights are stored, ``auto`` where nothing is said, or ``None``.

    >>> precision_of("FP8"), precision_of("w8a8"), precision_of(""), precision_of("fp8 (marlin)")
    ('fp8', 'int8', 'auto', 'fp8')
    >>> precision_of("modelopt_fp4"), precision_of("GPTQ-Int8"), precision_of("n/a"), precision_of("MXFP4")
    ('nvfp4', 'int8', 'auto', 'mxfp4')
    """
    text = precision.strip().casefold()
    if text in UNSTATED:
        return "auto"
    if text in SCHEMES:
        return text
    return next((name for pattern, name in PRECISIONS if re.search(pattern, text)), SPELLINGS.get(text))


NAMED = frozenset({"fp8", "fp8-block", "nvfp4", "awq", "gptq", "int8", "int4"})


# Publishers whose 8-bit checkpoints have a scale for every block of weights.
SCALED_BY_BLOCK = ("Qwen/Qwen3", "deepseek-ai/")


def stated_precision(precision: str, model: str) -> str | None:
    """Return a row's precision, from the model's name where the column is empty, or ``None`` for an unknown one.

    >>> stated_precision("", "RedHatAI/Llama-3.1-70B-FP8"), stated_precision("", "Qwen/Qwen3-32B")
    ('fp8', 'auto')
    >>> stated_precision("fp8", "Qwen/Qwen3-32B")
    'fp8-block'
    """
    stated = precision_of(precision)
    if stated == "fp8" and model.startswith(SCALED_BY_BLOCK):
        return "fp8-block"
    if stated != "auto":
        return stated
    named = precision_of(model)
    return named if named in NAMED else "auto"
