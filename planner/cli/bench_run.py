"""From the options of ``planner bench`` to a run, with its progress on stderr."""

from __future__ import annotations

import json
import os
import secrets
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from planner.bench.load import TraceRow, ramp_requests
from planner.bench.log_lines import RequestPrice, log_lines
from planner.bench.records import RunWriter, read_manifest, read_records, write_host_speed
from planner.bench.reference import speed_now
from planner.bench.run import BenchRun
from planner.bench.runner import RunnerSettings
from planner.bench.session import measure
from planner.bench.step_loop import LoopGoal
from planner.cli.bench_options import Convention, Given, numbers, parse_slo
from planner.cli.bench_price import price_of
from planner.cli.bench_progress import progress
from planner.cli.bench_scenario import with_scenario
from planner.cli.gguf_file import gguf_file, model_folder
from planner.cli.synthetic_model import synthetic_folder, synthetic_model
from planner.engines.base import EngineOptions, Timeouts
from planner.engines.gpu_choice import VISIBLE, choose_gpus
from planner.engines.llamacpp_engine import launch_settings
from planner.engines.registry import ENGINES
from planner.errors import UsageError
from planner.inputs.traces import read_trace
from planner.report.bench.plot import check_plot, write_plot
from planner.report.bench.result import bench_csv, bench_json, bench_markdown
from planner.specs.measured.host import GpuFacts
from planner.specs.measured.load import LoadPoint, TokenLengths
from planner.specs.measured.measurement import RunLabels, RunResult
from planner.specs.measured.steps import SpeedAround

SEED_BITS = 31
DEFAULT_REQUESTS = 100
FAKE = "fake"  # the engine of known times, which serves any model
SECONDS_PER_MINUTE = 60
NAME_A_SERVED_MODEL = "add --model NAME, as the server knows it"
NAME_A_MODEL = {
    "llamacpp": "add --model FILE.gguf, or --synthetic MODEL for one of the book with random weights",
    "vllm": "add --model DIR_OR_ID, or --synthetic MODEL for one of the book with random weights",
}


def run_from_options(given: Given) -> RunResult:
    """Measure what the options ask for, and write the summaries beside the records."""
    if given["scenario"] is not None:
        given = with_scenario(given, given["scenario"])
    run = bench_run(given)
    if given["gpu"]:
        run = replace(run, gpus=take_gpus(run))
    price_of(given)  # an unknown model is refused before anything is measured
    if given["plot"] is not None:
        check_plot(given["plot"])
    with progress(quiet=given["quiet"]) as watch, host_speed_kept(run):
        result = measure(run, watch)
    if run.folder is not None:
        write_summaries(run.folder, result, price_of(given))
    if given["plot"] is not None:
        write_plot(result, given["plot"])
    return result


@contextmanager
def host_speed_kept(run: BenchRun) -> Iterator[None]:
    """Measure the host's speed before and after a load on llama.cpp in process, and keep it beside the records."""
    if run.engine != "llamacpp" or run.folder is None:
        yield
        return
    settings = launch_settings(run.options)
    before = speed_now(settings)
    yield
    write_host_speed(run.folder, SpeedAround(before=before, after=speed_now(settings)))


def take_gpus(run: BenchRun) -> tuple[GpuFacts, ...]:
    """Choose the GPUs for the engine that is about to start here, and show it no others."""
    chosen = choose_gpus(run.engine, run.options)
    os.environ[VISIBLE] = ",".join(str(gpu.index) for gpu in chosen)
    return chosen


def write_summaries(folder: Path, result: RunResult, price: RequestPrice | None = None) -> None:
    """Write the summary of a run in every format, and its requests as log lines."""
    writer = RunWriter(folder)
    writer.write_result("summary.json", bench_json(result))
    writer.write_result("summary.csv", bench_csv(result))
    writer.write_result("summary.md", bench_markdown(result))
    lines = (json.dumps(line) for line in log_lines(read_records(folder), result.manifest, price))
    writer.write_result("log.jsonl", "".join(f"{line}\n" for line in lines))


