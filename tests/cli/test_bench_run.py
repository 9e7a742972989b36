"""From options to a run: what is planned before anything is measured."""

import re
from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress

from planner.bench.load import TraceRow
from planner.cli import bench_run
from planner.cli.bench_options import Arrival, Endpoint
from planner.cli.bench_progress import progress, with_rate
from planner.cli.bench_run import load_points, trace_rows
from planner.errors import UsageError

GIVEN: dict[str, Any] = {
    "api_key_env": "PLANNER_TEST_KEY",
    "arrival": Arrival.poisson,
    "burstiness": 1.0,
    "calibrate": False,
    "concurrency": None,
    "endpoint": Endpoint.auto,
    "engine": "fake",
    "engine_args": "",
    "feature": None,
    "find_max_rate": False,
    "goal": 0.05,
    "input_tokens": "512",
    "max_error_fraction": 0.5,
    "metric_convention": "planner",
    "minutes": 10.0,
    "model": "m",
    "output": None,
    "output_tokens": "128",
    "provider": "self_hosted",
    "quantization": "q4_0",
    "ramp": None,
    "rate": None,
    "rate_limit": "count",
    "requests": None,
    "resume": False,
    "seed": 7,
    "self_check": True,
    "shared_prefix": 0,
    "slo": None,
    "start_rate": 0.1,
    "synthetic": None,
    "timeout_first_token": 300.0,
    "timeout_idle": 60.0,
    "trace": None,
    "url": None,
    "user": None,
    "verify_tls": True,
}
TRACE = "TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(
    f"2023-11-16 18:15:{second:02}.0000000,{100 + second},{second}\n" for second in range(10)
)


def given(**changes: Any) -> dict[str, Any]:
    return GIVEN | changes


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"engine": "vlm"}, "no engine 'vlm'"),
        ({"model": None, "engine": "openai"}, "no model named"),
        ({"rate_limit": "ignore"}, "bad --rate-limit 'ignore'"),
        ({"find_max_rate": True}, "--find-max-rate needs limits and a new run"),
        ({"find_max_rate": True, "slo": ["e2e_p95_s=1"], "resume": True}, "--find-max-rate needs limits"),
        ({"resume": True}, "--resume needs the folder"),
        ({"burstiness": 0.0}, "--burstiness must be above 0"),
        ({"requests": 10, "input_tokens": "x"}, "bad --input-tokens 'x'"),
        ({"trace": Path("nowhere.csv")}, "nowhere.csv"),
    ],
)
def test_options_that_do_not_go_together_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        bench_run.bench_run(given(**wrong))


def test_the_fake_engine_needs_no_model_named() -> None:
    assert bench_run.bench_run(GIVEN | {"model": None}).options.model == "fake"


def test_a_ladder_has_a_point_for_each_level_and_rate_with_a_seed_of_its_own() -> None:
    points = load_points(given(concurrency="1,4", rate="2,5", requests=50), 100, ())
    assert [(point.concurrency, point.rate_requests_per_s) for point in points] == [
        *((1, 2.0), (4, 2.0), (1, 5.0), (4, 5.0)),
    ]
    assert [point.seed for point in points] == [100, 101, 102, 103]
    assert {point.kind for point in points} == {"poisson"}
    assert {point.requests for point in points} == {50}


def test_without_load_options_one_request_is_in_flight_and_a_hundred_are_sent() -> None:
    (point,) = load_points(given(), 1, ())
    assert (point.kind, point.concurrency, point.requests) == ("closed", 1, 100)
    assert point.input_tokens.values == (512,)


def test_a_search_starts_at_one_request_a_second() -> None:
    (point,) = load_points(given(find_max_rate=True), 1, ())
    assert (point.kind, point.rate_requests_per_s) == ("poisson", 1.0)
    (told,) = load_points(given(find_max_rate=True, rate="30", arrival=Arrival.gamma, ramp=5), 1, ())
    assert (told.kind, told.rate_requests_per_s, told.ramp_requests) == ("gamma", 30.0, 5)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    file = tmp_path / "trace.csv"
    file.write_text(TRACE)
    return file


def test_a_trace_is_replayed_request_by_request_with_one_token_at_least(trace: Path) -> None:
    rows = trace_rows(given(trace=trace))
    assert rows[0] == TraceRow(offset_s=0.0, input_tokens=100, output_tokens=1)  # 0 generated in the file
    assert rows[9] == TraceRow(offset_s=9.0, input_tokens=109, output_tokens=9)
    assert len(trace_rows(given(trace=trace, requests=3))) == 3
    assert trace_rows(given()) == ()


def test_a_trace_is_one_point_with_the_sizes_that_occur(trace: Path) -> None:
    run = bench_run.bench_run(given(trace=trace, concurrency="4", ramp=2))
    (point,) = run.points
    assert (point.kind, point.requests, point.concurrency, point.ramp_requests) == ("trace", 10, 4, 2)
    assert point.input_tokens.values == tuple(range(100, 110))
    assert point.output_tokens.values == tuple(range(1, 10))
    (free,) = bench_run.bench_run(given(trace=trace)).points
    assert free.concurrency is None


def test_options_of_the_engine_are_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANNER_TEST_KEY", "sk-1")
    run = bench_run.bench_run(
        given(
            rate_limit="retry",
            timeout_first_token=3.0,
            timeout_idle=4.0,
            engine_args="--a 'b c'",
            verify_tls=False,
            slo=["ttft_p95_ms=10"],
            feature="chat",
        )
    )
    options = run.options
    assert (options.api_key, options.honour_retry_after, options.max_retries) == ("sk-1", True, 5)
    assert (options.timeouts.first_token_s, options.timeouts.idle_s) == (3.0, 4.0)
    assert options.launch_arguments == ("--a", "b c")
    assert (options.verify_tls, options.seed) == (False, 7)
    assert run.slo[0].limit_s == 0.01
    assert (run.labels.feature, run.check_client) == ("chat", False)  # the fake engine has no client to check
    patient = bench_run.bench_run(given(engine="openai", url="http://x/v1")).options
    assert (patient.honour_retry_after, patient.max_retries) == (False, 0)


def test_without_a_seed_one_is_drawn_and_kept() -> None:
    run = bench_run.bench_run(given(seed=None))
    assert run.settings["seed"] == run.options.seed == run.points[0].seed
    assert 0 <= run.options.seed < 2**31


def test_progress_says_nothing_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(quiet=False) as watch:
        watch("1 in flight", 1, 10)
    assert capsys.readouterr() == ("", "")


def test_progress_is_drawn_on_a_terminal_and_not_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[str, int, int | None]] = []

    def update(_: Progress, __: object, *, description: str, completed: int, total: int | None) -> None:
        drawn.append((description, completed, total))

    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr(Progress, "update", update)
    with progress(quiet=False) as watch:
        watch("starting", 0, 0)
        watch("1 in flight", 0, 10)
        watch("1 in flight", 1, 10)  # too soon after the last drawing
        watch("1 in flight", 10, 10)
    assert drawn[:2] == [("starting", 0, None), ("1 in flight", 0, 10)]
    assert re.fullmatch(r"1 in flight, [\d,.]+(e\+\d+)? requests/s", drawn[2][0])


def test_progress_names_the_rate_of_what_has_ended() -> None:
    assert with_rate("1 in flight", 30, 12.0) == "1 in flight, 2.5 requests/s"
    assert with_rate("1 in flight", 0, 12.0) == "1 in flight"
