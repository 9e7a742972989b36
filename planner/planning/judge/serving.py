"""Judge a serving engine: the row's question, its protocol, and the metric that it reports."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from planner.planning.judge.disaggregated import decode_worker, is_disaggregated
from planner.planning.judge.judging import Bench, Judgement, Unpredictable
from planner.planning.judge.metric_words import Metric, statistic_of
from planner.planning.judge.mlperf import dataset_of, searches_beams
from planner.planning.judge.recipes import DEFAULTS, PublishedRun, Recipe, recipe_of
from planner.planning.judge.serving_metrics import FULL_LOAD, Question, answered, draws_lengths, predicted
from planner.planning.judge.table_words import Load, precision_of, stated_precision
from planner.planning.memory.schemes import weight_scheme
from planner.planning.prediction.closed_loop import MEAN_LENGTH_FRACTION
from planner.planning.prediction.profile_choice import hardware_class
from planner.specs.answers.prediction import PredictRequest
from planner.specs.answers.validation import TableRow
from planner.specs.books.hardware import ComputeDtype, HardwareSpec
from planner.specs.books.model import ModelSpec

NEVER_SCHEDULED = 4096  #: sequences of an offline run: no limit but the pool
QUEUED = frozenset({"ttft", "e2e", "prefill_throughput"})
UNCOUNTED = frozenset({"offline", "single_stream", "trace"})  #: loads that need no number
OTHER_SIXTEEN_BITS: dict[str, ComputeDtype] = {"bf16": "fp16", "fp16": "bf16"}
SPLITS = (1, 2, 4, 8)  #: tensor-parallel ranks that a submitter chooses from


def judge_serving(row: TableRow, engine: str, load: Load, metric: Metric, bench: Bench) -> Judgement:
    """Return the prediction of a serving engine's metric.

    Raises
    ------
    Unpredictable
        With the reason.
    """
    row = gpus_once(row)
    if is_disaggregated(row):
        row, load = decode_worker(row, metric), "batch"  # no prompt ever joins what it decodes
    check_row(row, load, metric)
    questions = _tuned(_questions(row, engine, load, bench), bench)
    first: Unpredictable | None = None
    for each in questions:
        found = _answer(row, each, metric, bench)
        if isinstance(found, Judgement):
            return found
        first = first or found
    raise first or Unpredictable("the stated ranks do not divide the GPUs")


def _tuned(questions: list[Question], bench: Bench) -> list[Question]:
    """Return the ways to split a system, the one that serves most first: where none is stated, it was tuned."""
    if len(questions) == 1:
        return questions

    def most(asked: Question) -> float:
        full = replace(asked.request, requests_per_s=None, concurrency=FULL_LOAD)
        try:
            found = predicted(replace(asked, request=full), bench)
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


def check_row(row: TableRow, load: Load, metric: Metric) -> None:
    """Raise the reason why a row lies outside the model.

    Raises
    ------
    Unpredictable
        With the reason.
    """
    lengths = row.input_tokens is not None and row.output_tokens is not None
    reasons = (
        (searches_beams(row), "answers are searched with several beams"),
        (not lengths and dataset_of(row) is None, "no input and output lengths"),
        (precision_of(row.precision) is None, f"precision {row.precision} is not known"),
        (load == "offline" and metric in QUEUED, "latencies of an offline run grow with its requests"),
    )
    for wrong, reason in reasons:
        if wrong:
            raise Unpredictable(reason)


def _questions(row: TableRow, engine: str, load: Load, bench: Bench) -> list[Question]:
    model, hardware = bench.model(row.model), bench.device(row.gpu)
    if load not in UNCOUNTED and row.load_value is None:
        raise Unpredictable(f"no number stands beside the load type {row.load_type}")
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


def _lengths(row: TableRow) -> tuple[float, float]:
    """Return the tokens of prompt and answer as the row states them, else the means of its data set. [tokens]"""
    data = dataset_of(row)
    prompt, answer = (data.input_tokens, data.output_tokens) if data is not None else (0.0, 0.0)
    return (
        row.input_tokens if row.input_tokens is not None else prompt,
        row.output_tokens if row.output_tokens is not None else answer,
    )


def _request(
    row: TableRow, engine: str, load: Load, model: ModelSpec, hardware: HardwareSpec, split: int
) -> PredictRequest:
    """Return one replica's question. Published closed loops draw lengths between 0.8 and 1.0 of the nominal."""
    share = MEAN_LENGTH_FRACTION if draws_lengths(row) else 1.0
    prompt, answer = _lengths(row)
    replicas = _replicas(row, split * row.pipeline_parallel)
    value = row.load_value if row.load_value is not None and math.isfinite(row.load_value) else FULL_LOAD
    settings = row.settings
    recipe = _recipe(row, engine, model, hardware, split)
    own = engine == "vllm" and row.engine_version[:1].isdigit()
    unlimited = engine != "tensorrt-llm" and load in {"offline", "batch"} and settings.max_sequences is None
    return PredictRequest(
        engine=engine,
        quantization=_quantization(row, model, hardware),
        kv_dtype=recipe.kv_dtype,
        inbox_steps=recipe.inbox_steps,
        batch_wait_steps=recipe.batch_wait_steps,
        tensor_parallel=split,
        pipeline_parallel=row.pipeline_parallel,
        attention_data_parallel=groups_of_attention(row, model, split),
        expert_parallel=_whole_experts(row, split),
        lockstep=load == "concurrency" and share == 1.0 and engine != "vllm",
        input_tokens=max(prompt * share, 1.0),
        output_tokens=max(answer * share, 2.0),
        concurrency=_concurrency(load, value / replicas),
        requests_per_s=value / replicas if load == "poisson" else None,
        utilization_fraction=settings.utilization_fraction,
        batched_tokens=settings.batched_tokens or recipe.batched_tokens,
        max_sequences=NEVER_SCHEDULED if unlimited else settings.max_sequences,
        version=row.engine_version if own else "latest",
        pool_tokens=settings.pool_tokens,
    )


