"""Answer a serving row's question: the metric that it reports, as its protocol measures it."""

from __future__ import annotations

import re
from dataclasses import replace

from planner.errors import PlannerError
from planner.planning.judge.judging import Bench, Unpredictable
from planner.planning.judge.metric_words import Metric, Statistic
from planner.planning.judge.simulated import simulated_metric
from planner.planning.judge.table_words import Load
from planner.planning.prediction.predict import predict
from planner.records import dataclass
from planner.specs.answers.prediction import Prediction, PredictRequest
from planner.specs.answers.validation import TableRow
from planner.specs.base import Quantity
from planner.specs.books.hardware import HardwareSpec
from planner.units import MeanCount

# A run's answers differ in length from the data set's mean, and it ends later than its last arrival: 1 to 2 % in MLPerf's
# server runs, where the rate itself is served.
RUN_SCATTER = 0.02
FULL_LOAD = 1e9  #: a concurrency that always fills the pool
SERVED = frozenset(
    {
        "output_throughput",
        "output_throughput_per_gpu",
        "request_throughput",
        "input_throughput",
        "total_throughput",
    }
)
UNSTABLE = (
    "arrival rate above the predicted saturation: the queue grows with the run, whose requests are not stated"
)
NO_FIT = "the model does not fit the GPUs with the profile's memory"
ALL_MEMORY, FEW_TOKENS = 0.98, 2048  #: what a run is given that does not fit by the engine's defaults
REFUSALS = (
    ("of KV cache on", NO_FIT),
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


def answered(row: TableRow, asked: Question, metric: Metric, bench: Bench) -> Quantity:
    """Return the prediction of a metric.

    Raises
    ------
    Unpredictable
        With the reason.
    """
    timed = metric in {"ttft", "tpot", "e2e"}
    if timed and (asked.load in {"poisson", "trace"}):
        if metric != "tpot" and row.settings.requests is None and row.trace is None:
            _check_stable(asked, bench)
        return simulated_metric(
            row, asked.model, asked.hardware, asked.request, metric, asked.statistic, bench
        )
    if timed and asked.statistic not in {"mean", "p50"}:
        raise Unpredictable(f"{asked.statistic} of a {asked.load} run is not predicted")
    if metric in SERVED:
        return _throughput(row, asked, metric, bench)
    prediction = predicted(asked, bench)
    each = prediction.tpot_alone_s if asked.load == "batch" else prediction.tpot_s
    answers = {
        "ttft": _first_token(row, asked, prediction),
        "tpot": each,
        "e2e": _whole(row, asked, prediction),
        "prefill_throughput": prediction.ttft_s.under(asked.request.input_tokens),
        "decode_throughput": each.under(prediction.running),
        "user_throughput": each.under(1.0),
    }
    return answers[metric]


def _check_stable(asked: Question, bench: Bench) -> None:
    """Raise the reason when a queue grows for as long as a run lasts, which the table leaves open."""
    rate = asked.request.requests_per_s or 0.0
    full = replace(asked, request=replace(asked.request, requests_per_s=None, concurrency=FULL_LOAD))
    if rate > predicted(full, bench).requests_per_s.value:
        raise Unpredictable(UNSTABLE)


def _throughput(row: TableRow, asked: Question, metric: Metric, bench: Bench) -> Quantity:
    """Return what a system serves: all that is asked of it, or what it can."""
    rate, request = asked.request.requests_per_s, asked.request
    if rate is not None:
        asked = replace(asked, request=replace(request, requests_per_s=None, concurrency=FULL_LOAD))
    served = predicted(asked, bench).requests_per_s
    if rate is not None:
        served = Quantity(
            value=min(served.value, rate),
            low=min(served.low, rate * (1.0 - RUN_SCATTER)),
            high=min(served.high, rate * (1.0 + RUN_SCATTER)),
            grade=served.grade,
        )
    counted = {
        "request_throughput": 1.0,
        "input_throughput": request.input_tokens,
        "total_throughput": request.input_tokens + request.output_tokens,
    }
    tokens = counted.get(metric, request.output_tokens)
    gpus = row.gpus if metric == "output_throughput_per_gpu" else 1.0
    return served.scaled(asked.replicas * tokens / gpus)


def predicted(asked: Question, bench: Bench) -> Prediction:
    """Return a prediction, made once for all metrics of a run.

    Raises
    ------
    Unpredictable
        When the configuration is refused.
    """
    key = (asked.model, asked.hardware.id, asked.request)
    if key not in bench.predictions:
        found = _asked(asked, bench)
        tight = replace(asked.request, utilization_fraction=ALL_MEMORY, batched_tokens=FEW_TOKENS)
        if found == NO_FIT and asked.request.utilization_fraction < ALL_MEMORY:
            found = _asked(replace(asked, request=tight), bench)  # it ran, so it did fit
        bench.predictions[key] = found
    found = bench.predictions[key]
    if isinstance(found, str):
        raise Unpredictable(found)
    return found


def _asked(asked: Question, bench: Bench) -> Prediction | str:
    """Return a prediction, or why there is none."""
    try:
        return predict(
            bench.architecture(asked.model),
            asked.hardware,
            asked.request,
            profiles=bench.tools.profiles,
            memory_profile=bench.tools.memory_profile,
        )
    except PlannerError as error:
        return next((reason for words, reason in REFUSALS if words in error.message), error.message)


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


def draws_lengths(row: TableRow) -> bool:
    """Tell whether a row's requests differ in length: InferenceMAX's do, the vendor's own sweeps' do not.

    aiconfigurator's table names InferenceMAX's files by date and the vendor's by model (``src=Qwen_Qwen3-32B.csv``).
    """
    vendors = re.search(r"\bsrc=(?!source_file=)[^;]*\.csv", row.notes) is not None
    return row.load_type == "concurrency" and not vendors
