"""``planner diff`` end to end: a git repository, one branch for each thing that can change."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from planner.cli.main import app
from tests.inputs.repositories import OWN_BOOK, commit, git, repository

CHAT = """\
name: chat
as_of: 2026-11-01
books: ../books
traffic: {requests_per_day: 10_000}
prompt:
  parts:
    system: {file: prompts/system.md, static: true}
    user: {tokens: 1000}
  output_tokens: 400
models:
  - {model: openai/gpt-4o-mini, share: 1.0}
accounts: {openai: {tier: tier_1}}
"""
BULK = """\
name: bulk
as_of: 2026-11-01
traffic: {requests_per_second: 14}
prompt: {input_tokens: 1800, output_tokens: 220}
models: [{model: google/gemini-2.5-flash}]
slo: {ttft_p95_ms: 5000, tpot_p95_ms: 80}
hosting:
  self_hosted: {models: [llama-3.1-8b-instruct], quantization: [fp8], gpus: [l40s], quality_equivalent: true}
"""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = repository(tmp_path / "repo")
    (folder / "scenarios" / "prompts").mkdir(parents=True)
    (folder / "books").mkdir()
    (folder / "books" / "pricing.yaml").write_text(OWN_BOOK)
    (folder / "scenarios" / "chat.yaml").write_text(CHAT)
    (folder / "scenarios" / "bulk.yaml").write_text(BULK)
    (folder / "scenarios" / "prompts" / "system.md").write_text("word " * 400)
    commit(folder)
    git(folder, "checkout", "--quiet", "-b", "branch")
    monkeypatch.chdir(folder)
    return folder


def run(*args: str) -> Result:
    return CliRunner(env={"COLUMNS": "80", "NO_COLOR": "1"}).invoke(app, ["diff", *args], prog_name="planner")


def found(*args: str) -> Any:
    done = run(*args, "--format", "json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert sum(cause["usd_per_month"] for cause in document["causes"]) == document["delta_usd_per_month"]
    return document


def edited(repo: Path, file: str, old: str, new: str) -> None:
    path = repo / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def only_cause(document: Any) -> Any:
    (cause,) = document["causes"]
    return cause


@pytest.mark.usefixtures("repo")
def test_an_unchanged_tree_has_no_difference() -> None:
    done = run("--base-ref", "main", "scenarios", "--exit-code")
    assert done.exit_code == 0
    assert done.stdout.startswith("no change: 2 scenarios, ")


def test_a_longer_prompt_file_costs_its_tokens(repo: Path) -> None:
    (repo / "scenarios" / "prompts" / "system.md").write_text("word " * 1200)
    document = found("--base-ref", "main", "scenarios")
    cause = only_cause(document)
    assert (cause["kind"], cause["file"]) == ("tokens per request", "scenarios/prompts/system.md")
    # the file grew from 2,000 to 6,000 characters; each token more costs 300,000 requests × 0.15 USD/Mtok = 0.045 USD
    assert cause["usd_per_month"] == pytest.approx(0.045 * cause["tokens_per_request"], rel=1e-6)
    done = run("--base-ref", "main", "scenarios", "--exit-code")
    assert done.exit_code == 1
    first = " ".join(done.stdout.splitlines()[:2])
    assert first.startswith(f"+{document['delta_usd_per_month']:,.2f} USD/month (+")
    assert "mostly longer prompt part system" in first
    assert "scenarios/prompts/system.md" in first


def test_another_model_is_the_model_mix(repo: Path) -> None:
    edited(repo, "scenarios/chat.yaml", "openai/gpt-4o-mini, share: 1.0", "own/assistant, share: 1.0")
    cause = only_cause(found("--base-ref", "main", "scenarios"))
    assert (cause["kind"], cause["before"], cause["after"]) == (
        "model mix",
        "openai/gpt-4o-mini",
        "own/assistant",
    )


def test_a_price_in_the_own_book_is_drift_and_no_change_of_the_scenario(repo: Path) -> None:
    edited(repo, "scenarios/chat.yaml", "openai/gpt-4o-mini, share: 1.0", "own/assistant, share: 1.0")
    commit(repo)
    edited(repo, "books/pricing.yaml", "output_usd_per_mtok: 2.0", "output_usd_per_mtok: 3.0")
    document = found("--base-ref", "branch", "scenarios")
    cause = only_cause(document)
    assert (cause["kind"], cause["name"]) == ("price", "book rows of own/assistant")
    # 300,000 requests × 400 tokens × 1 USD/Mtok
    assert cause["usd_per_month"] == pytest.approx(120.0, abs=1e-5)
    assert {each["name"]: each["status"] for each in document["scenarios"]}["chat"] == "drifted"


def test_more_traffic_tightens_the_tier_and_adds_machines(repo: Path) -> None:
    edited(repo, "scenarios/chat.yaml", "10_000", "20_000")
    edited(repo, "scenarios/bulk.yaml", "requests_per_second: 14", "requests_per_second: 40")
    document = found("--base-ref", "main", "scenarios")
    assert {cause["kind"] for cause in document["causes"]} == {"volume"}
    by_name = {each["name"]: each for each in document["scenarios"]}
    (cause,) = by_name["bulk"]["causes"]
    assert "machines" in cause["effect"]
    headroom = next(m for m in by_name["chat"]["metrics"] if m["name"] == "tier_headroom_fraction")
    assert (headroom["subject"], headroom["verdict"]) == ("openai", "worse")


def test_another_gpu_shows_what_it_does_to_latency(repo: Path) -> None:
    edited(repo, "scenarios/bulk.yaml", "gpus: [l40s]", "gpus: [h100-sxm]")
    document = found("--base-ref", "main", "scenarios")
    cause = only_cause(document)
    assert (cause["kind"], cause["before"], cause["after"]) == ("GPU type", "gpus l40s", "gpus h100-sxm")
    assert cause["effect"].count("×") == 2
    metrics = {metric["name"] for metric in document["scenarios"][0]["metrics"]}
    assert {"ttft_p95_s", "tpot_p95_s", "memory_headroom_fraction"} <= metrics


def test_renamed_deleted_and_new_scenarios_are_understood(repo: Path) -> None:
    git(repo, "mv", "scenarios/chat.yaml", "scenarios/support.yaml")
    (repo / "scenarios" / "bulk.yaml").unlink()
    (repo / "scenarios" / "tiny.yaml").write_text(
        BULK.replace("name: bulk", "name: tiny")
        .split("hosting:")[0]
        .replace("14", "1")
        .replace("flash", "pro")
    )
    by_name = {each["name"]: each for each in found("--base-ref", "main", "scenarios")["scenarios"]}
    chat = by_name["chat"]
    assert (chat["renamed"], chat["status"], chat["file_before"]) == (
        True,
        "unchanged",
        "scenarios/chat.yaml",
    )
    assert (by_name["bulk"]["status"], by_name["tiny"]["status"]) == ("removed", "added")


def test_two_revisions_are_compared_without_the_working_tree(repo: Path) -> None:
    edited(repo, "scenarios/chat.yaml", "10_000", "20_000")
    commit(repo)
    edited(repo, "scenarios/chat.yaml", "20_000", "1")
    document = found("--base-ref", "main", "--head-ref", "branch", "scenarios")
    assert (document["base"], document["head"]) == ("main", "branch")
    assert only_cause(document)["after"] == "600,000 requests/month"
    assert found("main:scenarios", "branch:scenarios")["causes"] == document["causes"]


def test_a_base_that_cannot_be_read_is_unknown_and_never_zero(repo: Path) -> None:
    edited(repo, "scenarios/chat.yaml", "10_000", "ten")
    commit(repo)
    edited(repo, "scenarios/chat.yaml", "ten", "10_000")
    document = found("--base-ref", "branch", "scenarios")
    (unknown,) = document["unknowns"]
    assert unknown["reason"].startswith(
        "branch:scenarios/chat.yaml:4:29 traffic.requests_per_day: expected a number"
    )
    assert document["delta_usd_per_month"] == 0
    done = run("--base-ref", "branch", "scenarios")
    assert "Unknown, and not in the totals" in done.stdout


def test_a_head_that_cannot_be_read_is_an_error(repo: Path) -> None:
    edited(repo, "scenarios/chat.yaml", "10_000", "ten")
    assert run("--base-ref", "main", "scenarios").exit_code == 2
    commit(repo)
    done = run("--base-ref", "main", "--head-ref", "branch", "scenarios")
    assert (done.exit_code, "branch:scenarios/chat.yaml:4:29" in done.stderr) == (2, True)


def test_a_lock_is_a_base_whose_prices_are_its_own(repo: Path) -> None:
    runner = CliRunner(env={"COLUMNS": "80"})
    assert runner.invoke(app, ["lock", "scenarios"]).exit_code == 0
    assert run().stdout.startswith("no change: 2 scenarios")
    commit(repo)
    lock = repo / "planner.lock.json"
    lock.write_text(lock.read_text().replace('"input_usd_per_mtok": "0.15"', '"input_usd_per_mtok": "0.3"'))
    document = found("planner.lock.json", "scenarios")
    kinds = {cause["kind"]: cause["usd_per_month"] for cause in document["causes"]}
    assert set(kinds) == {
        "formula",
        "price",
    }  # a row that was edited by hand: the recorded figure is not its own
    assert kinds["formula"] == -kinds["price"] > 0
    assert found("branch:planner.lock.json", "scenarios")["causes"] == []


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("a", "b", "c"), "found 3 paths"),
        (("--head-ref", "main", "scenarios"), "--head-ref needs --base-ref"),
        (("--base-ref", "main"), "no path is named"),
        (("--base-ref", "main", "scenarios", "/"), "lies outside the repository"),
        (("nothing.yaml", "scenarios"), "there is no file or folder nothing.yaml"),
        (("main:planner.lock.json", "scenarios"), "there is no planner.lock.json at main"),
        ((), "expected a lock file, found nothing at this path"),
        (("scenarios", "scenarios", "--format", "csv"), "a diff is not written as csv"),
        (("--base-ref", "gone", "scenarios"), "the repository has no revision 'gone'"),
    ],
)
@pytest.mark.usefixtures("repo")
def test_what_cannot_be_compared_is_said(args: tuple[str, ...], said: str) -> None:
    done = run(*args)
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_binary_scenario_in_the_base_is_named(repo: Path) -> None:
    (repo / "scenarios" / "chat.yaml").write_bytes(b"\x00\x01")
    commit(repo)
    (repo / "scenarios" / "chat.yaml").write_text(CHAT)
    (unknown,) = found("--base-ref", "branch", "scenarios")["unknowns"]
    assert "branch:scenarios/chat.yaml" in unknown["reason"]
    assert "binary data" in unknown["reason"]


def test_a_path_that_a_named_revision_does_not_have_is_refused(repo: Path) -> None:
    done = CliRunner().invoke(app, ["diff", "main:scenario", "scenarios"], prog_name="planner")
    assert done.exit_code == 2
    assert "there is no scenario at main" in done.stderr
    assert repo.exists()


def test_a_changed_price_is_told_from_what_to_what(repo: Path) -> None:
    scenario, book = repo / "scenarios/chat.yaml", repo / "books/pricing.yaml"
    scenario.write_text(CHAT.replace("openai/gpt-4o-mini", "own/assistant").replace("accounts", "# accounts"))
    commit(repo)
    book.write_text(OWN_BOOK.replace("output_usd_per_mtok: 2.0", "output_usd_per_mtok: 3.5"))
    done = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1"}).invoke(
        app, ["diff", "--base-ref", "HEAD", "scenarios/chat.yaml"], prog_name="planner"
    )
    assert "book rows of own/assistant  output 2 → 3.5 USD/Mtok" in done.stdout