def _recipe(row: TableRow, engine: str, model: ModelSpec, hardware: HardwareSpec, split: int) -> Recipe:
    """Return the settings of a run of InferenceMAX; the engine's own for all others."""
    if (
        not draws_lengths(row)
        or row.input_tokens is None
        or row.output_tokens is None
        or row.load_value is None
    ):
        return DEFAULTS
    return recipe_of(
        PublishedRun(
            engine=engine,
            model=model.id,
            hardware_class=hardware_class(hardware),
            weights=weight_scheme(_quantization(row, model, hardware), model=model).name,
            tensor_parallel=split,
            attention_groups=groups_of_attention(row, model, split),
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
            concurrency=row.load_value,
        )
    )


def _whole_experts(row: TableRow, split: int) -> bool:
    """Tell whether a row states that each of its ranks holds whole experts."""
    stated = re.search(r"\bmoe_ep=(\d+)", row.notes)
    return stated is not None and split > 1 and int(stated[1]) == split


def _concurrency(load: Load, value: float) -> float | None:
    if load == "poisson":
        return None
    if load == "offline":
        return FULL_LOAD
    return 1.0 if load in {"single_stream", "trace"} else max(value, 1.0)


def _quantization(row: TableRow, model: ModelSpec, hardware: HardwareSpec) -> str:
    stated = stated_precision(row.precision, row.model) or "auto"
    if model.quantization == "mxfp4":
        return "auto"
    if stated != "auto":
        return _as_run(stated, hardware)
    if dataset_of(row) is not None:  # submitters run the narrowest type there is
        fourbit, eightbit = "fp4" in hardware.tflops, "fp8" in hardware.tflops
        return "nvfp4" if fourbit else "fp8" if eightbit else model.dtype
    return "auto" if model.quantization else _as_run(model.dtype, hardware)


def _as_run(scheme: str, hardware: HardwareSpec) -> str:
    """Return a scheme as a device can run it: engines take the other 16-bit type where it lacks one."""
    other = OTHER_SIXTEEN_BITS.get(scheme)
    return other if other in hardware.tflops and scheme not in hardware.tflops else scheme


def _answer(row: TableRow, asked: Question, metric: Metric, bench: Bench) -> Judgement | Unpredictable:
    try:
        found = answered(row, asked, metric, bench)
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
