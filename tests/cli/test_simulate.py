"""``planner simulate`` from the command line."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import CliRunner

from planner.cli.simulate import app
from planner.errors import UsageError
from tests.cli.shell import planner

BASE = ["--model", "llama-3.1-8b-instruct", "--gpu", "h100-sxm"]
DRAWN = [*BASE, "--rate", "4", "--requests", "50"]


def test_json_holds_ordered_percentiles_and_the_pool() -> None:
    answer = json.loads(CliRunner().invoke(app, [*DRAWN, "--format", "json"]).stdout)
    assert answer["schema"] == "planner.simulate/1"
    assert answer["requests"] == 50
    assert answer["limits"]["pool_tokens"] > 100_000
    for name in ("ttft_s", "tpot_s", "e2e_s"):
        assert 0 < answer[name]["p50"] <= answer[name]["p95"] <= answer[name]["p99"]


def test_the_same_seed_gives_the_same_requests_and_another_seed_others() -> None:
    first, again, other = (
        CliRunner().invoke(app, [*DRAWN, "--format", "csv", "--seed", seed]).stdout for seed in "112"
    )
    assert first == again != other
    assert len(list(csv.reader(StringIO(first)))) == 51


def test_the_screen_draws_queue_and_batch_over_time() -> None:
    screen = CliRunner().invoke(app, DRAWN).stdout
    assert "time to first token" in screen
    assert "running" in screen
    assert "at most" in screen


def first_line(*arguments: str) -> str:
    return CliRunner(env={"COLUMNS": "160"}).invoke(app, [*BASE, *arguments]).stdout.splitlines()[0]


def test_the_first_line_says_whether_the_replica_keeps_up(tmp_path: Path) -> None:
    assert "keeps up with" in first_line("--rate", "4", "--requests", "50")
    behind = first_line("--rate", "400", "--requests", "1500")
    assert "falls behind:" in behind
    assert "wait when the last one comes" in behind
    run = [*BASE, "--rate", "400", "--requests", "1500"]
    assert "--replicas N shares the traffic" in CliRunner(env={"COLUMNS": "160"}).invoke(app, run).stdout
    assert "note:" not in CliRunner(env={"COLUMNS": "160"}).invoke(app, [*run, "--quiet"]).stdout
    trace = tmp_path / "trace.jsonl"
    trace.write_text('{"timestamp": 0, "input_length": 100, "output_length": 5, "hash_ids": [1]}\n' * 2)
    assert first_line("--trace", str(trace)).endswith("serves requests that all come at once")
    once = CliRunner().invoke(app, [*BASE, "--trace", str(trace), "--format", "json"]).stdout
    assert json.loads(once)["offered_requests_per_s"] is None


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ("{ttft_p95_ms: 5000, tpot_p95_ms: 80}", "holds the limits: p95 TTFT"),
        ("{ttft_p95_ms: 90, tpot_p95_ms: 80}", "misses the limit of TTFT: p95 TTFT"),
        ("{}", "the scenario states no limit of latency"),
    ],
)
def test_a_scenario_s_limits_are_held_against_its_percentiles(limits: str, words: str) -> None:
    run = [
        "scenarios/bulk-summarisation.yaml",
        "--gpu",
        "h100-sxm",
        "--replicas",
        "1",
        "--requests",
        "300",
        "--set",
        f"slo={limits}",
    ]
    assert words in CliRunner(env={"COLUMNS": "160"}).invoke(app, run).stdout


OWN_DEVICE = """schema_version: 1
hardware:
- id: our-card
  name: Our card
  vendor: nvidia
  kind: gpu
  memory_gib: 44.4
  bandwidth_gb_per_s: 864.0
  tflops: {fp16: 362.0, bf16: 362.0, fp8: 733.0}
  pcie_gb_per_s: 32.0
  compute_capability: '8.9'
  source: made up
  checked: 2026-11-23
  confidence: datasheet
