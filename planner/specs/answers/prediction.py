"""What ``planner predict`` asks and answers."""

from __future__ import annotations

from typing import Literal

from planner.records import dataclass
from planner.specs.answers.fit import DEFAULT_UTILIZATION_FRACTION
from planner.specs.base import Grade, Notice, Quantity
from planner.units import Count, MeanCount

Bound = Literal["compute", "bandwidth", "overhead", "link", "kv_pool", "max_num_seqs"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictRequest:
    """One configuration under one load: a closed loop of ``concurrency``, or an open loop of ``requests_per_s``."""

    engine: str = "vllm"
    quantization: str = "auto"
    kv_dtype: str = "auto"
    tensor_parallel: Count = 1
    pipeline_parallel: Count = 1
    expert_parallel: bool = False
    """Whole experts spread over the ranks, instead of each expert split."""
    attention_data_parallel: Count = 1
    """Groups of the tensor-parallel ranks that hold the attention each and share the sequences."""
    draft_tokens: int = 0
    """Tokens drafted for every step of speculative decoding; 0 is none."""
    acceptance_fraction: float = 0.0
    draft_cost_fraction: float = 0.0
    """Time of drafting for a step, over a decoding step's."""
    cached_fraction: float = 0.0
    """Share of every prompt that the prefix cache holds."""
    lockstep: bool = False
    """Requests of one length that all started together, as some benchmarks send them."""
    input_tokens: float = 1024
    output_tokens: float = 256
    concurrency: MeanCount | None = None
    requests_per_s: float | None = None
    utilization_fraction: float = DEFAULT_UTILIZATION_FRACTION
    batched_tokens: int | None = None
    max_sequences: Count | None = None
    inbox_steps: float = 0.0
    """Steps between two looks of the scheduler for new requests (SGLang's ``--scheduler-recv-interval``)."""
    batch_wait_steps: float = 0.0
    """Steps that a prompt may be held back until others have come (TensorRT-LLM's ``batch_wait_timeout_iters``)."""
    version: str = "latest"
    pool_tokens: Count | None = None
    """KV cache that the engine printed at its start [tokens], where it is known; else it is computed."""


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
    gpus: Count
    quantization: str
    concurrency: MeanCount
    running: MeanCount
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


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamPrediction:
    """One request on llama.cpp; ``output_tokens_per_s`` is the speed of its answer, sizes are of all devices."""

    model: str
    hardware: str
    engine: str
    profile: str
    gpus: Count
    quantization: str
    prefill_tokens_per_s: Quantity
    output_tokens_per_s: Quantity
    ttft_s: Quantity
    tpot_s: Quantity
    e2e_s: Quantity
    requests_per_s: Quantity
    bound_by: str
    weights_bytes: float
    cache_bytes: float
    usable_bytes: float
    breakdown: tuple[OperatorTime, ...]
    grade: Grade
    notices: tuple[Notice, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FitLatency:
    """How fast a configuration that fits would answer, or why that is not known."""

    concurrency: Count
    input_tokens: float
    output_tokens: float
    prediction: Prediction | StreamPrediction | None
    unknown: str | None = None
