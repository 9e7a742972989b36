"""What ``planner validate`` reads and answers."""

from __future__ import annotations

from dataclasses import field

from planner.records import dataclass
from planner.specs.answers.fit import DEFAULT_UTILIZATION_FRACTION
from planner.specs.answers.simulation import RequestBatch
from planner.specs.base import Quantity
from planner.units import Count, Ratio


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineSettings:
    """How the engine of a measured row was set up, as far as the table says; ``None`` is the engine's default."""

    context_tokens: int | None = None
    utilization_fraction: float = DEFAULT_UTILIZATION_FRACTION
    kv_dtype: str = "auto"
    max_sequences: Count | None = None
    batched_tokens: int | None = None
    pool_tokens: Count | None = None
    """KV cache that the engine printed at its start."""
    physical_gib: float | None = None
    """Memory that the engine itself found [GiB], where its log states it."""
    requests: Count | None = None
    """Requests of the run."""
    speculative_tokens: int = 0
    slots: Count = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class TableRow:
    """One measured number; texts as the table has them, numbers as SI.

    ``gpus`` counts all of a system; ``tensor_parallel`` is ``None`` where the table leaves the split open.
    ``unreadable`` says why the row cannot be judged, when a number in it is none.
    """

    line: Count
    engine: str
    engine_version: str
    model: str
    precision: str
    gpu: str
    gpus: Count
    tensor_parallel: Count | None
    pipeline_parallel: Count
    input_tokens: float | None
    output_tokens: float | None
    load_type: str
    load_value: float | None
    metric: str
    value: float
    unit: str = ""
    """As the table has it; ``value`` is in SI already."""
    statistic: str = ""
    notes: str = ""
    unreadable: str = ""
    settings: EngineSettings = field(default_factory=EngineSettings)
    trace: RequestBatch | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedRow:
    """A measured number beside its prediction, and the names it was matched to."""

    row: TableRow
    engine: str
    hardware: str
    model: str
    load: str
    metric: str
    predicted: Quantity


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorGroup:
    """Errors of one group of rows: sizes as fractions, ``bias`` the median of predicted over measured less one."""

    by: dict[str, str]
    metric: str
    n: Count
    median_ape: Ratio
    p90_ape: Ratio
    bias: Ratio
    within_20: Ratio
    coverage_80: Ratio


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedRows:
    """Rows that no prediction was made for, and why."""

    reason: str
    n: Count


@dataclass(frozen=True, kw_only=True, slots=True)
class Validation:
    """The judgement of a table."""

    rows: Count
    predicted: Count
    skipped: tuple[SkippedRows, ...]
    groups: tuple[ErrorGroup, ...]
    judged: tuple[JudgedRow, ...] = field(default=(), repr=False)