"""
BULK = ("scenarios/bulk-summarisation.yaml", "--requests", "60")


def test_a_scenario_is_served_as_its_estimate_would_have_it() -> None:
    """GPU, weights and the share of one of the replicas that carry the peak are those of the cheapest machines."""
    estimate = json.loads(planner("estimate", BULK[0], "--format", "json").stdout)["recommendation"][
        "hosting"
    ]
    found = json.loads(planner("simulate", *BULK, "--format", "json").stdout)
    assert (found["hardware"], found["quantization"]) == (estimate["gpu"], estimate["quantization"])
    assert found["gpus"] == estimate["gpus_per_replica"]
    share = found["share"]
    assert share["machines"] == estimate["name"]
    assert (share["serving_replicas"], share["replicas"]) == (
        estimate["plan"]["serving_replicas"],
        estimate["replicas"],
    )
    each_s = share["peak_requests_per_s"] / share["serving_replicas"]
    assert found["offered_requests_per_s"] == pytest.approx(each_s, rel=0.1)
    assert share["refused"] == []
    screen = planner("simulate", *BULK, columns=160).stdout
    assert "the estimate's cheapest machines: llama-3.1-8b fp8 on 1 × l40s" in screen
    assert "5 of 6 replicas take the peak of 20.4 requests/s" in screen


def test_flags_narrow_the_estimate_s_choice() -> None:
    narrowed = ("--gpu", "h100-sxm", "--quantization", "bf16", "--tensor-parallel", "2", "--replicas", "1")
    found = json.loads(planner("simulate", *BULK, *narrowed, "--format", "json").stdout)
    assert (found["hardware"], found["quantization"], found["gpus"]) == ("h100-sxm", "bf16", 2)
    assert found["share"]["serving_replicas"] == 1
    assert "1 replica takes the peak" in planner("simulate", *BULK, *narrowed, columns=160).stdout


def test_machines_that_the_estimate_refuses_are_simulated_with_its_reason() -> None:
    """The chatbot's open model does not fit one H100; two serve it, though nobody called it as good as the API's."""
    screen = planner("simulate", "scenarios/support-chatbot.yaml", "--requests", "60", columns=160).stdout
    assert screen.startswith("llama-3.1-70b fp8 on 2 × h100-sxm keeps up with")
    assert "1 of 2 replicas takes the peak" in screen
    assert "the estimate refuses them: quality_equivalent is not stated" in screen


def test_where_nothing_holds_the_reasons_are_told() -> None:
    none = planner("simulate", *BULK, "--set", "slo={ttft_p95_ms: 1}")
    assert none.exit_code == 2
    assert "a lonely request takes" in none.stderr
    assert "--gpu simulates one" in none.stderr
    anyway = planner("simulate", *BULK, "--set", "slo={ttft_p95_ms: 1}", "--gpu", "h100-sxm", columns=160)
    assert "misses the limit of TTFT" in anyway.stdout
    assert "1 replica takes the peak of 20.4 requests/s" in anyway.stdout


def test_one_fault_of_all_machines_is_told_once() -> None:
    none = planner("simulate", *BULK, "--quantization", "foo")
    assert none.stderr.startswith(
        "error: no machines serve the scenario: no weight quantization is called 'foo'\n"
    )


def test_a_folder_is_no_scenario() -> None:
    none = planner("simulate", "scenarios")
    assert (none.exit_code, none.stderr.splitlines()[0]) == (2, "error: scenarios is a folder")


def test_a_scenario_without_machines_is_asked_for_them() -> None:
    none = planner("simulate", "scenarios/routing-cascade.yaml")
    assert none.exit_code == 2
    assert "say what serves the requests" in none.stderr


def test_a_scenario_s_own_books_are_laid_over_ours(tmp_path: Path) -> None:
    """The folder beside the scenario has a device that no other book knows, and that nobody rents out."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "hardware.yaml").write_text(OWN_DEVICE)
    text = Path(BULK[0]).read_text().replace("as_of: 2026-11-23", "as_of: 2026-11-23\nbooks: mine")
    (tmp_path / "own.yaml").write_text(text)
    asked = ("--requests", "60", "--gpu", "our-card", "--format", "json")
    found = json.loads(planner("simulate", tmp_path / "own.yaml", *asked).stdout)
    assert (found["hardware"], found["gpus"], found["share"]["machines"]) == ("our-card", 1, None)