def bench_run(given: Given) -> BenchRun:
    """Return the run that the options describe.

    Raises
    ------
    UsageError
        If they do not go together.
    """
    if given["engine"] not in ENGINES:
        raise UsageError(
            f"no engine {given['engine']!r}", cure=f"choose one of: {', '.join(sorted(ENGINES))}"
        )
    given = _with_model(given)
    if given["rate_limit"] not in {"count", "retry"}:
        raise UsageError(f"bad --rate-limit {given['rate_limit']!r}", cure="choose count or retry")
    if given["find_max_rate"] and (not given["slo"] or given["resume"]):
        raise UsageError("--find-max-rate needs limits and a new run", cure="add --slo ttft_p95_ms=500")
    if given["resume"] and given["output"] is None:
        raise UsageError("--resume needs the folder of the run", cure="add --output DIR")
    seed = given["seed"] if given["seed"] is not None else secrets.randbits(SEED_BITS)
    rows = trace_rows(given)
    run = BenchRun(
        engine=given["engine"],
        options=_options(given, seed),
        points=() if given["calibrate"] else load_points(given, seed, rows),
        trace=rows,
        slo=parse_slo(given["slo"]),
        labels=RunLabels(provider=given["provider"], feature=given["feature"], user=given["user"]),
        settings={"seed": seed, "endpoint": str(given["endpoint"]), "rate_limit": given["rate_limit"]},
        runner=RunnerSettings(max_error_fraction=given["max_error_fraction"]),
        folder=given["output"],
        resume=given["resume"],
        search=given["find_max_rate"],
        calibration=_goal(given),
        check_client=given["self_check"] and given["engine"] != FAKE,
        convention=Convention(given["metric_convention"]).value,
    )
    return _resumed(run) if run.resume else run


def _with_model(given: Given) -> Given:
    """Return ``given`` with the model to measure; the fake engine needs none named."""
    given = with_synthetic_model(given)
    if given["model"] is None and given["engine"] != FAKE:
        raise UsageError("no model named", cure=NAME_A_MODEL.get(given["engine"], NAME_A_SERVED_MODEL))
    if given["engine"] == "llamacpp":
        gguf_file(Path(given["model"]))
    if given["engine"] == "vllm":
        model_folder(given["model"])
    return given | {"model": given["model"] or FAKE}


def with_synthetic_model(given: Given) -> Given:
    """Write the model that ``--synthetic`` names and return the options with its path.

    Raises
    ------
    UsageError
        If the engine does not load models, or a model is named as well.
    """
    name, engine = given["synthetic"], given["engine"]
    if name is None:
        return given
    if engine not in {"llamacpp", "vllm"} or given["model"] is not None:
        raise UsageError(
            "--synthetic takes the place of --model and needs an engine that planner starts",
            cure="add --engine llamacpp or --engine vllm, and leave out --model",
        )
    if engine == "llamacpp":
        return given | {"model": str(synthetic_model(name, given["quantization"]))}
    arguments = f"--load-format dummy {given['engine_args']}"
    return given | {"model": str(synthetic_folder(name)), "engine_args": arguments}


def _resumed(run: BenchRun) -> BenchRun:
    """Take load and seed from the manifest, so that what is left is measured as it was begun."""
    manifest = read_manifest(run.folder) if run.folder is not None else None
    if manifest is None:
        return run
    if manifest.points and manifest.points[0].kind == "trace" and not run.trace:
        raise UsageError("the run replays a trace", cure="add --trace FILE, the same as before")
    return replace(run, points=manifest.points, slo=manifest.slo, labels=manifest.labels)


def _goal(given: Given) -> LoopGoal | None:
    if not given["calibrate"]:
        return None
    return LoopGoal(error_fraction=given["goal"], budget_s=given["minutes"] * SECONDS_PER_MINUTE)


