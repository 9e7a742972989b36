"""``planner simulate``: what every request sees on one replica, event by event."""

from __future__ import annotations

from dataclasses import replace
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
    SetOption,
    emit,
    screen_of,
)
from planner.cli.simulate_against import agreement_of_requests, agreement_of_run, show_against
from planner.cli.simulate_scenario import Flags, ServedShare, scenario_share
from planner.cli.step_profiles import ProfileOption, chosen_profile
from planner.errors import UsageError
from planner.inputs.books import load_books
from planner.inputs.jsonl_traces import has_hashes, read_hashed_csv, read_jsonl_trace
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.serving_profiles import load_serving_profiles
from planner.inputs.traces import read_trace
from planner.planning.memory.architecture import unpack
from planner.planning.prediction.profile_engine import profile_limits, simulate_profile
from planner.planning.prediction.simulate import simulate_replica
from planner.report import simulate as report
from planner.simulation.arrivals import gamma_arrivals
from planner.specs.answers.fit import DEFAULT_UTILIZATION_FRACTION
from planner.specs.answers.prediction import PredictRequest
from planner.specs.answers.simulated import ReplicaSimulation
from planner.specs.answers.simulation import RequestBatch
from planner.specs.books.books import Books
from planner.specs.measured.agreement import LoadAgreement
from planner.specs.scenario.scenario import Slo

app = typer.Typer(rich_markup_mode=None)


@app.command()
def simulate(
    scenario: Annotated[Path | None, typer.Argument(help="A scenario: its peak traffic is served.")] = None,
    *,
    trace: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="CSV or .jsonl: time, input and output tokens, hash_ids of prompt blocks if known.",
        ),
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Poisson arrivals, requests per second.")] = None,
    input_tokens: Annotated[int, typer.Option(min=1, help="Tokens of a prompt, with --rate.")] = 1024,
    output_tokens: Annotated[int, typer.Option(min=1, help="Tokens of an answer, with --rate.")] = 256,
    requests: Annotated[int, typer.Option(min=1, help="Requests to draw.")] = 2000,
    replicas: Annotated[
        int | None,
        typer.Option(min=1, help="Replicas that share the traffic; as the scenario's estimate has it, or 1."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 0,
    model: Annotated[
        str | None, typer.Option(help="A model of the book; the estimate's choice, else.")
    ] = None,
    gpu: Annotated[
        str | None, typer.Option(help="A device of the book; the estimate's choice, else.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="vllm, sglang, tensorrt-llm or llamacpp; the scenario's, or vllm.")
    ] = None,
    tensor_parallel: Annotated[
        int | None, typer.Option(min=1, help="GPUs that share each layer; the estimate's choice, or 1.")
    ] = None,
    quantization: Annotated[str, typer.Option(help="auto, bf16, fp8, nvfp4, awq …")] = "auto",
    kv_dtype: Annotated[str, typer.Option(help="auto or fp8.")] = "auto",
    memory_utilization: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of memory that the engine may use.")
    ] = DEFAULT_UTILIZATION_FRACTION,
    max_num_seqs: Annotated[
        int | None, typer.Option("--max-num-seqs", "--parallel", min=1, help="Limit of sequences, or slots.")
    ] = None,
    max_num_batched_tokens: Annotated[int | None, typer.Option(min=1, help="Tokens per step.")] = None,
    pool_tokens: Annotated[
        int | None, typer.Option(min=1, help="KV cache that vLLM printed at its start; computed, else.")
    ] = None,
    engine_version: Annotated[str, typer.Option(help="Memory and scheduler differ by version.")] = "latest",
    slot_tokens: Annotated[
        int | None, typer.Option(min=1, help="Context of one slot of llama.cpp; default no limit.")
    ] = None,
    profile: ProfileOption = None,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="Replay a run of planner bench, or a CSV of requests, and compare with what was measured.",
        ),
    ] = None,
    sets: SetOption = None,
    books: BooksOption = None,
    output_format: FormatOption = Format.table,
    output: OutputOption = "-",
    no_color: NoColorOption = False,
    quiet: QuietOption = False,
) -> None:
    """Simulate the scheduler of vLLM, or of llama.cpp's slots: percentiles, queue and batch of one replica.

    A scenario is served by the machines that its estimate would choose: GPU, parallelism, weights and a serving
    replica's share of the peak. Flags narrow that choice. --format csv has every request. llama.cpp needs a measured
    profile (planner calibrate).
    """
    folders = tuple(books or ())
    request = PredictRequest(
        engine=engine or "vllm",
        quantization=quantization,
        kv_dtype=kv_dtype,
        tensor_parallel=tensor_parallel or 1,
        utilization_fraction=memory_utilization,
        max_sequences=max_num_seqs,
        batched_tokens=max_num_batched_tokens,
        version=engine_version,
        pool_tokens=pool_tokens,
    )
    if against is not None:
        loads = _agreement(against, profile, model, gpu, request, folders)
        show_against(loads, output_format, output, no_color=no_color, quiet=quiet)
        return
    if [scenario, trace, rate].count(None) != 2:
        raise UsageError("give the traffic once", cure="use one of SCENARIO, --trace FILE or --rate R")
    draw = (requests, np.random.default_rng(seed))
    if scenario is not None:
        flags = Flags(
            model=model,
            gpu=gpu,
            engine=engine,
            tensor_parallel=tensor_parallel,
            replicas=replicas,
            profile=profile,
        )
        served, shelves = scenario_share(
            scenario, flags, request, draw=draw, sets=tuple(sets or ()), folders=folders
        )
    else:
        batch = _traffic(trace, rate or 0.0, (input_tokens, output_tokens), draw, replicas or 1)
        served = ServedShare(model=model, gpu=gpu, request=request, batch=batch)
        shelves = load_books(*folders)
    simulation = _simulated(served, profile, slot_tokens, shelves)
    _show(simulation, output_format, output, served.slo, no_color=no_color, quiet=quiet)


