"""Prefill and decode on separate GPUs: a row's decode worker, where the row states enough to know it."""

from __future__ import annotations

import re
from dataclasses import replace

from planner.planning.judge.judging import Unpredictable
from planner.planning.judge.metric_words import Metric
from planner.specs.answers.validation import TableRow

# aiconfigurator's notes: sequences of a rank, workers, and tensor-parallel ranks of each stage.
WORKERS = re.compile(r"prefill\[bs=\d*,w=\d+,tp=\d+\]; *decode\[bs=(\d+),w=(\d+),tp=(\d+)\]")
MACHINE_GPUS = 8  #: beyond these the ranks talk over a network that no row states


def is_disaggregated(row: TableRow) -> bool:
    """Tell whether a row's prompts are prefilled on GPUs of their own."""
    return "mode=disagg" in row.notes


def decode_worker(row: TableRow, metric: Metric) -> TableRow:
    """Return what one decode worker of a row does: its share of the requests, decoding only.

    A worker whose ranks split no tensor splits the sequences instead: as many groups of attention data parallel as
    hold its share at the stated number of sequences each.

    Raises
    ------
    Unpredictable
        When the row does not state its workers, or asks for more than their time per token.
    """
    stated = WORKERS.search(row.notes)
    if stated is None or not row.load_value:
        raise Unpredictable("prefill and decode on separate GPUs, whose workers are not stated")
    if metric != "tpot":
        raise Unpredictable("prefill on separate GPUs: only the time per output token is predicted")
    held, workers, ranks = (int(number) for number in stated.groups())
    share = row.load_value / workers
    groups = max(round(share / held), 1) if ranks == 1 else 1
    if ranks * groups > MACHINE_GPUS:
        raise Unpredictable("a decode worker on several machines, whose network is not stated")
    return replace(
        row,
        gpus=ranks * groups,
        tensor_parallel=ranks,
        load_value=share,
        notes=f"adp={groups}; src=source_file=",
    )