def _options(given: Given, seed: int) -> EngineOptions:
    patient = given["rate_limit"] == "retry"
    return EngineOptions(
        model=given["model"],
        url=given["url"],
        endpoint=str(given["endpoint"]),
        api_key=os.environ.get(given["api_key_env"]) or None,
        timeouts=Timeouts(first_token_s=given["timeout_first_token"], idle_s=given["timeout_idle"]),
        honour_retry_after=patient,
        max_retries=5 if patient else 0,
        verify_tls=given["verify_tls"],
        seed=seed,
        launch_arguments=tuple(shlex.split(given["engine_args"])),
        synthetic=given["synthetic"] is not None,
    )


def trace_rows(given: Given) -> tuple[TraceRow, ...]:
    """Return the requests of the trace to replay, none without one."""
    if given["trace"] is None:
        return ()

    try:
        trace = read_trace(given["trace"])
    except OSError as error:
        raise UsageError(f"cannot read {given['trace']}: {error.strerror}") from error
    rows = tuple(
        TraceRow(offset_s=float(at), input_tokens=max(1, int(read)), output_tokens=max(1, int(made)))
        for at, read, made in zip(*trace, strict=True)
    )
    return rows[: given["requests"]]


def _trace_point(given: Given, rows: tuple[TraceRow, ...], seed: int) -> LoadPoint:
    concurrency = numbers(given["concurrency"], "--concurrency", int)[0] if given["concurrency"] else None
    return LoadPoint(
        kind="trace",
        requests=len(rows),
        input_tokens=TokenLengths(values=tuple(sorted({row.input_tokens for row in rows}))),
        output_tokens=TokenLengths(values=tuple(sorted({row.output_tokens for row in rows}))),
        concurrency=concurrency,
        ramp_requests=given["ramp"] if given["ramp"] is not None else ramp_requests(len(rows), None),
        shared_prefix_tokens=given["shared_prefix"],
        seed=seed,
    )


def _steps(given: Given) -> tuple[tuple[int | None, ...], tuple[float | None, ...]]:
    """Return the levels and rates of the ladder: a search starts at 1 request/s, and who asks for nothing gets one user."""
    levels = numbers(given["concurrency"], "--concurrency", int) if given["concurrency"] else (None,)
    rates = numbers(given["rate"], "--rate", float) if given["rate"] else (None,)
    if given["find_max_rate"] and rates == (None,):
        rates = (1.0,)
    if levels == (None,) and rates == (None,):
        levels = (1,)
    return levels, rates


def load_points(given: Given, seed: int, rows: tuple[TraceRow, ...]) -> tuple[LoadPoint, ...]:
    """Return the ladder of points, each with a seed of its own.

    Raises
    ------
    UsageError
        If a number is bad.
    """
    if rows:
        return (_trace_point(given, rows, seed),)
    levels, rates = _steps(given)
    if given["burstiness"] <= 0:
        raise UsageError("--burstiness must be above 0", cure="1 is Poisson, below it is more regular")
    inputs = TokenLengths(values=numbers(given["input_tokens"], "--input-tokens", int))
    outputs = TokenLengths(values=numbers(given["output_tokens"], "--output-tokens", int))
    count = given["requests"] or DEFAULT_REQUESTS
    pairs = [(level, rate) for rate in rates for level in levels]
    ramp: int | None = given["ramp"]
    return tuple(
        LoadPoint(
            kind="closed" if rate is None else given["arrival"].value,
            requests=count,
            input_tokens=inputs,
            output_tokens=outputs,
            concurrency=level,
            rate_requests_per_s=rate,
            start_rate_requests_per_s=given["start_rate"],
            burstiness=given["burstiness"],
            ramp_requests=ramp_requests(count, level if rate is None else None) if ramp is None else ramp,
            shared_prefix_tokens=given["shared_prefix"],
            seed=seed + number,
        )
        for number, (level, rate) in enumerate(pairs)
    )
