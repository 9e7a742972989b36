"""``planner bench``: measure a real engine, rebuild, compare and import measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from planner.bench.records import rebuild
from planner.bench.slo import misses_slo
from planner.cli import bench_flags as flags
from planner.cli.bench_calibrate import calibrate_from_options
from planner.cli.bench_compare import changes_between, show_changes
from planner.cli.bench_options import Arrival, Convention, Endpoint
from planner.cli.bench_run import run_from_options
from planner.cli.options import (
    Format,
    FormatOption,
    NoColorOption,
    OutputOption,
    QuietOption,
    StrictOption,
    emit,
    screen_of,
)
from planner.errors import EXIT_ENGINE, EXIT_FINDING, EXIT_INTERRUPTED
from planner.inputs.foreign_bench import read_foreign
from planner.report.bench.measured_rows import rows_csv, rows_json, rows_markdown, rows_table
from planner.report.bench.plot import write_plot
from planner.report.bench.result import bench_csv, bench_json, bench_markdown, bench_table
from planner.specs.measured.measurement import RunResult

YAML = (".yaml", ".yml")


class BenchGroup(TyperGroup):
    """The group of subcommands, where a scenario file may stand in the place of one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - click's Context, whichever click typer uses
        """Read ``planner bench FILE.yaml`` as ``planner bench --scenario FILE.yaml``."""
        before = ["", *args]
        named = {"--scenario", "--output", "-o"}
        marked = [
            part
            for last, each in zip(before, args, strict=False)
            for part in (("--scenario", each) if each.endswith(YAML) and last not in named else (each,))
        ]
        return super().parse_args(ctx, marked)


app = typer.Typer(cls=BenchGroup, rich_markup_mode=None)


def show(result: RunResult, form: Format, *, no_color: bool, quiet: bool) -> None:
    """Write a result to stdout."""
    width, color = screen_of("-", no_color=no_color)
    texts = {
        Format.json: lambda: bench_json(result),
        Format.csv: lambda: bench_csv(result),
        Format.md: lambda: bench_markdown(result),
        Format.table: lambda: bench_table(result, width=width, color=color, quiet=quiet),
    }
    emit(texts[form](), "-")


def exit_code(result: RunResult, *, strict: bool) -> int:
    """Return the exit code that a result stands for."""
    if result.interrupted:
        return EXIT_INTERRUPTED
    if result.stopped is not None or not any(point.requests.ok for point in result.points):
        return EXIT_ENGINE
    return EXIT_FINDING if strict and misses_slo(result) else 0


@app.callback(invoke_without_command=True)
def bench(  # the options of one command; its body stays short
    context: typer.Context,
    url: flags.Url = None,
    model: flags.Model = None,
    engine: flags.Engine = "openai",
    synthetic: flags.Synthetic = None,
    quantization: flags.Quantization = "q4_0",
    engine_args: flags.EngineArgs = "",
    endpoint: flags.Endpoint = Endpoint.auto,
    concurrency: flags.Concurrency = None,
    rate: flags.Rate = None,
    arrival: flags.Arrival = Arrival.poisson,
    burstiness: flags.Burstiness = 1.0,
    start_rate: flags.StartRate = 0.1,
    trace: flags.Trace = None,
    requests: flags.Requests = None,
    ramp: flags.Ramp = None,
    input_tokens: flags.InputTokens = "512",
    output_tokens: flags.OutputTokens = "128",
    shared_prefix: flags.SharedPrefix = 0,
    slo: flags.Slo = None,
    scenario: flags.Scenario = None,
    find_max_rate: flags.FindMaxRate = False,
    output: flags.OutputFolder = None,
    resume: flags.Resume = False,
    seed: flags.Seed = None,
    api_key_env: flags.ApiKeyEnv = "OPENAI_API_KEY",
    rate_limit: flags.RateLimit = "count",
    timeout_first_token: flags.TimeoutFirstToken = 300.0,
    timeout_idle: flags.TimeoutIdle = 60.0,
    max_error_fraction: flags.MaxErrorFraction = 0.5,
    calibrate: flags.Calibrate = False,
    minutes: flags.Minutes = 10.0,
    goal: flags.Goal = 0.05,
    book_model: flags.BookModel = None,
    hardware: flags.Hardware = None,
    gpu: flags.Gpu = False,
    plot: flags.Plot = None,
    priced_as: flags.PricedAs = None,
    self_check: flags.SelfCheck = True,
    verify_tls: flags.VerifyTls = True,
    feature: flags.Feature = None,
    user: flags.User = None,
    provider: flags.Provider = "self_hosted",
    metric_convention: flags.MetricConvention = Convention.planner,
    form: FormatOption = Format.table,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
    strict: StrictOption = False,
) -> None:
    """Measure TTFT, inter-token latency and throughput of a real engine.

    Without a subcommand it measures: planner bench --url http://localhost:8000/v1 --model NAME --concurrency 1,2,4,8
    """
    if context.invoked_subcommand is not None:
        return
    if calibrate:
        raise typer.Exit(calibrate_from_options(dict(context.params)))

    result = run_from_options(dict(context.params))
    show(result, form, no_color=no_color, quiet=quiet)
    raise typer.Exit(exit_code(result, strict=strict))


