"""Judge a serving engine: the row's question, its protocol, and the metric that it reports."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from planner.errors import PlannerError
from planner.planning.judge.judging import Bench, Judgement, Unpredictable
from planner.planning.judge.mlperf import dataset_of, searches_beams
from planner.planning.judge.simulated import simulated_metric
from planner.planning.judge.table_words import (
    Load,
    Metric,
    Statistic,
    precision_of,
    stated_precision,
    statistic_of,
)
from planner.planning.prediction.closed_loop import MEAN_LENGTH_FRACTION
from planner.planning.prediction.predict import predict
from planner.planning.prediction.predict_stream import inverse
from planner.records import dataclass
from planner.specs.base import Quantity
from planner.specs.hardware import HardwareSpec
from planner.specs.model import ModelSpec
from planner.specs.prediction import Prediction, PredictRequest
from planner.specs.validation import TableRow
from planner.units import MeanCount

# A run's answers differ in length from the data set's mean, and it ends later than its last arrival: 1 to 2 % in MLPerf's
# server runs, where the rate itself is served.
RUN_SCATTER = 0.02
FULL_LOAD = 1e9  #: a concurrency that always fills the pool
NEVER_SCHEDULED = 4096  #: sequences of an offline run: no limit but the pool
UNCOUNTED = frozenset({"offline", "single_stream", "trace"})  #: loads that need no number
SPLITS = (1, 2, 4, 8)  #: tensor-parallel ranks that a submitter chooses from
REFUSALS = (
    ("of KV cache on", "the model does not fit the GPUs with the profile's memory"),
    ("exceed the saturation", "arrival rate above saturation: the queue grows, ask planner simulate"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A row as what one of its replicas is asked."""

    model: str
    hardware: HardwareSpec
    request: PredictRequest
    replicas: MeanCount
    load: Load
    statistic: Statistic


def judge_serving(row: TableRow, engine: str, load: Load, metric: Metric, bench: Bench) -> Judgement:
    """Return the prediction of a serving engine's metric.

    Raises
    ------
    Unpredictable
        With the reason.
    """
    row = gpus_once(row)
    check_row(row)
    questions = _tuned(_questions(row, engine, load, bench), bench)
    found = [_answer(row, each, metric, bench) for each in questions]
    answers = [each for each in found if isinstance(each, Judgement)]
    if not answers:
        raise Unpredictable(next(str(each) for each in found))
    return answers[0]


def _tuned(questions: list[Question], bench: Bench) -> list[Question]:
    """Return the ways to split a system, the one that serves most first: where none is stated, it was tuned."""
    if len(questions) == 1:
        return questions

    def most(asked: Question) -> float:
        full = replace(asked.request, requests_per_s=None, concurrency=FULL_LOAD)
        try:
            found = _predicted(replace(asked, request=full), bench)
        except Unpredictable:
            return 0.0
        return found.requests_per_s.value * asked.replicas

    return sorted(questions, key=most, reverse=True)


def groups_of_attention(row: TableRow, model: ModelSpec, split: int) -> int:
    """Return the groups of attention data parallel that a row states, in numbers or in words."""
    stated = re.search(r"\badp=(\d+)", row.notes)
    if stated is not None:
        groups = int(stated[1])
        return min(groups, split) if groups > 1 else 1
    told = re.search(r"MoE runs use attention DP|attention[ _-](?:data|dp)", row.notes, re.IGNORECASE)
    return split if told and model.moe else 1


def gpus_once(row: TableRow) -> TableRow:
    """Return the row with each GPU counted once.

    InferenceMAX states tensor and expert parallelism over the same GPUs; aiconfigurator's copy of it multiplies
    them, so that 8 GPUs with ``moe_tp=8; moe_ep=8`` appear as 64, beside identical rows that say 8.
    """
    notes = dict(re.findall(r"\b(moe_tp|moe_ep|adp)=(\d+)", row.notes))
    tp, ep = int(notes.get("moe_tp", 0)), int(notes.get("moe_ep", 0))
    if tp == ep > 1 and row.gpus == tp * ep:
        return replace(row, gpus=tp, tensor_parallel=min(row.tensor_parallel or tp, tp))
    return row


def draws_lengths(row: TableRow) -> bool:
    """Tell whether a row's requests differ in length: InferenceMAX's do, the vendor's own sweeps' do not.

    aiconfigurator's table names InferenceMAX's files by date and the vendor's by model (``src=Qwen_Qwen3-32B.csv``).
    """
    vendors = re.search(r"\bsrc=(?!source_file=)[^;]*\.csv", row.notes) is not None
    return row.load_type == "concurrency" and not vendors


