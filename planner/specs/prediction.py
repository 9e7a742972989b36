"""What ``planner predict`` asks and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from planner.specs.base import Grade, Notice, Quantity

Bound = Literal["compute", "bandwidth", "overhead", "link", "kv_pool", "max_num_seqs"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictRequest:
    """One configuration under one load: a closed loop of ``concurrency``, or an open loop of ``requests_per_s``."""

    engine: str = "vllm"
    quantization: str = "auto"
    kv_dtype: str = "auto"
    tensor_parallel: int = 1
    input_tokens: float = 1024
    output_tokens: float = 256
    concurrency: float | None = None
    requests_per_s: float | None = None
    utilization_fraction: float = 0.9
    batched_tokens: int | None = None
    max_sequences: int | None = None
    version: str = "latest"


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorTime:
    """Time of one operator class in a decoding step, beside what the datasheet alone would take."""

    name: str
    time_s: float
    speed_of_light_s: float
    share_fraction: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """The steady state of a configuration under a load.

    ``ttft_published_s`` is a benchmark's average, its burst included; ``ttft_burst_s`` is that of requests which all
    start together. Memory is ``None`` where a measured profile does not tell it.
    """

    model: str
    hardware: str
    engine: str
    profile: str
    separate_prefill: bool
    gpus: int
    quantization: str
    concurrency: float
    running: float
    ttft_s: Quantity
    ttft_published_s: Quantity
    ttft_burst_s: Quantity
    tpot_s: Quantity
    tpot_alone_s: Quantity
    """Time per token of a batch that starts and ends together: no prompts between."""
    e2e_s: Quantity
    requests_per_s: Quantity
    output_tokens_per_s: Quantity
    saturation_requests_per_s: Quantity
    bound_by: Bound
    kv_pool_tokens: int | None
    weights_bytes_per_gpu: float | None
    pool_bytes_per_gpu: float | None
    physical_bytes_per_gpu: float | None
    breakdown: tuple[OperatorTime, ...]
    grade: Grade
    notices: tuple[Notice, ...]
