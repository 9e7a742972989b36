"""Results of other benchmarks, read into the long layout with our names for what they measured.

guidellm and aiperf call "inter-token latency" what is TPOT here: (last - first token) / (tokens - 1) per request.
guidellm's own "time per output token" contains the first token and is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.errors import Fault, InputError, UsageError
from planner.specs.measured.measured_row import MeasuredRow

Json = dict[str, Any]
SHOWN_KEYS = 6  #: of a document that no reader knows, in the message
PERCENTILES = ("p50", "p90", "p95", "p99")
CLOSED, OPEN, BATCH, ALL_AT_ONCE, SINGLE = (
    "concurrency",
    "request_rate",
    "batch",
    "offline_max_load",
    "single_stream",
)


def read_foreign(path: Path) -> tuple[str, tuple[MeasuredRow, ...]]:
    """Return the tool that wrote a file and its rows.

    Raises
    ------
    UsageError
        If the file cannot be read.
    InputError
        If it is not JSON, or of no tool that is known.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError((_fault(path, "a JSON file", "bytes that are not UTF-8"),)) from error
    documents = _documents(path, text)
    for tool, (knows, read) in READERS.items():
        if documents and all(knows(each) for each in documents):
            rows = [replace(row, source=path.name, notes=tool) for each in documents for row in read(each)]
            return tool, tuple(rows)
    raise InputError(
        (_fault(path, f"a result of {', '.join(READERS)}", _keys(documents)),),
        cure="give the JSON file that the tool saves, such as the one of vllm bench serve --save-result",
    )


def _keys(documents: list[Json]) -> str:
    """Say what a file holds, for one that no tool is known to write."""
    if not documents:
        return "no result"
    names = ", ".join(sorted(map(str, documents[0]))[:SHOWN_KEYS])
    return f"a document with {names}" if names else "an empty document"


def _fault(path: Path, expected: str, found: str) -> Fault:
    return Fault(file=str(path), key="", expected=expected, found=found)


def _documents(path: Path, text: str) -> list[Json]:
    """Return the objects of a file: one, a list, one per line, or several behind one another."""
    decoder = json.JSONDecoder()
    found: list[Any] = []
    at = 0
    while at < len(text.rstrip()):
        at += len(text[at:]) - len(text[at:].lstrip())
        try:
            value, at = decoder.raw_decode(text, at)
        except ValueError as error:
            line = text.count("\n", 0, at) + 1
            fault = Fault(file=str(path), key="", expected="JSON", found=str(error), line=line)
            raise InputError((fault,)) from error
        found += value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, dict)]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _rows(base: MeasuredRow, values: dict[tuple[str, str, str], object]) -> Iterator[MeasuredRow]:
    """Give one row for each value that is there; keys are metric, unit and statistic."""
    for (metric, unit, statistic), value in values.items():
        number = _number(value)
        if number is not None:
            yield replace(base, metric=metric, unit=unit, statistic=statistic, value=number)


def _base(**known: Any) -> MeasuredRow:  # noqa: ANN401 - the fields of MeasuredRow
    return MeasuredRow(metric="", value=0.0, unit="", **known)


def _vllm_serve(data: Json) -> Iterator[MeasuredRow]:
    done = data.get("completed") or 0
    cap, rate = data.get("max_concurrency"), data.get("request_rate")
    load: tuple[str, float | str | None] = (ALL_AT_ONCE, "inf")
    if cap is not None:
        load = (CLOSED, cap)
    elif _number(rate) is not None:
        load = (OPEN, rate)
    base = _base(
        date=str(data.get("date", ""))[:8],
        engine="vllm" if data.get("backend") in {"vllm", "openai"} else str(data.get("backend", "")),
        model=str(data.get("model_id", "")),
        isl=data["total_input_tokens"] / done if done else None,
        osl=data["total_output_tokens"] / done if done else None,
        load_type=load[0],
        load_value=load[1],
    )
    values: dict[tuple[str, str, str], object] = {
        ("output_throughput", "tok/s", "run"): data.get("output_throughput"),
        ("request_throughput", "req/s", "run"): data.get("request_throughput"),
    }
    for theirs, ours in (("ttft", "ttft"), ("tpot", "tpot"), ("itl", "itl"), ("e2el", "e2e")):
        for statistic in ("mean", *PERCENTILES):
            values[ours, "ms", statistic] = data.get(f"{statistic}_{theirs}_ms")
        if values[ours, "ms", "p50"] is None:
            values[ours, "ms", "p50"] = data.get(f"median_{theirs}_ms")
    yield from _rows(base, values)


def _vllm_latency(data: Json) -> Iterator[MeasuredRow]:
    base = _base(engine="vllm", model=str(data.get("model_id", "")), load_type=BATCH)
    values: dict[tuple[str, str, str], object] = {("e2e", "s", "mean"): data["avg_latency"]}
    values |= {("e2e", "s", f"p{rank}"): value for rank, value in (data.get("percentiles") or {}).items()}
    yield from _rows(base, values)


def _vllm_throughput(data: Json) -> Iterator[MeasuredRow]:
    base = _base(engine="vllm", model=str(data.get("model_id", "")), load_type=ALL_AT_ONCE, load_value="inf")
    yield from _rows(
        base,
        {
            ("total_throughput", "tok/s", "run"): data["tokens_per_second"],
            ("request_throughput", "req/s", "run"): data["requests_per_second"],
        },
    )


