"""Fitted coefficients of an engine's memory: facts of neither the model nor the GPU, but of the engine's version."""

from __future__ import annotations

from datetime import date

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from planner.specs.base import Document, Grade


class VersionMemory(Document):
    """Coefficients of one family of versions, from ``since`` until the next row."""

    since: str
    logit_bytes: NonNegativeFloat
    """Sampler memory per logit on compute capability 9.0 and newer [bytes]."""
    logit_bytes_older_gpu: NonNegativeFloat
    """The same on older GPUs [bytes]."""
    non_torch_gib: tuple[NonNegativeFloat, ...]
    """CUDA and NCCL buffers with 1, 2 and 4 or more tensor-parallel ranks [GiB]."""
    non_torch_older_gpu_gib: NonNegativeFloat
    non_torch_pipeline_gib: NonNegativeFloat
    graphs_in_budget: bool
    """Whether CUDA graphs are taken off the pool."""
    chunked_prefill: bool
    """Whether a step is limited to ``max_num_batched_tokens``; before, it holds the longest prompt."""
    exact_concurrency: bool
    """Whether the logged token count is the concurrency times the context length (hybrid models)."""
    hybrid_pools: bool = True
    """Whether layers with a window get block tables of their own; before, they kept the whole context."""
    largest_gpu_tokens: NonNegativeInt = 0
    """Default tokens of a step on devices of 160 GiB and more; 0 for the same as on any large one."""
    batches_in_flight: PositiveInt = 1
    """Steps whose tokens a windowed layer keeps: two once blocks are freed when a step's results are in."""
    rows: NonNegativeInt
    """Start-up logs behind this row."""
    grade: Grade


class EngineMemoryProfile(Document):
    """Memory of one engine by version, with its provenance and its residuals."""

    engine: str
    fitted: date
    script: str
    source: str
    licence: str
    base_activation_bytes: NonNegativeFloat
    hidden_copies: PositiveFloat
    pipeline_hidden_copies: PositiveFloat
    graph_base_gib: NonNegativeFloat
    graph_gib_per_layer: NonNegativeFloat
    logged: tuple[str, str] | None = None
    """Oldest and newest version among the start-up logs; locks of earlier versions do not say."""
    versions: tuple[VersionMemory, ...]
    residuals: dict[str, float]
    """What remains against the logs: ``pool_tokens_median_fraction`` …; `holdout` is by whole model."""

    @property
    def known_versions(self) -> tuple[str, str]:
        """Oldest and newest version that was measured."""
        return self.logged or (self.versions[0].since, self.versions[-1].since)
