"""What ``planner validate`` reads and answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from planner.specs.base import Quantity
from planner.specs.simulation import RequestBatch


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineSettings:
    """How the engine of a measured row was set up, as far as the table says; ``None`` is the engine's default."""

    context_tokens: int | None = None
    utilization_fraction: float = 0.9
    kv_dtype: str = "auto"
    max_sequences: int | None = None
    batched_tokens: int | None = None
    physical_gib: float | None = None
    """Memory that the engine itself found [GiB], where its log states it."""
    requests: int | None = None
    """Requests of the run."""
    speculative_tokens: int = 0
    slots: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class TableRow:
    """One measured number; texts as the table has them, numbers as SI.

    ``gpus`` counts all of a system; ``tensor_parallel`` is ``None`` where the table leaves the split open.
    ``unreadable`` says why the row cannot be judged, when a number in it is none.
    """

    line: int
    engine: str
    engine_version: str
    model: str
    precision: str
    gpu: str
    gpus: int
    tensor_parallel: int | None
    pipeline_parallel: int
    input_tokens: float | None
    output_tokens: float | None
    load_type: str
    load_value: float | None
    metric: str
    value: float
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
    n: int
    median_ape: float
    p90_ape: float
    bias: float
    within_20: float
    coverage_80: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedRows:
    """Rows that no prediction was made for, and why."""

    reason: str
    n: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Validation:
    """The judgement of a table."""

    rows: int
    predicted: int
    skipped: tuple[SkippedRows, ...]
    groups: tuple[ErrorGroup, ...]
    judged: tuple[JudgedRow, ...] = field(default=(), repr=False)