def _agreement(
    run: Path,
    choice: str | None,
    model: str | None,
    gpu: str | None,
    request: PredictRequest,
    books: tuple[Path, ...],
) -> list[LoadAgreement]:
    if run.is_file():
        return agreement_of_requests(run, choice, model, gpu, request, books)
    return agreement_of_run(run, choice, sequences=request.max_sequences)


def _simulated(
    served: ServedShare, choice: str | None, slot_tokens: int | None, shelves: Books
) -> ReplicaSimulation:
    """Simulate with the measured profile that matches, else with the shipped coefficients."""
    found = _measured(served, choice, slot_tokens, shelves)
    if found is None:
        found = _from_books(served, shelves)
    return replace(found, share=served.share)


def _measured(
    served: ServedShare, choice: str | None, slot_tokens: int | None, shelves: Books
) -> ReplicaSimulation | None:
    """Simulate with the measured profile that matches; ``None`` where there is none."""
    request = served.request
    if choice is None and request.tensor_parallel > 1:  # profiles are of one device
        return None
    chosen = chosen_profile(
        choice,
        kind=request.engine,
        model=shelves.models.find(served.model).id if served.model else None,
        quantization=request.quantization,
        hardware=shelves.hardware.find(served.gpu).id if served.gpu else None,
    )
    if chosen is None:
        return None
    limits = profile_limits(
        chosen.profile,
        max_sequences=request.max_sequences,
        batched_tokens=request.batched_tokens,
        slot_tokens=slot_tokens,
    )
    return simulate_profile(chosen, served.batch, limits)


def _from_books(served: ServedShare, shelves: Books) -> ReplicaSimulation:
    """Simulate with the shipped coefficients of the engine on this class of hardware."""
    if served.request.engine == "llamacpp":
        raise UsageError(
            "llama.cpp's slots are simulated from a measured profile",
            cure="give --profile FILE; planner calibrate --profile FILE measures one",
        )
    if served.model is None or served.gpu is None:
        raise UsageError(
            "say what serves the requests",
            cure="give --model and --gpu, --profile FILE, or hosting.self_hosted in the scenario",
        )
    return simulate_replica(
        unpack(shelves.models.find(served.model)),
        shelves.hardware.find(served.gpu),
        served.request,
        served.batch,
        profiles=load_serving_profiles(),
        memory_profile=load_vllm_memory(),
    )


def _traffic(
    trace: Path | None,
    rate: float,
    tokens: tuple[int, int],
    draw: tuple[int, np.random.Generator],
    replicas: int,
) -> RequestBatch:
    """Read or draw one replica's requests."""
    requests, generator = draw
    if trace is not None and trace.suffix == ".jsonl":
        return read_jsonl_trace(trace, every=replicas)
    if trace is not None and has_hashes(trace):
        return read_hashed_csv(trace, every=replicas)
    if trace is not None:
        read = read_trace(trace)
        arrival_s, prompt, answer = (column[::replicas] for column in read)
    else:
        arrival_s = gamma_arrivals(generator, requests_per_s=rate / replicas, requests=requests)
        prompt, answer = (np.full(requests, count) for count in tokens)
    whole = [np.maximum(np.rint(column), 1).astype(np.int64) for column in (prompt, answer)]
    return RequestBatch(arrival_s=arrival_s, input_tokens=whole[0], output_tokens=whole[1])


def _show(
    simulation: ReplicaSimulation,
    output_format: Format,
    output: str,
    slo: Slo | None,
    *,
    no_color: bool,
    quiet: bool,
) -> None:
    if output_format is Format.json:
        emit(report.simulate_json(simulation), output)
    elif output_format is Format.csv:
        emit(report.simulate_csv(simulation), output)
    elif output_format is Format.table:
        width, color = screen_of(output, no_color=no_color)
        emit(report.simulate_table(simulation, width=width, color=color, quiet=quiet, slo=slo), output)
    else:
        raise UsageError(f"planner simulate writes table, json or csv, not {output_format.value}")
