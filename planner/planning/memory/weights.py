"""Weights of one rank as a serving engine holds them: by tensor class, quantisation, and parallelism."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from planner.errors import UsageError
from planner.formulas.kv_cache import kv_heads_per_rank
from planner.formulas.weights import (
    allocator_slack_bytes,
    padded_vocabulary,
    quantized_matrix_bytes,
    rotary_table_bytes,
)
from planner.planning.memory.architecture import Architecture
from planner.planning.memory.schemes import WeightScheme, weight_scheme
from planner.planning.memory.tensors import Tensor, TensorClass
from planner.records import dataclass
from planner.specs.books.model import HeadAttention, LatentAttention, ModelSpec
from planner.units import BITS_PER_BYTE, Count

VOCABULARY: tuple[TensorClass, ...] = ("embeddings", "head")
OUTSIDE_LAYERS: tuple[TensorClass, ...] = ("embeddings", "head", "vision")


@dataclass(frozen=True, kw_only=True, slots=True)
class StageWeights:
    """What one rank of one pipeline stage holds [bytes]."""

    layers: int
    by_class: dict[str, float]

    @property
    def total_bytes(self) -> float:
        """All classes together [bytes]."""
        return sum(self.by_class.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineWeights:
    """Weights of every pipeline stage, one rank each."""

    scheme: WeightScheme
    stages: tuple[StageWeights, ...]

    @property
    def largest_bytes(self) -> float:
        """The fullest rank [bytes]: what has to fit."""
        return max(stage.total_bytes for stage in self.stages)


def engine_weights(
    architecture: Architecture,
    *,
    quantization: str = "auto",
    tensor_parallel: int = 1,
    pipeline_parallel: int = 1,
) -> EngineWeights:
    """Return the weights of every stage under a quantisation scheme.

    Raises
    ------
    UsageError
        When the scheme is unknown, or the ranks do not divide the model.
    """
    model = architecture.model
    check_parallel(model, tensor_parallel=tensor_parallel, pipeline_parallel=pipeline_parallel)
    scheme = weight_scheme(quantization, model=model)
    stages = tuple(
        _stage(
            architecture,
            scheme,
            tensor_parallel,
            _Place(index=index, stages=pipeline_parallel, layers=layers),
        )
        for index, layers in enumerate(stage_layers(model.layers, pipeline_parallel))
    )
    return EngineWeights(scheme=scheme, stages=stages)


def check_parallel(model: ModelSpec, *, tensor_parallel: int, pipeline_parallel: int) -> None:
    """Refuse a split that the engine would refuse.

    Raises
    ------
    UsageError
        When tensor parallelism does not divide the heads, or there are more stages than layers.
    """
    for name, ranks in (("tensor", tensor_parallel), ("pipeline", pipeline_parallel)):
        if ranks < 1:
            raise UsageError(f"{name} parallel must be at least 1, found {ranks}")
    heads = sorted(
        {getattr(group, "heads", 0) or getattr(group, "value_heads", 0) for group in model.attention}
    )
    wrong = [count for count in heads if count % tensor_parallel]
    if wrong:
        fitting = [
            ranks for ranks in (1, 2, 3, 4, 5, 6, 7, 8, 16, 32) if not any(count % ranks for count in heads)
        ]
        raise UsageError(
            f"tensor parallel {tensor_parallel} does not divide the {wrong[0]} attention heads of {model.id}",
            cure=f"use one of {', '.join(map(str, fitting))}",
        )
    if pipeline_parallel > model.layers:
        raise UsageError(
            f"pipeline parallel {pipeline_parallel} exceeds the {model.layers} layers of {model.id}",
            cure="use fewer stages",
        )


def stage_layers(layers: int, stages: int) -> tuple[int, ...]:
    """Divide layers over pipeline stages as vLLM does: what is left over goes to the stages before the last.

    >>> stage_layers(61, 4)
    (15, 15, 16, 15)
    """
    counts = [layers // stages] * stages
    for index in range(2, layers % stages + 2):
        counts[-index] += 1
    return tuple(counts)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """A stage among its fellows."""

    index: Count
    stages: Count
    layers: int


def _stage(architecture: Architecture, scheme: WeightScheme, ranks: int, place: _Place) -> StageWeights:
    model = architecture.model
    by_class: dict[str, float] = {}
    for tensor in architecture.tensors:
        if tensor.tensor_class == "mtp":
            continue  # loaded only for speculative decoding
        copies, plain = _copies_in_stage(tensor, model, place), _plain_copies(tensor, scheme, place)
        size = (copies - plain) * _rank_tensor_bytes(tensor, scheme, ranks)
        if plain:
            size += plain * _rank_tensor_bytes(tensor, replace(scheme, covers=frozenset()), ranks)
        by_class[tensor.tensor_class] = by_class.get(tensor.tensor_class, 0.0) + size
    by_class["tables"] = sum(_rotary_tables(model, scheme))
    return StageWeights(layers=place.layers, by_class={name: size for name, size in by_class.items() if size})


def _copies_in_stage(tensor: Tensor, model: ModelSpec, place: _Place) -> float:
    """How often a stage holds a tensor: layers spread evenly, embeddings first, head last."""
    first, last = place.index == 0, place.index == place.stages - 1
    if tensor.name == "embeddings":
        return float(first or (last and model.tied))
    if tensor.tensor_class == "head":
        return float(last)
    if tensor.tensor_class in OUTSIDE_LAYERS:
        return float(first)
    return tensor.layers * place.layers / model.layers


def _plain_copies(tensor: Tensor, scheme: WeightScheme, place: _Place) -> int:
    """How many of them are the model's first or last layer, where a scheme leaves those as they are."""
    if not scheme.plain_ends or not tensor.linear or tensor.tensor_class not in scheme.covers:
        return 0
    return int(place.index == 0) + int(place.index == place.stages - 1)