GUIDELLM = (
    ("time_to_first_token_ms", "ttft", "ms"),
    ("inter_token_latency_ms", "tpot", "ms"),
    ("request_latency", "e2e", "s"),
    ("output_tokens_per_second", "output_throughput", "tok/s"),
    ("requests_per_second", "request_throughput", "req/s"),
)


def _guidellm(data: Json) -> Iterator[MeasuredRow]:
    model = str((data.get("args") or {}).get("model") or "")
    for benchmark in data["benchmarks"]:
        metrics = benchmark["metrics"]
        load_type, load_value = _guidellm_load(benchmark)
        base = _base(
            model=model,
            isl=_mean(metrics.get("prompt_token_count")),
            osl=_mean(metrics.get("output_token_count")),
            load_type=load_type,
            load_value=load_value,
        )
        for theirs, ours, unit in GUIDELLM:
            yield from _rows(base, _guidellm_values(metrics.get(theirs) or {}, ours, unit))


def _guidellm_load(benchmark: Json) -> tuple[str, Any]:
    """Return how a benchmark of guidellm loads the server, and how much."""
    strategy = (benchmark.get("config") or benchmark.get("args") or {}).get("strategy") or {}
    rate = strategy.get("rate")
    if rate is not None:
        return OPEN, rate
    streams = strategy.get("streams") or strategy.get("max_concurrency")
    return (str(strategy.get("type_", "")) if streams is None else CLOSED), streams


def _guidellm_values(metric: Json, ours: str, unit: str) -> dict[tuple[str, str, str], object]:
    """Return the mean of a metric, and its percentiles unless it is a rate of the whole run."""
    good = metric.get("successful") or {}
    values: dict[tuple[str, str, str], object] = {(ours, unit, "mean"): good.get("mean")}
    if not unit.endswith("/s"):
        percentiles = good.get("percentiles") or {}
        values |= {(ours, unit, name): percentiles.get(name) for name in PERCENTILES}
    return values


def _mean(metric: Json | None) -> float | None:
    return _number(((metric or {}).get("successful") or {}).get("mean"))


AIPERF = (
    ("time_to_first_token", "ttft"),
    ("inter_token_latency", "tpot"),
    ("request_latency", "e2e"),
    ("output_token_throughput", "output_throughput"),
    ("request_throughput", "request_throughput"),
)
AIPERF_UNITS = {"tokens/sec": "tok/s", "requests/sec": "req/s"}


def _aiperf(data: Json) -> Iterator[MeasuredRow]:
    config = data.get("input_config") or {}
    load = config.get("loadgen") or {}
    rate = load.get("request_rate")
    names = (config.get("endpoint") or {}).get("model_names") or [""]
    base = _base(
        model=str(names[0]),
        isl=_number((data.get("input_sequence_length") or {}).get("avg")),
        osl=_number((data.get("output_sequence_length") or {}).get("avg")),
        load_type=OPEN if rate is not None else CLOSED,
        load_value=rate if rate is not None else load.get("concurrency"),
    )
    for theirs, ours in AIPERF:
        metric = data.get(theirs) or {}
        unit = AIPERF_UNITS.get(metric.get("unit", ""), metric.get("unit", ""))
        values: dict[tuple[str, str, str], object] = {(ours, unit, "mean"): metric.get("avg")}
        values |= {(ours, unit, name): metric.get(name) for name in PERCENTILES}
        yield from _rows(base, values)


def _llama_bench(data: Json) -> Iterator[MeasuredRow]:
    prompt, made, depth = data["n_prompt"], data["n_gen"], data.get("n_depth") or 0
    metric = (
        "prefill_throughput"
        if prompt and not made
        else "decode_throughput"
        if made and not prompt
        else "throughput"
    )
    base = _base(
        date=str(data.get("test_time", ""))[:10],
        engine="llama.cpp",
        engine_version=str(data.get("build_commit", "")),
        model=str(data.get("model_type", "")),
        gpu=str(data.get("gpu_info") or data.get("cpu_info") or ""),
        isl=prompt + depth,
        osl=made,
        load_type=SINGLE,
        load_value=1,
    )
    yield from _rows(base, {(metric, "tok/s", "mean of runs"): data["avg_ts"]})


def _llama_batched(data: Json) -> Iterator[MeasuredRow]:
    base = _base(engine="llama.cpp", isl=data["pp"], osl=data["tg"], load_type=BATCH, load_value=data["pl"])
    yield from _rows(
        base,
        {
            ("prefill_throughput", "tok/s", "one run"): data.get("speed_pp"),
            ("decode_throughput", "tok/s", "one run"): data.get("speed_tg"),
        },
    )


def _has(*keys: str) -> Callable[[Json], bool]:
    return lambda data: all(key in data for key in keys)


READERS: dict[str, tuple[Callable[[Json], bool], Callable[[Json], Iterator[MeasuredRow]]]] = {
    "vllm bench serve": (_has("request_throughput", "total_output_tokens", "completed"), _vllm_serve),
    "vllm bench latency": (_has("avg_latency", "latencies"), _vllm_latency),
    "vllm bench throughput": (
        _has("elapsed_time", "tokens_per_second", "requests_per_second"),
        _vllm_throughput,
    ),
    "guidellm": (_has("benchmarks"), _guidellm),
    "aiperf": (_has("time_to_first_token", "request_latency"), _aiperf),
    "llama-bench": (_has("n_prompt", "n_gen", "avg_ts"), _llama_bench),
    "llama-batched-bench": (_has("pp", "tg", "pl"), _llama_batched),
}
