"""Judge one user on llama.cpp: the speed of the prompt and of the answer."""

from __future__ import annotations

import re

from planner.errors import PlannerError
from planner.planning.judge.judging import Bench, Judgement, Unpredictable
from planner.planning.judge.model_names import quantization_of
from planner.planning.judge.table_words import Load, Metric
from planner.planning.prediction.predict_llamacpp import SingleStream, single_stream
from planner.planning.prediction.predict_stream import inverse
from planner.specs.base import Quantity
from planner.specs.validation import TableRow

TYPICAL_TOKENS = 256.0  #: where a table of single streams states no lengths
BUILD = re.compile(r"(?:(?<![0-9a-z])|(?<![0-9a-z])b)(\d{4,5})(?![0-9a-z])")
LOADS = frozenset({"single_stream", "concurrency", "batch"})


def judge_single(row: TableRow, load: Load, metric: Metric, bench: Bench) -> Judgement:
    """Return the prediction of a speed.

    Raises
    ------
    Unpredictable
        With the reason.
    """
    if load not in LOADS or (load != "single_stream" and (row.load_value or 1.0) > 1.0):
        raise Unpredictable(f"load type {row.load_type} is not predicted for llama.cpp")
    model = bench.model(row.model)
    kind = quantization_of(row.model) or quantization_of(row.precision)
    if kind is None:
        raise Unpredictable("no GGUF type is stated")
    hardware = bench.device(row.gpu)
    prompt = row.input_tokens if row.input_tokens is not None else TYPICAL_TOKENS
    answer = row.output_tokens or TYPICAL_TOKENS
    try:
        speed = single_stream(
            bench.architecture(model),
            hardware,
            bench.tools.profiles,
            quantization=kind,
            input_tokens=prompt,
            output_tokens=answer,
            devices=row.gpus,
            build=build_of(row.engine_version),
        )
    except PlannerError as error:
        raise Unpredictable(error.message) from None
    return Judgement(
        engine="llamacpp",
        hardware=hardware.id,
        model=model,
        load="single_stream",
        metric=metric,
        predicted=_metric(metric, speed, prompt, answer),
    )


def build_of(version: str) -> int | None:
    """Return llama.cpp's build number in a version, or ``None``.

    >>> build_of("4426e298 (2824)"), build_of("1691 (7082d24)"), build_of("b5943"), build_of("")
    (2824, 1691, 5943, None)
    """
    found = BUILD.findall(version.casefold())
    return int(found[-1]) if found else None


def _metric(metric: Metric, speed: SingleStream, prompt: float, answer: float) -> Quantity:
    if metric in {"decode_throughput", "output_throughput"}:
        return speed.decode_tokens_per_s
    if metric == "tpot":
        return inverse(speed.decode_tokens_per_s, 1.0)
    if speed.prefill_tokens_per_s is None:
        raise Unpredictable("the books have no matrix rate for the device")
    if metric == "prefill_throughput":
        return speed.prefill_tokens_per_s
    first = inverse(speed.prefill_tokens_per_s, max(prompt, 1.0))
    if metric == "ttft":
        return first
    if metric == "e2e":
        rest = inverse(speed.decode_tokens_per_s, answer)
        return Quantity(
            value=first.value + rest.value,
            low=first.low + rest.low,
            high=first.high + rest.high,
            grade=rest.grade,
        )
    raise Unpredictable(f"metric {metric} is not predicted for a single stream")
