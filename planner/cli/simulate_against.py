"""``planner simulate --against RUN``: a measured run beside its simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from planner.bench.records import read_host_speed, read_manifest, read_records
from planner.bench.replay import replay, run_limits
from planner.cli.options import Format, emit, screen_of
from planner.cli.step_profiles import chosen_profile
from planner.errors import UsageError
from planner.inputs.books import load_books
from planner.inputs.measured_table import read_measured
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.judge.replayed import replayed
from planner.planning.judge.validate import Tools
from planner.planning.prediction.host_speed import compared_hosts
from planner.report.bench.agreement import agreement_json, agreement_table
from planner.report.bench.verdict import load_text
from planner.specs.answers.prediction import PredictRequest
from planner.specs.measured.agreement import LoadAgreement


def agreement_of_run(folder: Path, choice: str | None, *, sequences: int | None) -> list[LoadAgreement]:
    """Replay every point of a run of ``planner bench`` with a measured profile.

    Raises
    ------
    UsageError
        Without a profile.
    """
    manifest, records = read_manifest(folder), read_records(folder)
    chosen = chosen_profile(choice, kind=manifest.engine.kind, model=None, quantization="auto", hardware=None)
    if chosen is None:
        raise UsageError("--against needs a measured profile", cure="give --profile FILE")
    limits = run_limits(chosen.profile, manifest)
    if sequences is not None:
        limits = replace(limits, max_num_seqs=sequences)
    host = compared_hosts(chosen.profile, read_host_speed(folder))
    return [
        replay(
            chosen,
            [record for record in records if record.point == number],
            limits,
            load=load_text(point),
            host=host,
        )
        for number, point in enumerate(manifest.points)
    ]


def agreement_of_requests(
    table: Path,
    choice: str | None,
    model: str | None,
    gpu: str | None,
    request: PredictRequest,
    books: tuple[Path, ...],
) -> list[LoadAgreement]:
    """Replay the arrivals of a table of requests; the options say what its columns leave open.

    Raises
    ------
    UsageError
        With a measured profile: a table is replayed with the shipped ones.
    """
    if choice is not None:
        raise UsageError(
            "--profile goes with a run of planner bench", cure="leave --profile out, or name the run's folder"
        )
    stated = {
        "engine": request.engine,
        "engine_version": request.version,
        "model": model,
        "gpu": gpu,
        "precision": None if request.quantization == "auto" else request.quantization,
        "tp": request.tensor_parallel,
        "n_gpu": request.tensor_parallel,
        "num_kv_tokens": request.pool_tokens,
        "max_num_seqs": request.max_sequences,
        "max_num_batched_tokens": request.batched_tokens,
        "gpu_memory_utilization": request.utilization_fraction,
    }
    given = {name: str(value) for name, value in stated.items() if value is not None}
    tools = Tools(
        books=load_books(*books), profiles=load_serving_profiles(), memory_profile=load_vllm_memory()
    )
    return replayed(read_measured(table, given), tools)


def show_against(
    loads: Sequence[LoadAgreement], form: Format, output: str, *, no_color: bool, quiet: bool
) -> None:
    """Show measured and predicted latencies side by side.

    Raises
    ------
    UsageError
        For another format than table and JSON.
    """
    if form not in (Format.table, Format.json):
        raise UsageError(f"simulate --against does not write {form.value}", cure="choose table or json")
    width, color = screen_of(output, no_color=no_color)
    text = (
        agreement_json(loads)
        if form is Format.json
        else agreement_table(loads, width=width, color=color, quiet=quiet)
    )
    emit(text, output)
