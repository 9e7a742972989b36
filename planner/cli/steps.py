"""``planner steps``: time the steps of a GGUF file with llama.cpp in process."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Annotated

import typer

from planner.bench.steps import large_enough, measure_run
from planner.cli.calibrate import show_progress
from planner.cli.gguf_file import gguf_file
from planner.cli.options import (
    NoColorOption,
    OutputOption,
    QuietOption,
    ScreenFormat,
    ScreenFormatOption,
    emit,
    screen_of,
)
from planner.engines.host import usable_cpus
from planner.engines.llamacpp_session import LlamaCppSettings
from planner.errors import UsageError
from planner.report.bench.steps import steps_table
from planner.report.plain import plain, to_json
from planner.specs.measured.step_point import StepPoint

app = typer.Typer(rich_markup_mode=None)


@app.command()
def steps(
    file: Annotated[Path, typer.Argument(metavar="FILE.gguf", help="The model file.")],
    *,
    prompt: Annotated[str, typer.Option(metavar="N[,N...]", help="Prompt lengths to prefill.")] = "512",
    batch: Annotated[str, typer.Option(metavar="N[,N...]", help="Sequences that decode together.")] = "1",
    depth: Annotated[str, typer.Option(metavar="N[,N...]", help="Tokens in the cache; 0 is none.")] = "0",
    generate: Annotated[int, typer.Option(min=1, help="Decode steps per point.")] = 64,
    repetitions: Annotated[int, typer.Option(min=1, help="Prefills per point.")] = 5,
    threads: Annotated[int, typer.Option(min=0, help="Threads of the engine; 0: all processors.")] = 0,
    patience: Annotated[float, typer.Option(min=0, help="Seconds to wait for a quiet machine.")] = 20.0,
    form: ScreenFormatOption = ScreenFormat.table,
    output: OutputOption = "-",
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> None:
    """Time prefill by prompt length and decode by batch, each at every depth. JSON can be given to calibrate."""
    gguf_file(file)
    points = points_of(prompt, batch, depth, generate=generate, repetitions=repetitions)
    settings = large_enough(LlamaCppSettings(model=str(file), threads=threads or usable_cpus()), points)
    largest = max(max(point.prompt_tokens, point.sequences) for point in points)
    run = measure_run(
        replace(settings, batch_tokens=max(settings.batch_tokens, largest)),
        points,
        model=file.stem,
        synthetic=False,  # a synthetic file says so itself
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        patience_s=patience,
        progress=None if quiet else show_progress,
    )
    width, color = screen_of(output, no_color=no_color)
    emit(
        to_json(plain(run)) if form is ScreenFormat.json else steps_table(run, width=width, color=color),
        output,
    )


def points_of(
    prompt: str, batch: str, depth: str, *, generate: int, repetitions: int
) -> tuple[StepPoint, ...]:
    """Return every prompt length, then every batch, each at every depth."""
    depths = _counts(depth, "--depth", least=0)
    prefills = tuple(
        StepPoint(prompt_tokens=tokens, prompt_offset_tokens=cached, repetitions=repetitions)
        for tokens, cached in product(_counts(prompt, "--prompt", least=1), depths)
    )
    decodes = tuple(
        StepPoint(sequences=sequences, context_tokens=cached, repetitions=generate)
        for sequences, cached in product(_counts(batch, "--batch", least=1), depths)
    )
    return prefills + decodes


def _counts(text: str, name: str, *, least: int) -> tuple[int, ...]:
    try:
        values = tuple(int(part) for part in text.split(","))
    except ValueError:
        values = (least - 1,)
    if min(values) < least:
        raise UsageError(
            f"bad {name} {text!r}", cure=f"give whole numbers from {least}, with commas: 128,512"
        )
    return values
