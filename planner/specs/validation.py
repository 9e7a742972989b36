"""What ``planner validate`` reads and answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from planner.specs.base import Quantity


@dataclass(frozen=True, kw_only=True, slots=True)
class TableRow:
    """One measured number of a table in the long layout; texts as the table has them, numbers as SI."""

    line: int
    engine: str
    engine_version: str
    model: str
    precision: str
    gpu: str
    gpus: int
    tensor_parallel: int
    pipeline_parallel: int
    input_tokens: float | None
    output_tokens: float | None
    load_type: str
    load_value: float | None
    metric: str
    value: float
    notes: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedRow:
    """A measured number beside its prediction, and the names it was matched to."""

    row: TableRow
    hardware: str
    model: str
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