@app.command("report")
def report(
    folder: flags.Folder,
    plot: flags.Plot = None,
    metric_convention: flags.MetricConvention = Convention.planner,
    form: FormatOption = Format.table,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
    strict: StrictOption = False,
) -> None:
    """Rebuild the result of a run from its folder, however the run ended."""
    result = rebuild(folder, metric_convention.value)
    show(result, form, no_color=no_color, quiet=quiet)
    if plot is not None:
        write_plot(result, plot)
    raise typer.Exit(exit_code(result, strict=strict) if strict else 0)


@app.command("compare")
def compare(
    context: typer.Context,
    before: Annotated[str, typer.Argument(metavar="A", help="Folder of the run before, or a URL.")],
    after: Annotated[str, typer.Argument(metavar="B", help="Folder of the run after, or a URL.")],
    max_regression: Annotated[
        float, typer.Option(min=0.0, help="Share by which a mean may get worse: 0.05 is 5 %.")
    ] = 0.05,
    allow: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="Difference of the runs to accept. May repeat.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=4, help="Turns that each of two URLs gets.")] = 8,
    model: flags.Model = None,
    concurrency: flags.Concurrency = None,
    rate: flags.Rate = None,
    requests: flags.Requests = None,
    input_tokens: flags.InputTokens = "512",
    output_tokens: flags.OutputTokens = "128",
    seed: flags.Seed = None,
    api_key_env: flags.ApiKeyEnv = "OPENAI_API_KEY",
    verify_tls: flags.VerifyTls = True,
    form: FormatOption = Format.table,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Compare two runs; exit with 1 when a mean is surely worse by more than --max-regression.

    Two URLs are measured now, by turns, with the load that the other options describe.
    """
    changes = changes_between(before, after, tuple(allow or ()), dict(context.params))
    worse = show_changes(changes, max_regression_fraction=max_regression, form=form, no_color=no_color)
    raise typer.Exit(EXIT_FINDING if worse else 0)


@app.command("import")
def import_result(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The JSON file that the other tool saved.")],
    output: OutputOption = "-",
    form: FormatOption = Format.table,
    no_color: NoColorOption = False,
) -> None:
    """Read results of vllm bench, guidellm, aiperf, llama-bench or llama-batched-bench.

    As CSV they have the layout that validate and calibrate take.
    """
    tool, rows = read_foreign(file)
    width, color = screen_of(output, no_color=no_color)
    texts = {
        Format.json: lambda: rows_json(tool, rows),
        Format.csv: lambda: rows_csv(rows),
        Format.md: lambda: rows_markdown(rows),
        Format.table: lambda: rows_table(tool, rows, width=width, color=color),
    }
    emit(texts[form](), output)