def test_a_trace_is_replayed_and_replicas_share_it(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(f"{n},100,20\n" for n in range(10))
    )
    run = [*BASE, "--trace", str(trace), "--format", "json"]
    assert json.loads(CliRunner().invoke(app, run).stdout)["requests"] == 10
    assert json.loads(CliRunner().invoke(app, [*run, "--replicas", "2"]).stdout)["requests"] == 5


def test_a_scenario_with_a_trace_is_served_at_the_rate_of_the_trace() -> None:
    """The Azure trace of 2023 has 424,008 requests a day, and the scenario twice as many at its peak: 9.8 a second."""
    asked = ["scenarios/traced-conversation.yaml", *BASE, "--requests", "1000", "--format", "csv"]
    rows = list(csv.DictReader(StringIO(CliRunner().invoke(app, asked).stdout)))
    assert len(rows) == 1000
    assert 1000 / float(rows[-1]["arrival_s"]) == pytest.approx(9.8, rel=0.2)


def test_a_scenario_gives_its_peak_traffic() -> None:
    run = ["scenarios/support-chatbot.yaml", *BASE, "--requests", "20", "--format", "json"]
    assert json.loads(CliRunner().invoke(app, run).stdout)["requests"] == 20


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (BASE, "give the traffic once"),
        ([*DRAWN, "--trace", "README.md"], "give the traffic once"),
        (["--rate", "1"], "say what serves the requests"),
        ([*BASE, "--rate", "0"], "above 0"),
        ([*DRAWN, "--input-tokens", "131073"], "the 131,072 of llama-3.1-8b's context"),
        ([*DRAWN, "--format", "md"], "not md"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(arguments: list[str], words: str) -> None:
    refused = CliRunner().invoke(app, arguments)
    assert isinstance(refused.exception, UsageError)
    assert words in refused.exception.message


REQUESTS = """arrival_s,input_tokens,output_tokens,first_token_s,last_token_s,ttft_ms,tpot_ms
0.0,1000,11,0.1,0.2,100,10
0.5,1000,11,0.6,0.7,100,10
"""


def test_a_table_of_requests_is_replayed_beside_what_it_measured(tmp_path: Path) -> None:
    table = tmp_path / "requests.csv"
    table.write_text(REQUESTS)
    run = [*BASE, "--against", str(table), "--pool-tokens", "40000", "--engine-version", "0.19.0"]
    answer = json.loads(CliRunner().invoke(app, [*run, "--format", "json"]).stdout)
    load = answer["loads"][0]
    assert load["load"] == "llama-3.1-8b on 1 × h100-sxm"
    assert load["requests"] == 2
    measured = {(row["metric"], row["statistic"]): row["measured_s"] for row in load["rows"]}
    assert measured["ttft_s", "mean"] == pytest.approx(0.1)
    assert measured["e2e_s", "p99"] == pytest.approx(0.2)
    assert "end to end" in CliRunner().invoke(app, run).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--profile", "p.json"], "goes with a run of planner bench"),
        (["--format", "csv"], "does not write csv"),
    ],
)
def test_a_replay_of_requests_refuses_what_it_cannot_use(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    table = tmp_path / "requests.csv"
    table.write_text(REQUESTS)
    refused = CliRunner().invoke(app, [*BASE, "--against", str(table), *arguments])
    assert isinstance(refused.exception, UsageError)
    assert words in refused.exception.message


def test_prefixes_that_a_csv_names_are_found_in_the_cache(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("time,input_tokens,output_tokens,hash_ids\n0,1024,5,1 2\n9,1024,5,1 3\n")
    rows = planner("simulate", *BASE, "--trace", trace, "--format", "csv").stdout
    assert [row["cached_tokens"] for row in csv.DictReader(StringIO(rows))] == ["0", "512"]
