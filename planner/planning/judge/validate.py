"""Judge predictions against a measured table: every row that can be predicted, and why the others cannot."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from planner.planning.judge.judging import Bench, Judgement, Tools, Unpredictable, bench_of
from planner.planning.judge.memory import judge_memory
from planner.planning.judge.metric_words import Metric, is_other_statistic, metric_of
from planner.planning.judge.serving import judge_serving
from planner.planning.judge.single import judge_single
from planner.planning.judge.table_words import Load, engine_of, load_of
from planner.planning.prediction.profile_choice import BORROWED_WIDTH, RELATED_ENGINES
from planner.specs.answers.validation import ErrorGroup, JudgedRow, SkippedRows, TableRow, Validation
from planner.specs.base import Quantity

__all__ = ["Tools", "groups_of", "validate"]

NEAR = 0.2  #: the share of rows within this error is reported
SIZES = frozenset({"weights", "kv", "kv_tokens", "activation", "compute_buffer"})
SINGLE = frozenset({"llamacpp", "mlx"})


def validate(rows: Sequence[TableRow], tools: Tools) -> Validation:
    """Return the errors of the predictions of ``rows`` by engine, hardware, load and metric."""
    judged: list[JudgedRow] = []
    reasons: Counter[str] = Counter()
    bench = bench_of(tools)
    for row in rows:
        try:
            judged.append(_judged(row, _judge(row, bench)))
        except Unpredictable as reason:
            reasons[str(reason)] += 1
    return Validation(
        rows=len(rows),
        predicted=len(judged),
        skipped=tuple(SkippedRows(reason=text, n=n) for text, n in reasons.most_common()),
        groups=groups_of(judged),
        judged=tuple(judged),
    )


def groups_of(judged: Iterable[JudgedRow]) -> tuple[ErrorGroup, ...]:
    """Return the errors by metric over everything first, then by engine, hardware and load."""
    members: dict[tuple[tuple[tuple[str, str], ...], str], list[JudgedRow]] = {}
    for each in judged:
        by = (("engine", each.engine), ("hardware", each.hardware), ("load_type", each.load))
        for group in ((), by):
            members.setdefault((group, each.metric), []).append(each)
    ordered = sorted(members.items(), key=lambda item: (len(item[0][0]), item[0]))
    return tuple(_errors(dict(by), metric, found) for (by, metric), found in ordered)


def _errors(by: dict[str, str], metric: str, judged: Sequence[JudgedRow]) -> ErrorGroup:
    measured = np.array([each.row.value for each in judged])
    predicted = np.array([each.predicted.value for each in judged])
    inside = [each.predicted.low <= each.row.value <= each.predicted.high for each in judged]
    ratio = predicted / measured - 1.0
    size = np.abs(ratio)
    return ErrorGroup(
        by=by,
        metric=metric,
        n=len(judged),
        median_ape=float(np.median(size)),
        p90_ape=float(np.quantile(size, 0.9)),
        bias=float(np.median(ratio)),
        within_20=float(np.mean(size <= NEAR)),
        coverage_80=float(np.mean(inside)),
    )


def _judge(row: TableRow, bench: Bench) -> Judgement:
    """Return a row's prediction by the judge of its engine and load.

    Raises
    ------
    Unpredictable
        With the reason.
    """
    engine, metric = engine_of(row.engine, row.engine_version), metric_of(row.metric, row.unit)
    if engine is None:
        raise Unpredictable(f"engine {row.engine or 'not stated'} has no model")
    if metric is None:
        raise Unpredictable(f"metric {row.metric} is not predicted")
    if metric in SIZES:
        _check_measured(row)
        return judge_memory(row, engine, metric, bench)
    load = "single_stream" if engine in SINGLE and not row.load_type else load_of(row.load_type)
    if load is None:
        raise Unpredictable(f"load type {row.load_type or 'not stated'} is not predicted")
    _check_measured(row)
    if engine in SINGLE:
        return judge_single(row, load, metric, bench)
    if engine in RELATED_ENGINES:
        return _borrowed(row, engine, load, metric, bench)
    return judge_serving(row, engine, load, metric, bench)


def _check_measured(row: TableRow) -> None:
    """Refuse a value that is none, or none of those that are predicted."""
    if row.unreadable:
        raise Unpredictable(row.unreadable)
    if is_other_statistic(row.statistic):
        raise Unpredictable(f"statistic {row.statistic} is not predicted")
    if not (row.value > 0 and math.isfinite(row.value)):
        raise Unpredictable("the measured value is not above 0")


def _borrowed(row: TableRow, engine: str, load: Load, metric: Metric, bench: Bench) -> Judgement:
    """Return the prediction for an engine that nothing is fitted for, as another's with a wider interval."""
    other = RELATED_ENGINES[engine]
    found = judge_serving(replace(row, engine_version=""), other, load, metric, bench)
    value = found.predicted.value
    wider = Quantity(
        value=value,
        low=value * (found.predicted.low / value) ** BORROWED_WIDTH,
        high=value * (found.predicted.high / value) ** BORROWED_WIDTH,
        grade="assumed",
    )
    return replace(found, engine=f"{engine} as {other}", predicted=wider)


def _judged(row: TableRow, found: Judgement) -> JudgedRow:
    """Return a row beside its prediction.

    Raises
    ------
    Unpredictable
        When the prediction is no positive number: a fault of ours, and never an answer.
    """
    numbers = (found.predicted.low, found.predicted.value, found.predicted.high)
    if not all(math.isfinite(number) and number > 0 for number in numbers):
        raise Unpredictable("the prediction is no positive number")
    return JudgedRow(
        row=row,
        engine=found.engine,
        hardware=found.hardware,
        model=found.model,
        load=found.load,
        metric=found.metric,
        predicted=found.predicted,
    )
