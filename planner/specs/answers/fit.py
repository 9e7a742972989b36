"""Does a model fit a GPU: the question and the answer, as values."""

from __future__ import annotations

from typing import Literal

from planner.records import dataclass
from planner.specs.base import Grade, Notice
from planner.units import Count, MeanCount

DEFAULT_UTILIZATION_FRACTION = 0.9  #: of memory, vLLM's ``--gpu-memory-utilization`` where none is given
FitEngine = Literal["vllm", "llamacpp"]


@dataclass(frozen=True, kw_only=True, slots=True)
class FitRequest:
    """What is asked. ``None`` leaves a choice to the engine's own default."""

    engine: FitEngine = "vllm"
    quantization: str = "auto"
    kv_dtype: str = "auto"
    tensor_parallel: Count = 1
    pipeline_parallel: Count = 1
    context_tokens: int = 8192
    concurrency: Count = 1
    utilization_fraction: float = DEFAULT_UTILIZATION_FRACTION
    version: str = "latest"
    batched_tokens: int | None = None
    max_sequences: Count | None = None
    memory_gib: float | None = None
    """Size bought, where a device comes in several [GiB]."""
    gpu_layers: Count | None = None
    """Layers that llama.cpp keeps on the device; more than the model has, or ``None``, is all and the output."""
    swa_full: bool = False
    """Whether llama.cpp keeps the whole context of layers with a sliding window."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryPart:
    """One piece of the memory bar of the fullest GPU [bytes]."""

    name: str
    bytes: float


@dataclass(frozen=True, kw_only=True, slots=True)
class FitChange:
    """A change of flags that was computed and makes it fit."""

    flags: str
    effect: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """The answer for one device. Bytes are of the GPU with the least room."""

    model: str
    hardware: str
    engine: FitEngine
    fits: bool
    reason: str
    changes: tuple[FitChange, ...]
    gpus: Count
    quantization: str
    kv_dtype: str
    tensor_parallel: Count
    pipeline_parallel: Count
    context_tokens: int
    concurrency: Count
    parameters: MeanCount
    active_parameters: MeanCount
    physical_bytes: float
    budget_bytes: float
    weights_bytes_per_gpu: float
    kv_pool_bytes_per_gpu: float
    kv_bytes_per_token: float
    kv_bytes_per_token_per_gpu: float
    kv_bytes_per_sequence_per_gpu: float
    multi_head_bound_bytes_per_token: float
    """The rule of thumb 2 · layers · hidden · bytes, for comparison."""
    kv_pool_tokens: int
    max_context_tokens: int
    max_concurrency: Count
    shortage_bytes: float
    parts: tuple[MemoryPart, ...]
    grade: Grade
    notices: tuple[Notice, ...]
