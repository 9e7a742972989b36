"""``planner predict``: TTFT, TPOT and throughput of one configuration at one load."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from planner.cli.options import (
    BooksOption,
    Format,
    FormatOption,
    NoColorOption,
    OutputOption,
    QuietOption,
    emit,
    screen_of,
)
from planner.cli.step_profiles import ProfileOption, chosen_profile
from planner.errors import UsageError
from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.memory.architecture import unpack
from planner.planning.prediction.predict import predict as predict_from_books
from planner.planning.prediction.predict_profile import predict_from_profile
from planner.planning.prediction.predict_stream import predict_stream
from planner.report import predict as report
from planner.specs.answers.fit import DEFAULT_UTILIZATION_FRACTION
from planner.specs.answers.prediction import Prediction, PredictRequest, StreamPrediction

SEED = 0  # of the arrivals and lengths with which a measured profile is simulated

app = typer.Typer(rich_markup_mode=None)
LLAMACPP = frozenset({"llamacpp", "llama.cpp"})


@app.command()
def predict(
    *,
    model: Annotated[str | None, typer.Option(help="A model of the book: id, alias or hub id.")] = None,
    gpu: Annotated[str | None, typer.Option(help="A device of the book.")] = None,
    engine: Annotated[
        str,
        typer.Option(
            help="vllm, sglang, tensorrt-llm, llamacpp, lmdeploy, tgi, deepspeed, or vllm-eager: no CUDA graphs."
        ),
    ] = "vllm",
    tensor_parallel: Annotated[int, typer.Option(help="GPUs that share each layer.")] = 1,
    pipeline_parallel: Annotated[int, typer.Option(help="Stages that share the layers.")] = 1,
    expert_parallel: Annotated[bool, typer.Option(help="Whole experts on each GPU.")] = False,
    attention_data_parallel: Annotated[
        int, typer.Option(help="Groups of the tensor-parallel GPUs that hold the attention each.")
    ] = 1,
    draft_tokens: Annotated[int, typer.Option(help="Tokens drafted a step (speculative decoding).")] = 0,
    acceptance: Annotated[float, typer.Option(help="Chance that a drafted token is accepted.")] = 0.0,
    draft_cost: Annotated[float, typer.Option(help="Time to draft over a decoding step's.")] = 0.0,
    cached: Annotated[float, typer.Option(help="Share of a prompt in the prefix cache.")] = 0.0,
    quantization: Annotated[str, typer.Option(help="auto, bf16, fp8, nvfp4, awq …")] = "auto",
    kv_dtype: Annotated[str, typer.Option(help="auto or fp8.")] = "auto",
    input_tokens: Annotated[int, typer.Option(help="Tokens of a prompt.")] = 1024,
    output_tokens: Annotated[int, typer.Option(help="Tokens of an answer.")] = 256,
    concurrency: Annotated[float | None, typer.Option(help="Requests in flight (closed loop).")] = None,
    rate: Annotated[float | None, typer.Option(help="Requests per second (open loop).")] = None,
    memory_utilization: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of memory that the engine may use.")
    ] = DEFAULT_UTILIZATION_FRACTION,
    max_num_seqs: Annotated[int | None, typer.Option(min=1, help="Limit of sequences.")] = None,
    max_num_batched_tokens: Annotated[int | None, typer.Option(min=1, help="Tokens per step.")] = None,
    pool_tokens: Annotated[
        int | None, typer.Option(min=1, help="KV cache that the engine printed at its start; computed, else.")
    ] = None,
    engine_version: Annotated[str, typer.Option(help="Memory differs by version.")] = "latest",
    profile: ProfileOption = None,
    detail: Annotated[bool, typer.Option(help="Show a step by operator, beside the speed of light.")] = False,
    books: BooksOption = None,
    output_format: FormatOption = Format.table,
    output: OutputOption = "-",
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> None:
    """Predict time to first token, time per token and throughput, with 80 % intervals."""
    if output_format not in {Format.table, Format.json}:
        raise UsageError(f"planner predict writes table or json, not {output_format.value}")
    request = PredictRequest(
        engine="llamacpp" if engine in LLAMACPP else engine,
        quantization=quantization,
        kv_dtype=kv_dtype,
        tensor_parallel=tensor_parallel,
        pipeline_parallel=pipeline_parallel,
        expert_parallel=expert_parallel,
        attention_data_parallel=attention_data_parallel,
        draft_tokens=draft_tokens,
        acceptance_fraction=acceptance,
        draft_cost_fraction=draft_cost,
        cached_fraction=cached,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        concurrency=concurrency if concurrency is not None or rate is not None else 1.0,
        requests_per_s=rate,
        utilization_fraction=memory_utilization,
        max_sequences=max_num_seqs,
        batched_tokens=max_num_batched_tokens,
        version=engine_version,
        pool_tokens=pool_tokens,
    )
    answer = _answer(model, gpu, request, profile, tuple(books or ()))
    if output_format is Format.json:
        emit(report.predict_json(answer), output)
        return
    width, color = screen_of(output, no_color=no_color)
    if isinstance(answer, Prediction):
        text = report.predict_table(answer, detail=detail, width=width, color=color, quiet=quiet)
    else:
        text = report.stream_table(answer, detail=detail, width=width, color=color, quiet=quiet)
    emit(text, output)


def _answer(
    model: str | None, gpu: str | None, request: PredictRequest, choice: str | None, books: tuple[Path, ...]
) -> Prediction | StreamPrediction:
    """Predict with the measured profile that matches, else with the shipped coefficients of the class."""
    shelves = load_books(*books)
    chosen = chosen_profile(
        choice,
        kind=request.engine,
        model=shelves.models.find(model).id if model else None,
        quantization=request.quantization,
        hardware=shelves.hardware.find(gpu).id if gpu else None,
        version=request.version,
    )
    if chosen is not None:
        return predict_from_profile(chosen, request, np.random.default_rng(SEED))
    if model is None or gpu is None:
        raise UsageError("say what to predict", cure="give --model and --gpu, or --profile FILE")
    architecture, hardware = unpack(shelves.models.find(model)), shelves.hardware.find(gpu)
    profiles = load_serving_profiles()
    if request.engine == "llamacpp":
        return predict_stream(architecture, hardware, request, profiles=profiles)
    return predict_from_books(
        architecture, hardware, request, profiles=profiles, memory_profile=load_vllm_memory()
    )
