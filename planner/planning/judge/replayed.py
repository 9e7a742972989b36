"""Measured requests beside their replay: what ``validate`` judges, as one table a run."""

from __future__ import annotations

from collections.abc import Sequence

from planner.errors import UsageError
from planner.planning.judge.judging import Tools
from planner.planning.judge.validate import validate
from planner.specs.answers.validation import JudgedRow, TableRow
from planner.specs.measured.agreement import Agreement, LoadAgreement


def replayed(rows: Sequence[TableRow], tools: Tools) -> list[LoadAgreement]:
    """Return each run of a table of requests beside the simulation of the same arrivals and lengths.

    Raises
    ------
    UsageError
        When the table has no requests, or none of its runs can be simulated.
    """
    runs = [row for row in rows if row.trace is not None]
    if not runs:
        raise UsageError(
            "the table has no requests",
            cure="give one with a request a row: arrival_s, input_tokens, ttft_ms",
        )
    found = validate(runs, tools)
    if not found.judged:
        raise UsageError(
            f"the run cannot be simulated: {found.skipped[0].reason}", cure="give --model and --gpu"
        )
    by_run: dict[int, list[JudgedRow]] = {}
    for each in found.judged:
        by_run.setdefault(id(each.row.trace), []).append(each)
    return [_agreement(judged) for judged in by_run.values()]


def _agreement(judged: Sequence[JudgedRow]) -> LoadAgreement:
    first = judged[0]
    requests = 0 if first.row.trace is None else first.row.trace.size
    return LoadAgreement(
        load=f"{first.model} on {first.row.gpus} × {first.hardware}",
        requests=requests,
        profile=first.engine,
        grade=first.predicted.grade,
        rows=tuple(
            Agreement(
                metric=f"{each.metric}_s",
                statistic=each.row.statistic,
                measured_s=each.row.value,
                predicted_s=each.predicted.value,
            )
            for each in judged
        ),
    )
