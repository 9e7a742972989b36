"""One measured number in the long layout that ``planner validate`` and ``planner calibrate`` read."""

from __future__ import annotations

from planner.records import dataclass
from planner.units import Count, TokenNumber


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredRow:
    """One value with what it was measured under. Field names are the columns of the layout, units stand beside."""

    source: str = ""
    date: str = ""
    engine: str = ""
    engine_version: str = ""
    model: str = ""
    precision: str = ""
    gpu: str = ""
    n_gpu: Count | None = None
    tp: Count | None = None
    pp: Count | None = None
    isl: TokenNumber | None = None
    osl: TokenNumber | None = None
    load_type: str = ""
    load_value: float | str | None = None
    metric: str
    value: float
    unit: str
    statistic: str = ""
    notes: str = ""
