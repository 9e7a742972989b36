"""The work behind ``planner fit``: look the names up, ask for every device, put the best first, time one that fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from planner.cli.options import today
from planner.errors import DataError, UsageError
from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.model_files import is_model_path, read_model
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.memory.architecture import Architecture, unpack
from planner.planning.memory.fit import fit_vllm
from planner.planning.memory.fit_llamacpp import fit_llamacpp
from planner.planning.memory.shortage import VLLM_KINDS
from planner.planning.memory.size_agreement import check_size
from planner.planning.prediction.predict import predict
from planner.planning.prediction.predict_stream import predict_stream
from planner.specs.answers.fit import Fit, FitRequest
from planner.specs.answers.prediction import FitLatency, Prediction, PredictRequest, StreamPrediction
from planner.specs.books.books import Books
from planner.specs.books.hardware import HardwareSpec

ANSWER_TOKENS = 256  #: of a sequence whose time is shown (chosen: the default of planner predict)


def answers_for(
    model: str, gpu: str | None, request: FitRequest, folders: tuple[Path, ...], *, clip_context: bool
) -> tuple[Fit, ...]:
    """Return the answer for one device, or for all that the engine runs on, those that fit first.

    ``clip_context`` shortens a context that the user did not ask for to the model's own.

    Raises
    ------
    UsageError
        When the question makes no sense for the device, or for any of them.
    """
    books = load_books(*folders)
    architecture = _architecture(model, books)
    if clip_context:
        shorter = min(request.context_tokens, architecture.model.max_context)
        request = replace(request, context_tokens=shorter)
    profile = load_vllm_memory()

    def answer(hardware: HardwareSpec) -> Fit:
        if request.engine == "llamacpp":
            return fit_llamacpp(architecture, hardware, request)
        return fit_vllm(architecture, hardware, request, profile)

    if gpu is not None:
        return (answer(books.hardware.find(gpu)),)
    devices = [books.hardware.rows[name] for name in books.hardware.rows]
    everywhere = request.engine == "llamacpp"
    answers = [answer(hardware) for hardware in devices if everywhere or hardware.kind in VLLM_KINDS]
    return tuple(sorted(answers, key=_best_first))


def latency_of(model: str, answer: Fit, request: FitRequest, folders: tuple[Path, ...]) -> FitLatency | None:
    """Predict how fast a configuration that fits answers, each sequence as long as was asked for.

    ``None`` where it does not fit. llama.cpp is timed with one sequence.
    """
    if not answer.fits:
        return None
    books = load_books(*folders)
    output = min(ANSWER_TOKENS, answer.context_tokens // 2)
    alone = request.engine == "llamacpp"
    latency = FitLatency(
        concurrency=1 if alone else answer.concurrency,
        input_tokens=max(answer.context_tokens - output, 1),
        output_tokens=max(output, 1),
        prediction=None,
    )
    asked = PredictRequest(
        engine=request.engine,
        quantization=request.quantization,
        kv_dtype=request.kv_dtype,
        tensor_parallel=request.tensor_parallel,
        pipeline_parallel=request.pipeline_parallel,
        input_tokens=latency.input_tokens,
        output_tokens=latency.output_tokens,
        concurrency=latency.concurrency,
        utilization_fraction=request.utilization_fraction,
        batched_tokens=request.batched_tokens,
        max_sequences=request.max_sequences,
        version=request.version,
        pool_tokens=None if alone else answer.kv_pool_tokens,
    )
    architecture, hardware = _architecture(model, books), books.hardware.find(answer.hardware)
    profiles = load_serving_profiles()
    try:
        if alone:
            found: Prediction | StreamPrediction = predict_stream(
                architecture, hardware, asked, profiles=profiles
            )
        else:
            memory = load_vllm_memory()
            found = predict(architecture, hardware, asked, profiles=profiles, memory_profile=memory)
    except (DataError, UsageError) as error:  # memory is known where speed is not: a device without rates
        return replace(latency, unknown=error.message)
    return replace(latency, prediction=found)


def _architecture(model: str, books: Books) -> Architecture:
    """Return a model of the book, or the one that a file describes, unpacked."""
    if not is_model_path(model):
        return unpack(books.models.find(model))
    own = read_model(Path(model), checked=today())
    check_size(own)
    return unpack(own)


def _best_first(answer: Fit) -> tuple[bool, float, float, str]:
    """Sort what fits by size, smallest first; then what does not, nearest first."""
    return (not answer.fits, answer.shortage_bytes, answer.physical_bytes, answer.hardware)
