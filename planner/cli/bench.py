"""``planner bench``: measure a real engine, rebuild, compare and import measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from planner.cli.bench_options import Arrival, Convention, Endpoint
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

if TYPE_CHECKING:
    from planner.specs.measurement import RunResult

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

ConventionOption = Annotated[
    Convention, typer.Option("--metric-convention", help="Compute the metrics as this tool defines them.")
]
FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The folder that --output named.")]


def show(result: RunResult, form: Format, *, no_color: bool, quiet: bool) -> None:
    """Write a result to stdout."""
    from planner.report.bench import bench_csv, bench_json, bench_markdown, bench_table

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
    from planner.bench.slo import misses_slo

    if result.interrupted:
        return EXIT_INTERRUPTED
    if result.stopped is not None or not any(point.requests.ok for point in result.points):
        return EXIT_ENGINE
    return EXIT_FINDING if strict and misses_slo(result) else 0


@app.callback(invoke_without_command=True)
def bench(  # the options of one command; its body stays short
    context: typer.Context,
    url: Annotated[
        str | None, typer.Option(help="Base URL of an OpenAI-compatible server, with /v1.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model name as the server knows it.")] = None,
    engine: Annotated[
        str,
        typer.Option(help="openai (needs --url), llamacpp (in process), vllm (planner starts it) or fake."),
    ] = "openai",
    synthetic: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Model of the book with random weights: llamacpp, vllm."),
    ] = None,
    quantization: Annotated[str, typer.Option(help="Storage of synthetic weights in llama.cpp.")] = "q4_0",
    engine_args: Annotated[str, typer.Option(help="Arguments for an engine that planner starts.")] = "",
    endpoint: Annotated[Endpoint, typer.Option(help="API to use; auto finds it out.")] = Endpoint.auto,
    concurrency: Annotated[
        str | None, typer.Option(metavar="N[,N...]", help="Requests in flight; several make a ladder.")
    ] = None,
    rate: Annotated[
        str | None, typer.Option(metavar="R[,R...]", help="Requests per second; an open loop.")
    ] = None,
    arrival: Annotated[Arrival, typer.Option(help="Arrivals of an open loop.")] = Arrival.poisson,
    burstiness: Annotated[
        float, typer.Option(help="Squared variation of gamma arrivals; 1 is Poisson.")
    ] = 1.0,
    start_rate: Annotated[
        float, typer.Option(min=0.0, help="Rate from which --arrival ramp rises to --rate.")
    ] = 0.1,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Replay a recorded trace: its times and lengths.")
    ] = None,
    requests: Annotated[
        int | None, typer.Option(min=1, help="Requests per point; default 100, or the whole trace.")
    ] = None,
    ramp: Annotated[
        int | None,
        typer.Option(min=0, help="First requests to keep out of the latencies; default one per slot."),
    ] = None,
    input_tokens: Annotated[
        str, typer.Option(metavar="N[,N...]", help="Prompt lengths to draw from.")
    ] = "512",
    output_tokens: Annotated[
        str, typer.Option(metavar="N[,N...]", help="Answer lengths to draw from.")
    ] = "128",
    shared_prefix: Annotated[
        int, typer.Option(min=0, metavar="N", help="Leading tokens that all prompts share; 0 defeats caches.")
    ] = 0,
    slo: Annotated[
        list[str] | None, typer.Option(metavar="LIMIT", help="Limit such as ttft_p95_ms=500. May repeat.")
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Measure this scenario's workload; may stand alone.")
    ] = None,
    find_max_rate: Annotated[
        bool, typer.Option("--find-max-rate", help="Search the highest rate that holds every --slo.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Folder for all records.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with the run in --output.")] = False,
    seed: Annotated[int | None, typer.Option(help="Seed of prompts and arrivals; default a new one.")] = None,
    api_key_env: Annotated[
        str, typer.Option(metavar="NAME", help="Environment variable that holds the API key.")
    ] = "OPENAI_API_KEY",
    rate_limit: Annotated[
        str, typer.Option(help="On 429: count it, or retry as Retry-After says.")
    ] = "count",
    timeout_first_token: Annotated[
        float, typer.Option(help="Seconds until a first token is given up.")
    ] = 300.0,
    timeout_idle: Annotated[float, typer.Option(help="Seconds between two events.")] = 60.0,
    max_error_fraction: Annotated[float, typer.Option(help="Stop when more requests than this fail.")] = 0.5,
    self_check: Annotated[bool, typer.Option(help="Measure this client first, two seconds.")] = True,
    verify_tls: Annotated[bool, typer.Option(help="Check the server's certificate.")] = True,
    feature: Annotated[str | None, typer.Option(help="Label written into the records.")] = None,
    user: Annotated[str | None, typer.Option(help="Label written into the records.")] = None,
    provider: Annotated[str, typer.Option(help="Label written into the records.")] = "self_hosted",
    metric_convention: ConventionOption = Convention.planner,
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
    from planner.cli.bench_run import run_from_options

    result = run_from_options(dict(context.params))
    show(result, form, no_color=no_color, quiet=quiet)
    raise typer.Exit(exit_code(result, strict=strict))


@app.command("report")
def report(
    folder: FolderArgument,
    metric_convention: ConventionOption = Convention.planner,
    form: FormatOption = Format.table,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
    strict: StrictOption = False,
) -> None:
    """Rebuild the result of a run from its folder, however the run ended."""
    from planner.bench.records import rebuild

    result = rebuild(folder, metric_convention.value)
    show(result, form, no_color=no_color, quiet=quiet)
    raise typer.Exit(exit_code(result, strict=strict) if strict else 0)


@app.command("compare")
def compare(
    before: Annotated[Path, typer.Argument(metavar="A", help="Folder of the run before.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Folder of the run after.")],
    max_regression: Annotated[
        float, typer.Option(min=0.0, help="Share by which a mean may get worse: 0.05 is 5 %.")
    ] = 0.05,
    allow: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="Difference of the runs to accept. May repeat.")
    ] = None,
    form: FormatOption = Format.table,
    no_color: NoColorOption = False,
) -> None:
    """Compare two runs; exit with 1 when a mean is surely worse by more than --max-regression."""
    from planner.cli.bench_compare import compare_folders

    worse = compare_folders(
        before,
        after,
        allowed=tuple(allow or ()),
        max_regression_fraction=max_regression,
        form=form,
        no_color=no_color,
    )
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
    from planner.inputs.foreign_bench import read_foreign
    from planner.report.measured_rows import rows_csv, rows_json, rows_markdown, rows_table

    tool, rows = read_foreign(file)
    width, color = screen_of(output, no_color=no_color)
    texts = {
        Format.json: lambda: rows_json(tool, rows),
        Format.csv: lambda: rows_csv(rows),
        Format.md: lambda: rows_markdown(rows),
        Format.table: lambda: rows_table(tool, rows, width=width, color=color),
    }
    emit(texts[form](), output)
