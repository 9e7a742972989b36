"""``planner bench`` as users call it, against the known-truth server in a process of its own."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SHORT = ("--input-tokens", "16", "--output-tokens", "5", "--no-self-check")


@contextmanager
def truth_server(*arguments: str, **config: Any) -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "planner.bench.truth_server",
        "--watch-stdin",
        "--config",
        json.dumps(config),
    ]
    server = subprocess.Popen(
        [*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    assert server.stdin is not None
    try:
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
    finally:
        server.stdin.close()
        server.wait(5)
        server.stdout.close()


def start(
    *arguments: str, before: Callable[[], None] | None = None, **environment: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "planner", "bench", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
        preexec_fn=before,  # noqa: PLW1509 - there is one thread
    )


def bench(*arguments: str, **environment: str) -> tuple[int, str, str]:
    process = start(*arguments, before=None, **environment)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def first_lines(path: Path, count: int) -> None:
    """Wait until ``count`` requests are on disk."""
    for _ in range(400):
        if path.is_file() and path.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} did not get {count} lines")


def test_a_run_prints_the_documented_json_and_keeps_every_request(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with truth_server() as url:
        arguments = (
            "--url",
            url,
            "--model",
            "truth",
            "--concurrency",
            "4",
            "--requests",
            "24",
            "--output",
            str(run),
        )
        code, out, err = bench(*arguments, *SHORT, "--format", "json", OPENAI_API_KEY="sk-very-secret")
    assert code == 0, err
    document = json.loads(out)
    point = document["points"][0]
    assert document["schema"] == "planner.bench/1"
    assert point["requests"] == {"ok": 24, "failed": 0, "by_error": {}}
    assert point["load"]["concurrency"] == 4
    assert 0.018 < point["ttft_s"]["p50"] < 0.040
    assert 0.004 < point["itl_s"]["p50"] < 0.007
    assert {"mean", "p50", "p95", "p99", "n"} <= set(point["tpot_s"])
    assert point["ttft_s"]["unsupported"] == ["p90", "p95", "p99"]
    assert len((run / "requests.jsonl").read_text().splitlines()) == 24
    assert json.loads((run / "summary.json").read_text())["points"] == document["points"]
    assert not any("sk-very-secret" in path.read_text() for path in run.iterdir())


def test_every_fault_of_the_public_comparison_is_counted_by_its_class(tmp_path: Path) -> None:
    kinds = ("rate_limited:11", "cut:13", "malformed:17", "stream_error:19", "empty:23", "reset:29")
    with truth_server(*(f"--fault={kind}" for kind in kinds), ttft_s=0.001, itl_s=0.0005) as url:
        arguments = ("--url", url, "--model", "truth", "--concurrency", "4", "--requests", "120")
        code, out, _ = bench(*arguments, *SHORT, "--format", "json", "--output", str(tmp_path / "run"))
    assert code == 0
    assert json.loads(out)["points"][0]["requests"] == {
        "ok": 79,
        "failed": 41,
        "by_error": {
            "empty": 5,
            "malformed": 7,
            "rate_limited": 10,
            "reset": 4,
            "stream_error": 6,
            "truncated": 9,
        },
    }


def test_a_run_that_was_killed_is_rebuilt_and_resumed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with truth_server() as url:
        arguments = (
            "--url",
            url,
            "--model",
            "truth",
            "--concurrency",
            "2,4",
            "--requests",
            "40",
            "--output",
            str(run),
        )
        process = start(*arguments, *SHORT)
        first_lines(run / "requests.jsonl", 10)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        code, out, _ = bench("report", str(run), "--format", "json")
        killed = json.loads(out)
        assert code == 0
        assert killed["interrupted"]
        assert killed["points"][0]["requests"]["ok"] >= 10
        code, out, err = bench(*arguments, *SHORT, "--format", "json", "--resume")
    assert code == 0, err
    assert [point["requests"]["ok"] for point in json.loads(out)["points"]] == [40, 40]


def test_the_first_interrupt_drains_and_reports_with_130(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with truth_server() as url:
        arguments = ("--url", url, "--model", "truth", "--concurrency", "2", "--requests", "4000")
        process = start(*arguments, *SHORT, "--output", str(run), "--format", "json")
        first_lines(run / "requests.jsonl", 5)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=10)
    assert process.returncode == 130
    document = json.loads(out)
    assert document["interrupted"]
    assert document["points"][0]["requests"]["failed"] == 0
    assert (run / "summary.json").is_file()


def test_the_second_interrupt_cuts_off_and_still_reports(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with truth_server(stall_at_token=3, stall_s=60) as url:
        arguments = ("--url", url, "--model", "truth", "--concurrency", "2", "--requests", "4")
        process = start(*arguments, *SHORT, "--output", str(run), "--format", "json")
        first_lines(run / "manifest.json", 1)
        time.sleep(0.5)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
        out, _ = process.communicate(timeout=10)
    assert process.returncode == 130
    assert json.loads(out)["points"][0]["requests"]["by_error"] == {"cancelled": 2}


def test_a_ladder_stops_when_the_server_dies_and_names_the_last_good_point() -> None:
    with truth_server(die_after=45, ttft_s=0.001, itl_s=0.001) as url:
        arguments = ("--url", url, "--model", "truth", "--concurrency", "1,4,8", "--requests", "30")
        code, out, _ = bench(*arguments, *SHORT)
    assert code == 4
    assert "the server no longer answers" in out
    assert "last good point: 1 in flight" in out


def test_a_missing_server_is_one_sentence_with_a_cure() -> None:
    code, out, err = bench("--url", "http://127.0.0.1:9/v1", "--model", "m", *SHORT)
    assert (code, out) == (4, "")
    assert err.startswith("error: cannot reach http://127.0.0.1:9/v1")
    assert "cure: start the server" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--model", "m"),
        ("--url", "http://x/v1"),
        ("--engine", "vlm", "--model", "m"),
        ("--engine", "fake", "--model", "m", "--concurrency", "0"),
        ("--engine", "fake", "--model", "m", "--slo", "ttft<5"),
        ("--engine", "fake", "--model", "m", "--resume"),
    ],
)
def test_bad_options_exit_with_2_and_a_cure(arguments: tuple[str, ...]) -> None:
    code, _, err = bench(*arguments)
    assert code == 2
    assert "cure:" in err


def test_strict_exits_with_1_when_a_limit_is_missed() -> None:
    arguments = ("--engine", "fake", "--model", "m", "--requests", "10", "--output-tokens", "3")
    assert bench(*arguments, "--slo", "ttft_p95_ms=10", "--strict")[0] == 1
    assert bench(*arguments, "--slo", "ttft_p95_ms=30", "--strict")[0] == 0


@pytest.mark.slow
def test_a_slower_server_is_a_regression_with_exit_1(tmp_path: Path) -> None:
    with truth_server(itl_s=0.004) as url:
        arguments = ("--url", url, "--model", "truth", "--concurrency", "8", "--requests", "64", *SHORT)
        assert bench(*arguments, "--output", str(tmp_path / "a"))[0] == 0
    with truth_server(itl_s=0.006) as slower:
        arguments = ("--url", slower, *arguments[2:])
        assert bench(*arguments, "--output", str(tmp_path / "b"))[0] == 0
    code, out, _ = bench("compare", str(tmp_path / "a"), str(tmp_path / "b"))
    assert code == 1
    assert "REGRESSION" in out
    assert bench("compare", str(tmp_path / "b"), str(tmp_path / "a"))[0] == 0


@pytest.mark.slow
def test_the_search_finds_a_rate_under_the_server_s_capacity() -> None:
    with truth_server(slots=2, ttft_s=0.01, itl_s=0.0025) as url:  # 2 slots / 20 ms: at most 100 requests/s
        arguments = ("--url", url, "--model", "truth", "--find-max-rate", "--rate", "30", "--requests", "300")
        code, out, err = bench(
            *arguments, *SHORT, "--slo", "ttft_p90_ms=60", "--seed", "1", "--format", "json"
        )
    assert code == 0, err
    assert 25 < json.loads(out)["max_rate_requests_per_s"] < 105


def test_a_scenario_gives_sizes_rate_prefix_and_limits(tmp_path: Path) -> None:
    file = tmp_path / "chat.yaml"
    file.write_text(
        "name: chat\n"
        "traffic: {requests_per_second: 200, shape: flat}\n"
        "prompt: {input_tokens: {mean: 200, p95: 400}, output_tokens: 4, static_prefix_tokens: 50}\n"
        "models: [{model: anthropic/claude-3-5-sonnet, share: 1.0}]\n"
        "slo: {ttft_p95_ms: 10}\n"
    )
    arguments = ("--engine", "fake", "--model", "m", "--requests", "30", "--strict", "--format", "json")
    code, out, err = bench(str(file), *arguments, "--output", str(tmp_path / "run"))
    assert code == 1, err  # the fake engine needs 20 ms
    point = json.loads(out)["points"][0]
    assert point["load"]["kind"] == "poisson"
    assert point["load"]["rate_requests_per_s"] == 200
    assert point["load"]["shared_prefix_tokens"] == 50
    assert point["load"]["output_tokens"]["values"] == [4]
    lengths = point["load"]["input_tokens"]["values"]
    assert 180 < sum(lengths) / len(lengths) < 205
    assert (
        json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[0])["planner.feature"] == "chat"
    )


@pytest.mark.slow
def test_an_interrupt_of_a_run_with_self_check_reports_and_is_130() -> None:
    with truth_server() as url:
        process = start("--url", url, "--model", "truth", "--requests", "4000")
        time.sleep(2.0)  # within the load, or in the self-check after it
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 130, out + err


def test_a_disk_that_is_full_ends_the_run_with_4_and_keeps_what_was_written(tmp_path: Path) -> None:
    """A file system of 64 KiB, mounted in a name space of our own: it is gone with the shell that made it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=64k none {disk}"
    own = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if (
        not shutil.which("unshare")
        or subprocess.run([*own, mount], capture_output=True, check=False).returncode
    ):
        pytest.skip("this system does not let users mount a file system of their own")
    with truth_server(ttft_s=0.001, itl_s=0.0005) as url:
        words = f"--url {url} --model truth --requests 500 --concurrency 4 --output {disk}/run".split()
        planner = f'"{sys.executable}" -m planner bench'
        script = f'{mount} && {planner} "$@"; echo $? >&2; {planner} report {disk}/run --format json'
        done = subprocess.run(
            [*own, script, "x", *words, *SHORT], capture_output=True, text=True, check=False
        )
    assert f"error: cannot write the records to {disk}/run: No space left on device" in done.stderr
    assert done.stderr.endswith("\n4\n")
    assert json.loads(done.stdout)["points"][0]["requests"]["ok"] > 10


