"""``planner bench`` on the engine of known times, in this process."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.shell import planner

FAKE = ("bench", "--engine", "fake", "--model", "m", "--output-tokens", "3", "--concurrency", "4")
TWELVE = (*FAKE, "--requests", "12")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert planner(*TWELVE, "--seed", "1", "--output", tmp_path / "run").exit_code == 0
    return tmp_path / "run"


def test_the_known_times_are_what_is_measured() -> None:
    done = planner(*TWELVE, "--format", "json")
    assert done.exit_code == 0
    (point,) = json.loads(done.stdout)["points"]
    # 20 ms to the first token, then 5 ms for each
    assert point["ttft_s"]["p50"] == pytest.approx(0.020, abs=1e-6)
    assert point["tpot_s"]["mean"] == pytest.approx(0.005, abs=1e-6)
    assert point["e2e_s"]["mean"] == pytest.approx(0.030, abs=1e-6)
    assert point["requests"]["ok"] == 12


@pytest.mark.parametrize(
    ("form", "first"),
    [("table", "m"), ("csv", "point"), ("md", "|")],
)
def test_every_format_tells_the_same_first_token(form: str, first: str, folder: Path) -> None:
    shown = planner("bench", "report", folder, "--format", form)
    assert shown.exit_code == 0
    if form == "csv":
        (row,) = csv.DictReader(io.StringIO(shown.stdout))
        assert float(row["ttft_s_p50"]) == pytest.approx(0.020, abs=1e-6)
        return
    assert first in shown.stdout
    assert "20.0 ms" in shown.stdout or "20 ms" in shown.stdout


def test_the_summaries_lie_beside_the_records(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert {"requests.jsonl", "manifest.json", "summary.json", "summary.csv", "summary.md"} <= names
    logged = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert len(logged) == 12
    rebuilt = planner("bench", "report", folder, "--format", "json").stdout
    assert json.loads(rebuilt)["points"] == json.loads((folder / "summary.json").read_text())["points"]


def test_strict_exits_with_1_when_a_limit_is_missed(folder: Path) -> None:
    limited = (*TWELVE, "--strict", "--slo")
    assert planner(*limited, "ttft_p50_ms=19").exit_code == 1
    assert planner(*limited, "ttft_p50_ms=21").exit_code == 0
    assert planner("bench", "report", folder, "--strict").exit_code == 0  # it has no limits


def test_a_run_that_is_complete_is_resumed_without_sending_anything(folder: Path) -> None:
    before = (folder / "requests.jsonl").read_bytes()
    done = planner(*TWELVE, "--output", folder, "--resume", "--format", "json")
    assert done.exit_code == 0
    assert (folder / "requests.jsonl").read_bytes() == before
    assert json.loads(done.stdout)["points"][0]["requests"]["ok"] == 12


def test_a_resumed_run_takes_load_and_seed_from_its_manifest(folder: Path) -> None:
    (folder / "points.jsonl").write_text("")  # as a kill before the end of the point leaves it
    other_load = (*FAKE, "--requests", "99", "--concurrency", "1")
    done = planner(*other_load, "--output", folder, "--resume", "--format", "json")
    assert done.exit_code == 0
    (point,) = json.loads(done.stdout)["points"]
    assert (point["requests"]["ok"], point["load"]["concurrency"], point["load"]["seed"]) == (12, 4, 1)


def test_a_replayed_trace_is_resumed_with_its_trace_only(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2023-11-16 18:15:00.0000000,10,1\n2023-11-16 18:15:00.0100000,20,2\n"
    )
    run = ("bench", "--engine", "fake", "--model", "m", "--output", tmp_path / "run")
    done = planner(*run, "--trace", trace, "--format", "json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["points"][0]["requests"]["ok"] == 2
    refused = planner(*run, "--resume")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("error: the run replays a trace\ncure: add --trace FILE")
    assert planner(*run, "--resume", "--trace", trace).exit_code == 0


def test_the_highest_rate_within_the_limits_is_searched() -> None:
    done = planner(
        *("bench", "--engine", "fake", "--model", "m", "--output-tokens", "1", "--requests", "20"),
        *("--find-max-rate", "--rate", "2000", "--slo", "ttft_p50_ms=19", "--seed", "1", "--format", "json"),
    )
    found = json.loads(done.stdout)
    assert found["max_rate_requests_per_s"] is None  # 20 ms are never under 19
    assert found["points"]


def test_a_scenario_file_may_stand_in_the_place_of_a_subcommand(tmp_path: Path) -> None:
    file = tmp_path / "chat.yaml"
    file.write_text(
        "name: chat\ntraffic: {requests_per_second: 400, shape: flat}\n"
        "prompt: {input_tokens: 100, output_tokens: 2, static_prefix_tokens: 50}\n"
        "models: [{model: anthropic/claude-3-5-sonnet, share: 1.0}]\nslo: {ttft_p95_ms: 10}\n"
    )
    arguments = ("--engine", "fake", "--model", "m", "--requests", "30", "--format", "json", "--strict")
    done = planner("bench", file, *arguments)
    assert done.exit_code == 1, done.stderr  # the fake engine needs 20 ms
    (point,) = json.loads(done.stdout)["points"]
    assert point["load"]["rate_requests_per_s"] == 400
    assert point["load"]["shared_prefix_tokens"] == 50
    assert point["load"]["input_tokens"]["values"] == [100]


@pytest.mark.parametrize("form", ["table", "json", "csv", "md"])
def test_a_run_compared_with_itself_has_no_regression(form: str, folder: Path) -> None:
    done = planner("bench", "compare", folder, folder, "--format", form)
    assert done.exit_code == 0
    assert "ttft" in done.stdout.lower()
    assert "REGRESSION" not in done.stdout


def test_unlike_runs_are_not_compared_unless_their_difference_is_allowed(
    folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    longer = ("bench", "--engine", "fake", "--model", "m2", "--output-tokens", "3", "--concurrency", "4")
    assert planner(*longer, "--requests", "12", "--seed", "1", "--output", other).exit_code == 0
    refused = planner("bench", "compare", folder, other)
    assert refused.exit_code == 2
    assert "model" in refused.stderr
    assert planner("bench", "compare", folder, other, "--allow", "model").exit_code == 0