def _rank_tensor_bytes(tensor: Tensor, scheme: WeightScheme, ranks: int) -> float:
    """One layer's tensor on one rank, as the allocator holds it."""
    rows, columns = _rank_shape(tensor, ranks)
    covered = tensor.linear and tensor.tensor_class in scheme.covers
    size = tensor.copies * quantized_matrix_bytes(
        rows=rows,
        columns=columns,
        weight_bits=scheme.weight_bits if covered else scheme.rest_bits,
        scale_bits=scheme.scale_bits if covered else 0.0,
        scale_rows=scheme.scale_rows or rows,
        scale_columns=scheme.scale_columns or columns,
    )
    if covered:
        size += tensor.copies * rows * columns * scheme.overhead_bits / BITS_PER_BYTE
    if tensor.tensor_class == "vision":
        return float(size)  # many small tensors
    return float(size + allocator_slack_bytes(tensor_bytes=size))


def _rank_shape(tensor: Tensor, ranks: int) -> tuple[float, float]:
    rows, columns = float(tensor.rows), float(tensor.columns)
    if tensor.tensor_class in VOCABULARY and tensor.split == "rows":
        rows = float(padded_vocabulary(vocab=rows))
    if tensor.split == "rows":
        rows = rows / ranks
    elif tensor.split == "columns":
        columns = columns / ranks
    heads = (
        float(kv_heads_per_rank(kv_heads=tensor.kv_heads, tensor_parallel=ranks)) if tensor.kv_heads else 0.0
    )
    return rows + heads * (tensor.kv_rows_per_head + tensor.copied_rows_per_head), columns


def _rotary_tables(model: ModelSpec, scheme: WeightScheme) -> Iterator[float]:
    """One table per rotated width, shared by all layers of that width."""
    widths: set[int] = set()
    for group in model.attention:
        if isinstance(group, HeadAttention):
            widths.add(group.head_dim if model.rotary_dim is None else model.rotary_dim)
        elif isinstance(group, LatentAttention):
            widths.add(group.qk_rope_head_dim)
    for width in sorted(widths):
        element_bytes = scheme.rest_bits / BITS_PER_BYTE
        yield float(
            rotary_table_bytes(positions=model.max_context, rotary_dim=width, element_bytes=element_bytes)
        )