def test_a_disk_that_fills_up_ends_the_run_with_what_was_kept(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the full disk: the system refuses to write in both cases."""
    run = tmp_path / "run"

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))

    with truth_server() as url:
        load = ("--concurrency", "4", "--requests", "200", "--output", str(run))
        process = start("--url", url, "--model", "truth", *load, *SHORT, before=small_disk)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 4
    assert f"error: cannot write the records to {run}: File too large" in err
    assert f"cure: free space, then: planner bench report {run}" in err
    code, out, _ = bench("report", str(run), "--format", "json")
    assert code == 0
    assert 0 < json.loads(out)["points"][0]["requests"]["ok"] < 200


def test_requests_carry_the_book_price_of_the_model_that_is_named(tmp_path: Path) -> None:
    with truth_server() as url:
        load = ("--concurrency", "2", "--requests", "6", "--quiet", *SHORT)
        given = ("--url", url, "--model", "truth", *load, "--output")
        bench(*given, str(tmp_path / "priced"), "--priced-as", "gpt-4o-mini")
        bench(*given, str(tmp_path / "plain"))
        code, _, err = bench(*given, str(tmp_path / "wrong"), "--priced-as", "gpt-9")
    (line, *_) = (tmp_path / "priced" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    request = json.loads(line)
    cost = request["planner.cost_usd"]
    assert 0 < cost < 1e-4  # 16 tokens in, 5 out
    (line, *_) = (tmp_path / "plain" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["planner.cost_usd"] is None
    assert code == 3
    assert "no API model is called 'gpt-9'" in err
    assert not (tmp_path / "wrong").exists()