def check_row(row: TableRow) -> None:
    """Raise the reason why a row lies outside the model.

    Raises
    ------
    Unpredictable
        With the reason.
    """
    lengths = row.input_tokens is not None and row.output_tokens is not None
    reasons = (
        ("mode=disagg" in row.notes, "prefill and decode on separate GPUs"),
        (searches_beams(row), "answers are searched with several beams"),
        (not lengths and dataset_of(row) is None, "no input and output lengths"),
        (precision_of(row.precision) is None, f"precision {row.precision} is not known"),
    )
    for wrong, reason in reasons:
        if wrong:
            raise Unpredictable(reason)


def _questions(row: TableRow, engine: str, load: Load, bench: Bench) -> list[Question]:
    model, hardware = bench.model(row.model), bench.device(row.gpu)
    if load not in UNCOUNTED and row.load_value is None:
        raise Unpredictable("no load")
    stages = row.pipeline_parallel
    if re.search(r"\badp=(?!1\b)\d", row.notes):
        splits: tuple[int, ...] = (row.gpus,)  # the table counts tensor parallel inside a group only
    elif row.tensor_parallel is not None:
        splits = (row.tensor_parallel,)
    elif load in {"offline", "poisson"}:
        splits = tuple(each for each in SPLITS if row.gpus % (each * stages) == 0)
    else:
        splits = (max(row.gpus // stages, 1),)
    if not splits:
        raise Unpredictable("the stated ranks do not divide the GPUs")
    spec = bench.tools.books.models.rows[model]
    return [
        Question(
            model=model,
            hardware=hardware,
            request=_request(row, engine, load, spec, hardware, split),
            replicas=_replicas(row, split * stages),
            load=load,
            statistic=statistic_of(row.statistic, row.metric),
        )
        for split in splits
    ]


def _replicas(row: TableRow, ranks: int) -> float:
    """Return the replicas of a system.

    Raises
    ------
    Unpredictable
        When the ranks do not divide the GPUs.
    """
    if row.gpus % ranks:
        raise Unpredictable("the stated ranks do not divide the GPUs")
    return row.gpus / ranks


def _request(
    row: TableRow, engine: str, load: Load, model: ModelSpec, hardware: HardwareSpec, split: int
) -> PredictRequest:
    """Return one replica's question. Published closed loops draw lengths between 0.8 and 1.0 of the nominal."""
    share = MEAN_LENGTH_FRACTION if draws_lengths(row) else 1.0
    data = dataset_of(row)
    prompt = row.input_tokens if row.input_tokens is not None else (data.input_tokens if data else 0.0)
    answer = row.output_tokens if row.output_tokens is not None else (data.output_tokens if data else 0.0)
    replicas = _replicas(row, split * row.pipeline_parallel)
    value = row.load_value if row.load_value is not None and math.isfinite(row.load_value) else FULL_LOAD
    settings = row.settings
    own = engine == "vllm" and row.engine_version[:1].isdigit()
    unlimited = engine != "tensorrt-llm" and load in {"offline", "batch"} and settings.max_sequences is None
    return PredictRequest(
        engine=engine,
        quantization=_quantization(row, engine, model, hardware),
        tensor_parallel=split,
        pipeline_parallel=row.pipeline_parallel,
        attention_data_parallel=groups_of_attention(row, model, split),
        lockstep=load == "concurrency" and share == 1.0 and engine != "vllm",
        input_tokens=max(prompt * share, 1.0),
        output_tokens=max(answer * share, 2.0),
        concurrency=_concurrency(load, value / replicas),
        requests_per_s=value / replicas if load == "poisson" else None,
        utilization_fraction=settings.utilization_fraction,
        batched_tokens=settings.batched_tokens,
        max_sequences=NEVER_SCHEDULED if unlimited else settings.max_sequences,
        version=row.engine_version if own else "latest",
        pool_tokens=settings.pool_tokens,
    )


def _concurrency(load: Load, value: float) -> float | None:
    if load == "poisson":
        return None
    if load == "offline":
        return FULL_LOAD
    return 1.0 if load in {"single_stream", "trace"} else max(value, 1.0)


def _quantization(row: TableRow, engine: str, model: ModelSpec, hardware: HardwareSpec) -> str:
    stated = stated_precision(row.precision, row.model) or "auto"
    if model.quantization == "mxfp4":
        return "auto"
    if stated != "auto":
        return stated
    if dataset_of(row) is not None and engine == "tensorrt-llm":  # submitters run the narrowest type there is
        fourbit, eightbit = "fp4" in hardware.tflops, "fp8" in hardware.tflops
        return "nvfp4" if fourbit else "fp8" if eightbit else model.dtype
    return "auto" if model.quantization else model.dtype


def _answer(row: TableRow, asked: Question, metric: Metric, bench: Bench) -> Judgement | Unpredictable:
    try:
        found = _metric(row, asked, metric, bench)
    except Unpredictable as reason:
        return reason
    return Judgement(
        engine=asked.request.engine,
        hardware=asked.hardware.id,
        model=asked.model,
        load=asked.load,
        metric=metric,
        predicted=found,
    )


def _metric(row: TableRow, asked: Question, metric: Metric, bench: Bench) -> Quantity:
    timed = metric in {"ttft", "tpot", "e2e"}
    if timed and (asked.load in {"poisson", "trace"}):
        return simulated_metric(
            row, asked.model, asked.hardware, asked.request, metric, asked.statistic, bench
        )
    if timed and asked.statistic not in {"mean", "p50"}:
        raise Unpredictable(f"{asked.statistic} of a {asked.load} run is not predicted")
    if metric in {"output_throughput", "output_throughput_per_gpu", "request_throughput"}:
        return _throughput(row, asked, metric, bench)
    prediction = _predicted(asked, bench)
    each = prediction.tpot_alone_s if asked.load == "batch" else prediction.tpot_s
    answers = {
        "ttft": _first_token(row, asked, prediction),
        "tpot": each,
        "e2e": _whole(row, asked, prediction),
        "prefill_throughput": inverse(prediction.ttft_s, asked.request.input_tokens),
        "decode_throughput": inverse(each, prediction.running),
    }
    return answers[metric]


def _throughput(row: TableRow, asked: Question, metric: Metric, bench: Bench) -> Quantity:
    """Return what a system serves: all that is asked of it, or what it can."""
    rate, request = asked.request.requests_per_s, asked.request
    if rate is not None:
        asked = replace(asked, request=replace(request, requests_per_s=None, concurrency=FULL_LOAD))
    served = _predicted(asked, bench).requests_per_s
    if rate is not None:
        served = Quantity(
            value=min(served.value, rate),
            low=min(served.low, rate * (1.0 - RUN_SCATTER)),
            high=min(served.high, rate * (1.0 + RUN_SCATTER)),
            grade=served.grade,
        )
    tokens = 1.0 if metric == "request_throughput" else request.output_tokens
    gpus = row.gpus if metric == "output_throughput_per_gpu" else 1.0
    return served.scaled(asked.replicas * tokens / gpus)


def _predicted(asked: Question, bench: Bench) -> Prediction:
    """Return a prediction, made once for all metrics of a run.

    Raises
    ------
    Unpredictable
        When the configuration is refused.
    """
    key = (asked.model, asked.hardware.id, asked.request)
    if key not in bench.predictions:
        try:
            bench.predictions[key] = predict(
                bench.architecture(asked.model),
                asked.hardware,
                asked.request,
                profiles=bench.tools.profiles,
                memory_profile=bench.tools.memory_profile,
            )
        except PlannerError as error:
            kind = next((reason for words, reason in REFUSALS if words in error.message), error.message)
            bench.predictions[key] = kind
    found = bench.predictions[key]
    if isinstance(found, str):
        raise Unpredictable(found)
    return found


def _first_token(row: TableRow, asked: Question, prediction: Prediction) -> Quantity:
    """Return TTFT as the row's protocol averages it."""
    if asked.load == "batch":
        return prediction.ttft_burst_s
    if asked.load != "concurrency" or asked.statistic == "p50":
        return prediction.ttft_s
    if prediction.separate_prefill and not draws_lengths(row):
        return prediction.ttft_burst_s  # requests of one length stay in step: every wave is a burst
    return prediction.ttft_published_s


def _whole(row: TableRow, asked: Question, prediction: Prediction) -> Quantity:
    """Return the first token's time and the others', as the protocol averages them."""
    first = _first_token(row, asked, prediction)
    each = prediction.tpot_alone_s if asked.load == "batch" else prediction.tpot_s
    steps = asked.request.output_tokens - 1
    return Quantity(
        value=first.value + steps * each.value,
        low=first.low + steps * each.low,
        high=first.high + steps * each.high,
        grade=each.grade,
    )
