"""``planner predict`` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from planner.bench.steps import STANDARD_PLAN
from planner.cli.predict import app
from planner.errors import UsageError
from planner.planning.prediction.calibrate import fit_profile
from planner.report.bench.calibration import profile_yaml
from planner.specs.profiles.step import ProfileIdentity
from tests.cli.shell import planner
from tests.planning.prediction.test_calibrate import run_of

BASE = ["--model", "llama-3.1-70b", "--gpu", "h100-sxm", "--tensor-parallel", "4", "--quantization", "fp8"]


def test_json_has_the_promised_fields() -> None:
    result = CliRunner().invoke(app, [*BASE, "--concurrency", "64", "--format", "json"])
    answer = json.loads(result.stdout)
    assert answer["schema"] == "planner.predict/1"
    for name in ("ttft_s", "tpot_s", "e2e_s", "output_tokens_per_s", "requests_per_s"):
        assert answer[name]["low"] < answer[name]["value"] < answer[name]["high"]
        assert answer[name]["grade"] == "fitted"
    assert answer["bound_by"]
    assert sum(part["share_fraction"] for part in answer["breakdown"]) > 0.999


def test_detail_shows_the_step_by_operator() -> None:
    result = CliRunner().invoke(app, [*BASE, "--rate", "1", "--detail"])
    assert "speed of light" in result.stdout
    assert "as a benchmark averages it" in result.stdout


@pytest.mark.parametrize("columns", [80, 160])
def test_the_screen_draws_latency_and_memory_within_its_width(columns: int) -> None:
    shell = CliRunner(env={"COLUMNS": str(columns)})
    screen = shell.invoke(app, [*BASE, "--concurrency", "64"]).stdout
    assert "latency  [" in screen
    assert "memory   [" in screen
    assert "speed of light" not in screen
    assert max(map(len, screen.splitlines())) <= columns
    assert "\x1b" not in screen


def test_requests_that_wait_are_counted_and_their_waiting_drawn() -> None:
    """The pool of a full H100 holds a few requests of 100,000 tokens; the others wait."""
    long = ["--input-tokens", "100000", "--concurrency", "64"]
    screen = CliRunner(env={"COLUMNS": "160"}).invoke(app, [*BASE, *long]).stdout
    assert " wait" in screen.splitlines()[0]
    assert "█ waiting and first token" in screen


def test_the_plain_table_needs_no_load() -> None:
    result = CliRunner().invoke(app, BASE)
    assert "1 request in flight" in result.stdout
    assert "time per output token" in result.stdout


def test_a_measured_profile_predicts_without_the_books(tmp_path: Path) -> None:
    profile = tmp_path / "p.yaml"
    profile.write_text(profile_yaml(fit_profile(run_of(STANDARD_PLAN.fit))), encoding="utf-8")
    screen = CliRunner().invoke(app, ["--profile", str(profile), "--input-tokens", "128", "--detail"]).stdout
    assert screen.startswith("m on 1 × EPYC, llama.cpp in process")
    assert "interpolated" in screen


def test_the_folder_of_profiles_is_looked_into_unless_none_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = ProfileIdentity(model="llama-3.1-8b", quantization="q4_0", hardware="l4")
    (tmp_path / "profiles").mkdir()
    text = profile_yaml(fit_profile(run_of(STANDARD_PLAN.fit), identity=named))
    (tmp_path / "profiles" / "l4.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    given = ["--model", "llama-3.1-8b", "--gpu", "l4", "--engine", "llamacpp", "--format", "json"]
    assert json.loads(CliRunner().invoke(app, given).stdout)["profile"] == "profiles/l4.yaml"
    borrowed = CliRunner().invoke(app, [*given, "--quantization", "q4_0", "--profile", "none"]).stdout
    assert json.loads(borrowed)["profile"] == "llamacpp-nvidia-workstation"
    other = [*given[:2], "--profile", "profiles/l4.yaml", "--model", "llama-3.2-1b"]
    assert isinstance(CliRunner().invoke(app, other).exception, UsageError)
    missing = CliRunner().invoke(app, ["--profile", "nothing.yaml"]).exception
    assert isinstance(missing, UsageError)
    assert missing.message == "there is no profile nothing.yaml"


STREAM = ["--engine", "llama.cpp", "--model", "llama-3.1-8b", "--gpu", "rtx-4090", "--quantization", "q4_k_m"]


def test_llama_cpp_answers_for_one_request() -> None:
    text = CliRunner().invoke(app, [*STREAM, "--detail"]).stdout
    assert "tokens of the answer/s" in text
    assert "█" in text
    answer = json.loads(CliRunner().invoke(app, [*STREAM, "--format", "json"]).stdout)
    assert (answer["schema"], answer["engine"]) == ("planner.predict/1", "llamacpp")
    assert answer["ttft_s"]["value"] > 0


def test_ways_to_split_and_to_spare_are_options() -> None:
    many = [
        *BASE,
        "--pipeline-parallel",
        "2",
        "--draft-tokens",
        "3",
        "--acceptance",
        "0.7",
        "--cached",
        "0.5",
    ]
    answer = json.loads(CliRunner().invoke(app, [*many, "--format", "json"]).stdout)
    assert answer["gpus"] == 8


def test_a_pool_that_the_engine_printed_is_taken_for_the_computed_one() -> None:
    run = ["--model", "llama-3.1-8b", "--gpu", "h100-sxm", "--concurrency", "64", "--format", "json"]
    free, tight = (
        json.loads(CliRunner().invoke(app, [*run, *more]).stdout) for more in ([], ["--pool-tokens", "20000"])
    )
    assert tight["kv_pool_tokens"] == 20_000
    assert tight["running"] < free["running"] == 64


@pytest.mark.parametrize(
    ("engine", "version", "said"),
    [
        ("vllm", "0.20", ["version-not-measured"]),
        ("vllm", "0.30", ["version-unknown", "version-not-measured"]),
        ("vllm", "0.15", []),
        ("sglang", "0.5.9", ["borrowed-memory"]),
        ("sglang", "9.0", ["version-not-measured", "borrowed-memory"]),
    ],
)
def test_a_version_beyond_the_measured_ones_is_noticed(engine: str, version: str, said: list[str]) -> None:
    asked = [*BASE, "--engine", engine, "--engine-version", version, "--format", "json"]
    notices = json.loads(CliRunner().invoke(app, asked).stdout)["notices"]
    assert [notice["code"] for notice in notices] == said


def test_another_engine_s_version_is_not_taken_for_one_of_vllm() -> None:
    """SGLang 0.5.9 would be an old vLLM, which held the longest prompt in one step."""
    asked = [*BASE, "--engine", "sglang", "--format", "json"]
    named, latest = (
        json.loads(CliRunner().invoke(app, [*asked, *more]).stdout)
        for more in (("--engine-version", "0.5.9"), ())
    )
    assert named == latest


def test_a_pool_that_is_stated_needs_no_word_on_memory() -> None:
    asked = [*BASE, "--engine-version", "0.30", "--pool-tokens", "200000", "--format", "json"]
    notices = json.loads(CliRunner().invoke(app, asked).stdout)["notices"]
    assert [notice["code"] for notice in notices] == ["version-not-measured"]


@pytest.mark.parametrize("command", [["predict", *BASE], ["simulate", *BASE, "--rate", "1"]])
def test_what_is_no_version_is_refused(command: list[str]) -> None:
    refused = planner(*command, "--engine-version", "banana")
    assert refused.exit_code == 2
    assert "'banana' is not a version of vLLM" in refused.stderr


def test_a_server_on_a_processor_is_noticed() -> None:
    asked = ["--model", "llama-3.1-8b", "--gpu", "epyc-9654", "--format", "json"]
    notices = json.loads(CliRunner().invoke(app, asked).stdout)["notices"]
    assert notices[0]["message"] == "vLLM is not usually run on a cpu"


def test_an_endless_load_is_refused() -> None:
    refused = planner("predict", *BASE, "--concurrency", "inf")
    assert refused.exit_code == 2
    assert "concurrency must be above 0 and finite, found inf" in refused.stderr
