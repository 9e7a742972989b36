"""Judge predictions against a measured table: every row that can be predicted, and why the others cannot."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.errors import PlannerError
from planner.planning.architecture import Architecture, unpack
from planner.planning.closed_loop import MEAN_LENGTH_FRACTION
from planner.planning.predict import predict
from planner.planning.predict_llamacpp import model_of, quantization_of, single_stream
from planner.specs.base import Quantity
from planner.specs.books import Books
from planner.specs.hardware import HardwareSpec
from planner.specs.memory_profile import EngineMemoryProfile
from planner.specs.model import ModelSpec
from planner.specs.prediction import Prediction, PredictRequest
from planner.specs.profile import ServingProfile
from planner.specs.validation import ErrorGroup, JudgedRow, SkippedRows, TableRow, Validation

ENGINES = {
    "vllm": "vllm",
    "sglang": "sglang",
    "trtllm": "tensorrt-llm",
    "tensorrt-llm": "tensorrt-llm",
    "tensorrt-llm (pytorch)": "tensorrt-llm",
    "splitwise (vllm-based)": "vllm",
}
GGUF_ENGINES = ("llamacpp", "llama.cpp", "ollama/llama.cpp", "ollama")
SINGLE_METRICS = ("prefill_throughput", "decode_throughput")
TYPICAL_TOKENS = 256.0  #: where a table of single streams states no lengths
PRECISIONS = {
    "": "auto",
    "fp4": "nvfp4",
    "nvfp4": "nvfp4",
    "fp8": "fp8",
    "fp8_block": "fp8-block",
    "fp8-block": "fp8-block",
    "bf16": "bf16",
    "bfloat16": "bf16",
    "fp16": "fp16",
    "float16": "fp16",
    "int8": "int8",
    "int4": "int4",
    "awq": "awq",
    "gptq": "gptq",
    "mxfp4": "mxfp4",
}
LOADS = ("concurrency", "request_rate_poisson", "batch", "offline_max_load")
METRICS = (
    "ttft",
    "tpot",
    "itl",
    "e2e",
    "output_throughput",
    "output_throughput_per_gpu",
    "system_output_throughput",
)
REFUSALS = (
    ("of KV cache on", "the model does not fit the GPUs with the profile's memory"),
    ("exceed the saturation", "arrival rate above saturation: the queue grows, ask planner simulate"),
)
FULL_LOAD = 1e9  #: a concurrency that always fills the pool
BENCHMARK_CONTEXT = 32_768
NEAR = 0.2  #: the share of rows within this error is reported
NEVER_SCHEDULED = 4096  #: sequences of an offline run: no limit but the pool


class Unpredictable(Exception):  # noqa: N818 - a reason, not an error
    """Why a row has no prediction."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What predictions are made from."""

    books: Books
    profiles: tuple[ServingProfile, ...]
    memory_profile: EngineMemoryProfile


def validate(rows: Sequence[TableRow], tools: Tools) -> Validation:
    """Return the errors of the predictions of ``rows`` by engine, hardware, load and metric."""
    judged: list[JudgedRow] = []
    reasons: Counter[str] = Counter()
    architectures: dict[str, Architecture] = {}
    for row in rows:
        try:
            judged.append(_judge(row, tools, architectures))
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
        by = (
            ("engine", ENGINES.get(each.row.engine, "llamacpp")),
            ("hardware", each.hardware),
            ("load_type", each.row.load_type),
        )
        for group in ((), by):
            members.setdefault((group, each.row.metric), []).append(each)
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


def _judge(row: TableRow, tools: Tools, architectures: dict[str, Architecture]) -> JudgedRow:
    if row.engine in GGUF_ENGINES:
        if row.load_type != "single_stream":
            raise Unpredictable(f"load type {row.load_type} is not predicted for llama.cpp")
        return _judge_single(row, tools, architectures)
    row = gpus_once(row)
    _check(row)
    model = _found(tools.books.models.ids_of(row.model), "model", row.model)
    hardware_id = _found(tools.books.hardware.ids_of(row.gpu), "hardware", row.gpu)
    hardware = tools.books.hardware.rows[hardware_id]
    if model not in architectures:
        spec = tools.books.models.rows[model]
        # A benchmark may run past the context that a model was trained for.
        longest = max(spec.max_context, BENCHMARK_CONTEXT)
        architectures[model] = unpack(spec.model_copy(update={"max_context": longest}))
    request = _request(row, tools.books.models.rows[model])
    prediction = _predicted(architectures[model], hardware, request, tools)
    return JudgedRow(row=row, hardware=hardware_id, model=model, predicted=_metric(row, prediction))


def gpus_once(row: TableRow) -> TableRow:
    """Return the row with each GPU counted once.

    InferenceMAX states tensor and expert parallelism over the same GPUs; aiconfigurator's copy of it multiplies
    them, so that 8 GPUs with ``moe_tp=8; moe_ep=8`` appear as 64, beside identical rows that say 8.
    """
    notes = dict(re.findall(r"\b(moe_tp|moe_ep|adp)=(\d+)", row.notes))
    tp, ep = int(notes.get("moe_tp", 0)), int(notes.get("moe_ep", 0))
    if tp == ep > 1 and row.gpus == tp * ep:
        return replace(row, gpus=tp, tensor_parallel=min(row.tensor_parallel, tp))
    return row


def draws_lengths(row: TableRow) -> bool:
    """Tell whether a row's requests differ in length: InferenceMAX's do, the vendor's own sweeps' do not.

    aiconfigurator's table names InferenceMAX's files by date and the vendor's by model (``src=Qwen_Qwen3-32B.csv``).
    """
    vendors = re.search(r"\bsrc=(?!source_file=)[^;]*\.csv", row.notes) is not None
    return row.load_type == "concurrency" and not vendors


