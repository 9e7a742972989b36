"""``planner simulate``: what every request sees on one replica, event by event."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.options import (
    BooksOption,
    Format,
    FormatOption,
    NoColorOption,
    OutputOption,
    QuietOption,
    SetOption,
    emit,
    screen_of,
)
from planner.errors import UsageError

if TYPE_CHECKING:
    from planner.specs.scenario import Scenario
    from planner.specs.simulated import ReplicaSimulation
    from planner.specs.simulation import RequestBatch

app = typer.Typer(rich_markup_mode=None)
MOST_TOKENS = 1_000_000  #: longer draws of a log-normal are cut here; the KV pool refuses far shorter ones


@app.command()
def simulate(
    scenario: Annotated[Path | None, typer.Argument(help="A scenario: its peak traffic is served.")] = None,
    *,
    trace: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="CSV or .jsonl: time, input and output tokens."),
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Poisson arrivals, requests per second.")] = None,
    input_tokens: Annotated[int, typer.Option(help="Tokens of a prompt, with --rate.")] = 1024,
    output_tokens: Annotated[int, typer.Option(help="Tokens of an answer, with --rate.")] = 256,
    requests: Annotated[int, typer.Option(min=1, help="Requests to draw.")] = 2000,
    replicas: Annotated[int, typer.Option(min=1, help="Replicas that share the traffic.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 0,
    model: Annotated[str | None, typer.Option(help="A model of the book; the scenario's own, else.")] = None,
    gpu: Annotated[str | None, typer.Option(help="A device of the book; the scenario's own, else.")] = None,
    tensor_parallel: Annotated[int, typer.Option(min=1, help="GPUs that share each layer.")] = 1,
    quantization: Annotated[str, typer.Option(help="auto, bf16, fp8, nvfp4, awq …")] = "auto",
    kv_dtype: Annotated[str, typer.Option(help="auto or fp8.")] = "auto",
    memory_utilization: Annotated[float, typer.Option(help="Share of memory that the engine may use.")] = 0.9,
    max_num_seqs: Annotated[int | None, typer.Option(help="Limit of sequences.")] = None,
    max_num_batched_tokens: Annotated[int | None, typer.Option(help="Tokens per step.")] = None,
    sets: SetOption = None,
    books: BooksOption = None,
    output_format: FormatOption = Format.table,
    output: OutputOption = "-",
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> None:
    """Simulate vLLM's scheduler on one replica: percentiles, queue and batch; --format csv has every request."""
    from planner.inputs.books import load_books
    from planner.inputs.memory_profiles import load_vllm_memory
    from planner.inputs.serving_profiles import load_serving_profiles
    from planner.planning.architecture import unpack
    from planner.planning.simulate import simulate_replica
    from planner.specs.prediction import PredictRequest

    known, batch = _traffic(
        scenario, trace, rate, (input_tokens, output_tokens), (requests, replicas, seed), tuple(sets or ())
    )
    model, gpu = _configuration(known, model, gpu)
    shelves = load_books(*(books or ()))
    request = PredictRequest(
        quantization=quantization,
        kv_dtype=kv_dtype,
        tensor_parallel=tensor_parallel,
        utilization_fraction=memory_utilization,
        max_sequences=max_num_seqs,
        batched_tokens=max_num_batched_tokens,
    )
    simulation = simulate_replica(
        unpack(shelves.models.find(model)),
        shelves.hardware.find(gpu),
        request,
        batch,
        profiles=load_serving_profiles(),
        memory_profile=load_vllm_memory(),
    )
    _show(simulation, output_format, output, no_color=no_color, quiet=quiet)


def _traffic(
    scenario: Path | None,
    trace: Path | None,
    rate: float | None,
    tokens: tuple[int, int],
    draw: tuple[int, int, int],
    sets: tuple[str, ...],
) -> tuple[Scenario | None, RequestBatch]:
    """Read or draw one replica's requests from whichever source was given."""
    import numpy as np

    from planner.inputs.jsonl_traces import read_jsonl_trace
    from planner.inputs.scenario import read_scenario
    from planner.inputs.traces import read_trace
    from planner.planning.simulate import peak_batch
    from planner.planning.workload import workload_of
    from planner.simulation.arrivals import gamma_arrivals
    from planner.specs.simulation import RequestBatch

    if [scenario, trace, rate].count(None) != 2:
        raise UsageError("give the traffic once", cure="use one of SCENARIO, --trace FILE or --rate R")
    requests, replicas, seed = draw
    generator = np.random.default_rng(seed)
    if scenario is not None:
        file = read_scenario(scenario, sets)
        workload = workload_of(file.scenario, file.texts)
        drawn = peak_batch(workload, generator, requests=requests, replicas=replicas, most_tokens=MOST_TOKENS)
        return file.scenario, drawn
    if trace is not None and trace.suffix == ".jsonl":
        return None, read_jsonl_trace(trace, every=replicas)
    if trace is not None:
        read = read_trace(trace)
        arrival_s, prompt, answer = (column[::replicas] for column in read)
    else:
        arrival_s = gamma_arrivals(generator, requests_per_s=(rate or 0.0) / replicas, requests=requests)
        prompt, answer = (np.full(requests, count) for count in tokens)
    whole = [np.maximum(np.rint(column), 1).astype(np.int64) for column in (prompt, answer)]
    return None, RequestBatch(arrival_s=arrival_s, input_tokens=whole[0], output_tokens=whole[1])


def _configuration(scenario: Scenario | None, model: str | None, gpu: str | None) -> tuple[str, str]:
    own = scenario.hosting.self_hosted if scenario is not None and scenario.hosting is not None else None
    model = model or (own.models[0] if own is not None and own.models else None)
    gpu = gpu or (own.gpus[0] if own is not None and own.gpus else None)
    if model is None or gpu is None:
        raise UsageError(
            "say what serves the requests",
            cure="give --model and --gpu, or hosting.self_hosted in the scenario",
        )
    return model, gpu


def _show(
    simulation: ReplicaSimulation, output_format: Format, output: str, *, no_color: bool, quiet: bool
) -> None:
    from planner.report import simulate as report

    if output_format is Format.json:
        emit(report.simulate_json(simulation), output)
    elif output_format is Format.csv:
        emit(report.simulate_csv(simulation), output)
    elif output_format is Format.table:
        width, color = screen_of(output, no_color=no_color)
        emit(report.simulate_table(simulation, width=width, color=color, quiet=quiet), output)
    else:
        raise UsageError(f"planner simulate writes table, json or csv, not {output_format.value}")
