"""``planner fit``: does a model fit a device, and what would make it fit."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.fit_answers import answers_for, latency_of
from planner.cli.options import (
    BooksOption,
    Format,
    FormatOption,
    NoColorOption,
    OutputOption,
    QuietOption,
    StrictOption,
    emit,
    screen_of,
)
from planner.errors import EXIT_FINDING
from planner.report import fit as report
from planner.specs.answers.fit import DEFAULT_UTILIZATION_FRACTION, Fit, FitRequest
from planner.specs.answers.prediction import FitLatency

if TYPE_CHECKING:
    from collections.abc import Sequence


app = typer.Typer(rich_markup_mode=None)
DEFAULT_CONTEXT = 8192


class Engine(StrEnum):
    """What runs the model."""

    vllm = "vllm"
    llamacpp = "llamacpp"


@app.command()
def fit(
    model: Annotated[
        str, typer.Argument(help="A model of the book, a folder with config.json, or a .gguf file.")
    ],
    *,
    gpu: Annotated[str | None, typer.Option(help="A device of the book; every device when left out.")] = None,
    engine: Annotated[Engine, typer.Option(help="What runs the model.")] = Engine.vllm,
    tensor_parallel: Annotated[int, typer.Option(help="GPUs that share each layer.")] = 1,
    pipeline_parallel: Annotated[int, typer.Option(help="Stages that share the layers.")] = 1,
    context: Annotated[
        int | None, typer.Option(help="Tokens of one sequence, answer included; 8192 unless given.")
    ] = None,
    concurrency: Annotated[int, typer.Option(help="Sequences at once.")] = 1,
    quantization: Annotated[
        str, typer.Option(help="auto, bf16, fp8, awq, nvfp4 …; q4_k_m … for llama.cpp.")
    ] = "auto",
    kv_dtype: Annotated[str, typer.Option(help="auto, fp8; q8_0 … for llama.cpp.")] = "auto",
    memory_utilization: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of memory that vLLM may use.")
    ] = DEFAULT_UTILIZATION_FRACTION,
    max_num_seqs: Annotated[int | None, typer.Option(min=1, help="vLLM's limit of sequences.")] = None,
    max_num_batched_tokens: Annotated[int | None, typer.Option(min=1, help="vLLM's tokens per step.")] = None,
    engine_version: Annotated[str, typer.Option(help="Memory differs by version.")] = "latest",
    memory_gib: Annotated[float | None, typer.Option(help="Size of a device sold in several.")] = None,
    gpu_layers: Annotated[
        int | None, typer.Option("--gpu-layers", "-ngl", min=1, help="llama.cpp's layers on the device.")
    ] = None,
    swa_full: Annotated[
        bool, typer.Option("--swa-full", help="llama.cpp keeps all of sliding-window layers.")
    ] = False,
    strict: StrictOption = False,
    books: BooksOption = None,
    output_format: FormatOption = Format.table,
    output: OutputOption = "-",
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say whether a model fits: weights, KV cache, longest context, sequences at once."""
    request = FitRequest(
        engine=engine.value,
        quantization=quantization,
        kv_dtype=kv_dtype,
        tensor_parallel=tensor_parallel,
        pipeline_parallel=pipeline_parallel,
        context_tokens=DEFAULT_CONTEXT if context is None else context,
        concurrency=concurrency,
        utilization_fraction=memory_utilization,
        version=engine_version,
        batched_tokens=max_num_batched_tokens,
        max_sequences=max_num_seqs,
        memory_gib=memory_gib,
        gpu_layers=gpu_layers,
        swa_full=swa_full,
    )
    answers = answers_for(model, gpu, request, tuple(books or ()), clip_context=context is None)
    latency = latency_of(model, answers[0], request, tuple(books or ())) if gpu is not None else None
    width, color = screen_of(output, no_color=no_color)
    screen = (width, color, quiet)
    emit(_shown(answers, latency, output_format, single=gpu is not None, screen=screen), output)
    if strict and not any(answer.fits for answer in answers):
        raise typer.Exit(EXIT_FINDING)


def _shown(
    answers: Sequence[Fit],
    latency: FitLatency | None,
    output_format: Format,
    *,
    single: bool,
    screen: tuple[int, bool, bool],
) -> str:
    if output_format is Format.json:
        return report.fit_json(answers, single=single, latency=latency)
    if output_format is Format.csv:
        return report.fit_csv(answers)
    if output_format is Format.md:
        return report.fit_markdown(answers)
    width, color, quiet = screen
    return report.fit_table(answers, single=single, width=width, color=color, quiet=quiet, latency=latency)