def _check(row: TableRow) -> None:
    """Raise the reason why a row lies outside the model."""
    data_parallel = re.search(r"\badp=(\d+)", row.notes)
    reasons = (
        (row.engine not in ENGINES, f"engine {row.engine or 'not stated'} has no step-time profile"),
        (row.metric not in METRICS, f"metric {row.metric} is not predicted"),
        (row.load_type not in LOADS, f"load type {row.load_type} is not predicted"),
        ("mode=disagg" in row.notes, "prefill and decode on separate GPUs"),
        (row.pipeline_parallel > 1, "pipeline parallel"),
        (data_parallel is not None and int(data_parallel[1]) > 1, "attention data parallel"),
        (row.gpus != row.tensor_parallel, "several replicas or expert parallel beyond tensor parallel"),
        (row.input_tokens is None or row.output_tokens is None, "no input and output lengths"),
        (row.load_value is None, "no load"),
        (row.precision not in PRECISIONS, f"precision {row.precision} is not known"),
        (not row.value > 0, "the measured value is not above 0"),
    )
    for wrong, reason in reasons:
        if wrong:
            raise Unpredictable(reason)


def _judge_single(row: TableRow, tools: Tools, architectures: dict[str, Architecture]) -> JudgedRow:
    """Judge one user on llama.cpp: the speed of the prompt, and of the answer."""
    if row.metric not in SINGLE_METRICS:
        raise Unpredictable(f"metric {row.metric} is not predicted for a single stream")
    name = model_of(tools.books.models, row.model)
    if name is None:
        raise Unpredictable(f"model {row.model} is not in the book")
    quantization = quantization_of(row.model) or quantization_of(row.precision)
    if quantization is None:
        raise Unpredictable("no GGUF type is stated")
    hardware_id = _found(tools.books.hardware.ids_of(row.gpu), "hardware", row.gpu)
    architecture = architectures.setdefault(f"gguf:{name}", unpack(tools.books.models.rows[name]))
    try:
        speed = single_stream(
            architecture,
            tools.books.hardware.rows[hardware_id],
            tools.profiles,
            quantization=quantization,
            input_tokens=row.input_tokens or TYPICAL_TOKENS,
            output_tokens=row.output_tokens or TYPICAL_TOKENS,
        )
    except PlannerError as error:
        raise Unpredictable(error.message) from None
    decode = row.metric == "decode_throughput"
    found = speed.decode_tokens_per_s if decode else speed.prefill_tokens_per_s
    return JudgedRow(row=row, hardware=hardware_id, model=name, predicted=found)


def _found(ids: tuple[str, ...], what: str, name: str) -> str:
    if len(ids) != 1:
        raise Unpredictable(f"{what} {name} is {'ambiguous' if ids else 'not in the book'}")
    return ids[0]


def _request(row: TableRow, model: ModelSpec) -> PredictRequest:
    """Return the row's question. Published closed loops draw lengths between 0.8 and 1.0 of the nominal."""
    lengths = MEAN_LENGTH_FRACTION if draws_lengths(row) else 1.0
    load = float(row.load_value or 0.0)
    poisson = row.load_type == "request_rate_poisson"
    offline = row.load_type == "offline_max_load"
    quantization = PRECISIONS[row.precision]
    if model.quantization == "mxfp4" or (quantization == "auto" and model.quantization):
        quantization = "auto"
    elif quantization == "auto":
        quantization = model.dtype
    return PredictRequest(
        engine=ENGINES[row.engine],
        quantization=quantization,
        tensor_parallel=row.tensor_parallel,
        input_tokens=float(row.input_tokens or 0.0) * lengths,
        output_tokens=max(float(row.output_tokens or 0.0) * lengths, 2.0),
        concurrency=None if poisson else (FULL_LOAD if offline else load),
        requests_per_s=load if poisson else None,
        max_sequences=NEVER_SCHEDULED if offline or row.load_type == "batch" else None,
        version=row.engine_version if row.engine == "vllm" and row.engine_version[:1].isdigit() else "latest",
    )


def _predicted(
    architecture: Architecture, hardware: HardwareSpec, request: PredictRequest, tools: Tools
) -> Prediction:
    try:
        return predict(
            architecture,
            hardware,
            request,
            profiles=tools.profiles,
            memory_profile=tools.memory_profile,
        )
    except PlannerError as error:
        kind = next((reason for words, reason in REFUSALS if words in error.message), error.message)
        raise Unpredictable(kind) from None


def _first_token(row: TableRow, prediction: Prediction) -> Quantity:
    """Return TTFT as the row's protocol averages it."""
    if row.load_type != "concurrency":
        return prediction.ttft_burst_s if row.load_type == "batch" else prediction.ttft_s
    if prediction.separate_prefill and not draws_lengths(row):
        return prediction.ttft_burst_s  # requests of one length stay in step: every wave is a burst
    return prediction.ttft_published_s


def _metric(row: TableRow, prediction: Prediction) -> Quantity:
    quantities: Mapping[str, Quantity] = {
        "ttft": _first_token(row, prediction),
        "tpot": prediction.tpot_s,
        "itl": prediction.tpot_s,
        "e2e": prediction.e2e_s,
        "output_throughput": prediction.output_tokens_per_s,
        "system_output_throughput": prediction.output_tokens_per_s,
    }
    if row.metric == "output_throughput_per_gpu":
        found = prediction.output_tokens_per_s
        return Quantity(
            value=found.value / row.gpus,
            low=found.low / row.gpus,
            high=found.high / row.gpus,
            grade=found.grade,
        )
    return quantities[row.metric]
