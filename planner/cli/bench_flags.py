"""The options of ``planner bench``, one name each, so that the command itself can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from planner.cli import bench_options as choices

Url = Annotated[str | None, typer.Option(help="Base URL of an OpenAI-compatible server, with /v1.")]
Model = Annotated[str | None, typer.Option(help="Model name as the server knows it.")]
Engine = Annotated[
    str,
    typer.Option(help="openai (needs --url), llamacpp (in process), vllm (planner starts it) or fake."),
]
Synthetic = Annotated[
    str | None,
    typer.Option(metavar="MODEL", help="Model of the book with random weights: llamacpp, vllm."),
]
Quantization = Annotated[str, typer.Option(help="Storage of synthetic weights in llama.cpp.")]
EngineArgs = Annotated[str, typer.Option(help="Arguments for an engine that planner starts.")]
Endpoint = Annotated[choices.Endpoint, typer.Option(help="API to use; auto finds it out.")]
Concurrency = Annotated[
    str | None, typer.Option(metavar="N[,N...]", help="Requests in flight; several make a ladder.")
]
Rate = Annotated[str | None, typer.Option(metavar="R[,R...]", help="Requests per second; an open loop.")]
Arrival = Annotated[choices.Arrival, typer.Option(help="Arrivals of an open loop.")]
Burstiness = Annotated[float, typer.Option(help="Squared variation of gamma arrivals; 1 is Poisson.")]
StartRate = Annotated[float, typer.Option(min=0.0, help="Rate from which --arrival ramp rises to --rate.")]
Trace = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Replay a recorded trace: its times and lengths.")
]
Requests = Annotated[
    int | None, typer.Option(min=1, help="Requests per point; default 100, or the whole trace.")
]
Ramp = Annotated[
    int | None,
    typer.Option(min=0, help="First requests to keep out of the latencies; default one per slot."),
]
InputTokens = Annotated[str, typer.Option(metavar="N[,N...]", help="Prompt lengths, each equally often.")]
OutputTokens = Annotated[str, typer.Option(metavar="N[,N...]", help="Answer lengths, each equally often.")]
SharedPrefix = Annotated[
    int, typer.Option(min=0, metavar="N", help="Leading tokens that all prompts share; 0 defeats caches.")
]
Slo = Annotated[
    list[str] | None, typer.Option(metavar="LIMIT", help="Limit such as ttft_p95_ms=500. May repeat.")
]
Scenario = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Measure this scenario's workload; may stand alone.")
]
FindMaxRate = Annotated[
    bool, typer.Option("--find-max-rate", help="Search the highest rate that holds every --slo.")
]
OutputFolder = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="DIR", help="Folder for all records.")
]
Resume = Annotated[bool, typer.Option(help="Go on with the run in --output.")]
Seed = Annotated[int | None, typer.Option(help="Seed of prompts and arrivals; default a new one.")]
ApiKeyEnv = Annotated[str, typer.Option(metavar="NAME", help="Environment variable that holds the API key.")]
RateLimit = Annotated[str, typer.Option(help="On 429: count it, or retry as Retry-After says.")]
TimeoutFirstToken = Annotated[float, typer.Option(help="Seconds until a first token is given up.")]
TimeoutIdle = Annotated[float, typer.Option(help="Seconds between two events.")]
MaxErrorFraction = Annotated[float, typer.Option(help="Stop when more requests than this fail.")]
SelfCheck = Annotated[bool, typer.Option(help="Measure this client after the load, two seconds.")]
VerifyTls = Annotated[bool, typer.Option(help="Check the server's certificate.")]
Feature = Annotated[str | None, typer.Option(help="Label written into the records.")]
User = Annotated[str | None, typer.Option(help="Label written into the records.")]
Provider = Annotated[str, typer.Option(help="Label written into the records.")]
Calibrate = Annotated[
    bool, typer.Option("--calibrate", help="Measure what a fit of step times needs, until it is proven.")
]
Minutes = Annotated[float, typer.Option(min=0.0, help="Budget of --calibrate.")]
Goal = Annotated[float, typer.Option(min=0.0, help="Held-out error at which --calibrate stops: 0.05 is 5 %.")]
BookModel = Annotated[
    str | None, typer.Option(metavar="MODEL", help="The model of the book that is calibrated.")
]
Hardware = Annotated[
    str | None,
    typer.Option(help="The device of the book that is calibrated, so that --gpu finds the profile."),
]
Gpu = Annotated[
    bool,
    typer.Option("--gpu", help="Run on local GPUs: pick the emptiest, check them, record power and clocks."),
]
Plot = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Plot latency against load as PNG or SVG (extra: report)."),
]
PricedAs = Annotated[
    str | None,
    typer.Option(metavar="MODEL", help="API model whose book price the records carry; by default --model."),
]
MetricConvention = Annotated[
    choices.Convention,
    typer.Option("--metric-convention", help="Compute the metrics as this tool defines them."),
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder that --output named.")]
