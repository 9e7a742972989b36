"""Judge one user on llama.cpp: the speed of the prompt and of the answer."""

from __future__ import annotations

import re

from planner.errors import PlannerError
from planner.planning.judge.hosts import beside_host
from planner.planning.judge.judging import Bench, Judgement, Unpredictable
from planner.planning.judge.metric_words import Metric
from planner.planning.judge.model_names import DEFAULT_TYPE, quantization_of
from planner.planning.judge.table_words import Load, engine_of
from planner.planning.prediction.predict_llamacpp import SingleStream, single_stream
from planner.planning.prediction.stream_work import impossible, stream_work
from planner.records import dataclass
from planner.specs.answers.validation import TableRow
from planner.specs.base import Quantity
from planner.specs.books.hardware import HardwareSpec
from planner.units import TokenNumber

TYPICAL_TOKENS = 256.0  #: where a table of single streams states no lengths
DEFAULT_CONTEXT = 4096.0  #: ollama's, where a table states no prompt
BUILD = re.compile(r"(?:(?<![0-9a-z])|(?<![0-9a-z])b)(\d{4,5})(?![0-9a-z])")
SPEEDS = frozenset({"decode_throughput", "output_throughput", "prefill_throughput"})
FASTER = "the measured speed is above what the datasheet's memory or arithmetic allows: a draft model, or a failed run"
TIMED_PROMPT = frozenset({"ttft", "e2e"})
LOADS = frozenset({"single_stream", "concurrency", "batch"})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stream:
    """A row as one user's question."""

    model: str
    hardware: HardwareSpec
    quantization: str
    prompt: TokenNumber
    answer: TokenNumber


def judge_single(row: TableRow, load: Load, metric: Metric, bench: Bench) -> Judgement:
    """Return the prediction of a speed.

    Raises
    ------
    Unpredictable
        With the reason.
    """
    if load not in LOADS or (load != "single_stream" and (row.load_value or 1.0) > 1.0):
        raise Unpredictable(f"load type {row.load_type} is not predicted for llama.cpp")
    if metric in TIMED_PROMPT and row.input_tokens is None:
        raise Unpredictable("no prompt length is stated")
    asked = _asked(row, bench)
    try:
        predicted = _metric(metric, _speed(row, asked, bench), asked)
        if metric in SPEEDS and row.value > predicted.high:
            _check_possible(row, asked, metric, bench)
    except PlannerError as error:
        raise Unpredictable(error.message) from None
    return Judgement(
        engine="llamacpp",
        hardware=asked.hardware.id,
        model=asked.model,
        load="single_stream",
        metric=metric,
        predicted=predicted,
    )


def _asked(row: TableRow, bench: Bench) -> _Stream:
    model = bench.model(row.model)
    kind = quantization_of(row.model) or quantization_of(row.precision)
    if kind is None and row.engine.startswith("ollama") and not row.precision:
        kind = DEFAULT_TYPE
    if kind is None:
        raise Unpredictable("no GGUF type is stated")
    if bench.tools.books.models.rows[model].quantization == "mxfp4" and kind.startswith("q4"):
        kind = "mxfp4"  # whose experts every file of such a model keeps
    return _Stream(
        model=model,
        hardware=bench.device(row.gpu),
        quantization=kind,
        prompt=row.input_tokens if row.input_tokens is not None else TYPICAL_TOKENS,
        answer=row.output_tokens or TYPICAL_TOKENS,
    )


def _speed(row: TableRow, asked: _Stream, bench: Bench) -> SingleStream:
    speed = single_stream(
        bench.architecture(asked.model),
        asked.hardware,
        bench.tools.profiles,
        quantization=asked.quantization,
        input_tokens=asked.prompt,
        output_tokens=asked.answer,
        reserved_tokens=reserved_tokens(row),
        devices=row.gpus,
        build=build_of(row.engine_version),
        fused=is_fused(row),
    )
    return beside_host(speed, row.gpu, asked.hardware.vendor)


def _check_possible(row: TableRow, asked: _Stream, metric: Metric, bench: Bench) -> None:
    """Raise the reason when nothing that reads all weights for each token can be as fast as a row says."""
    work = stream_work(
        bench.architecture(asked.model),
        asked.hardware,
        quantization=asked.quantization,
        context_tokens=asked.prompt + asked.answer / 2,
        devices=row.gpus,
    )
    prefill = metric == "prefill_throughput"
    if impossible(work, time_s=1.0 / row.value, prefill=prefill, devices=row.gpus):
        raise Unpredictable(FASTER)


def is_fused(row: TableRow) -> bool:
    """Tell whether a row ran on MLX, by itself or under ollama, whose tags say so."""
    return engine_of(row.engine) == "mlx" or "mlx" in row.model.casefold()


def reserved_tokens(row: TableRow) -> float:
    """Return the context that an engine reserved for a row: what was asked for, or its default."""
    return 0.0 if row.input_tokens is not None else DEFAULT_CONTEXT


def build_of(version: str) -> int | None:
    """Return llama.cpp's build number in a version, or ``None``.

    >>> build_of("4426e298 (2824)"), build_of("1691 (7082d24)"), build_of("b5943"), build_of("")
    (2824, 1691, 5943, None)
    """
    found = BUILD.findall(version.casefold())
    return int(found[-1]) if found else None


def _metric(metric: Metric, speed: SingleStream, asked: _Stream) -> Quantity:
    if metric in {"decode_throughput", "output_throughput"}:
        return speed.decode_tokens_per_s
    if metric == "tpot":
        return speed.decode_tokens_per_s.under(1.0)
    if speed.prefill_tokens_per_s is None:
        raise Unpredictable("the books have no matrix rate for the device")
    if metric == "prefill_throughput":
        return speed.prefill_tokens_per_s
    first = speed.prefill_tokens_per_s.under(max(asked.prompt, 1.0))
    if metric == "ttft":
        return first
    if metric == "e2e":
        rest = speed.decode_tokens_per_s.under(asked.answer)
        return Quantity(
            value=first.value + rest.value,
            low=first.low + rest.low,
            high=first.high + rest.high,
            grade=rest.grade,
        )
    raise Unpredictable(f"metric {metric} is not predicted for a single stream")
