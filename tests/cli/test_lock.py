"""``planner lock``: writes once, never over what was not accepted."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from planner.cli.main import app

SCENARIO = """\
name: chat
as_of: 2026-11-01
traffic: {requests_per_day: 10_000}
prompt:
  parts:
    system: {file: prompts/system.md, static: true}
    user: {tokens: 1000}
  output_tokens: 400
models:
  - {model: openai/gpt-4o-mini, share: 1.0}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "scenarios" / "prompts").mkdir(parents=True)
    (tmp_path / "scenarios" / "chat.yaml").write_text(SCENARIO)
    (tmp_path / "scenarios" / "prompts" / "system.md").write_text("You are a helpful assistant. " * 40)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args: str) -> Result:
    return CliRunner(env={"COLUMNS": "80", "NO_COLOR": "1"}).invoke(app, ["lock", *args], prog_name="planner")


def test_a_lock_names_every_input_with_its_hash(folder: Path) -> None:
    done = run("scenarios")
    assert (done.exit_code, done.stdout.splitlines()[0][:32]) == (0, "wrote planner.lock.json: 1 scena")
    document = json.loads((folder / "planner.lock.json").read_text())
    inputs = document["scenarios"]["scenarios/chat.yaml"]["inputs"]
    assert list(inputs) == ["scenarios/chat.yaml", "scenarios/prompts/system.md"]
    assert all(len(digest) == 64 for digest in inputs.values())


def test_a_lock_of_version_1_still_holds_and_becomes_one_of_version_2_when_it_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree("tests/inputs/version_1_lock", tmp_path / "old")
    monkeypatch.chdir(tmp_path / "old")
    file = Path("planner.lock.json")
    before = file.read_bytes()
    held = run("--check")
    assert (held.exit_code, held.stdout[:11]) == (0, "up to date:"), held.output
    assert CliRunner().invoke(app, ["diff"], prog_name="planner").stdout.startswith("no change: 1 scenario")
    assert file.read_bytes() == before
    assert run("--update").exit_code == 0
    new, old = json.loads(file.read_text()), json.loads(before)
    assert (old["schema"], new["schema"]) == ("planner.lock/1", "planner.lock/2")
    result = new["scenarios"]["chat.yaml"]["result"]
    assert result.pop("usd_per_month_band")["value"] == result["usd_per_month"]
    assert list(result.pop("api_swings")) == ["exact-cache hit rate"]
    assert new["scenarios"] == old["scenarios"]
    assert set(new["rules"]["error_classes"]) == {"timeout", "rate_limited"}
    assert run("--check").stdout.startswith("up to date:")


def test_a_second_run_writes_the_same_bytes(folder: Path) -> None:
    run("scenarios")
    first = (folder / "planner.lock.json").read_bytes()
    done = run("scenarios", "--update")
    assert done.stdout.startswith("up to date")
    assert (folder / "planner.lock.json").read_bytes() == first
    assert run("--check").exit_code == 0


def test_a_changed_prompt_makes_the_lock_stale_until_it_is_accepted(folder: Path) -> None:
    run("scenarios")
    first = (folder / "planner.lock.json").read_bytes()
    (folder / "scenarios" / "prompts" / "system.md").write_text("You are a helpful assistant. " * 400)
    for args in (("--check",), ("scenarios",)):
        done = run(*args)
        assert done.exit_code == 5
        assert "scenarios/chat.yaml: input changed: scenarios/prompts/system.md" in done.stderr
        assert "accept it with planner lock --update" in done.stderr
        assert (folder / "planner.lock.json").read_bytes() == first
    done = run("--update")
    assert done.exit_code == 0
    assert "mostly longer prompt part system" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("wrote planner.lock.json: 1 scenario, ")
    assert run("--check").exit_code == 0


def test_a_removed_scenario_is_stale_and_then_gone(folder: Path) -> None:
    (folder / "scenarios" / "other.yaml").write_text(SCENARIO.replace("name: chat", "name: other"))
    run("scenarios")
    (folder / "scenarios" / "other.yaml").unlink()
    done = run("--check")
    assert (done.exit_code, "scenario removed: other" in done.stderr) == (5, True)
    assert run("--update").exit_code == 0
    assert list(json.loads((folder / "planner.lock.json").read_text())["scenarios"]) == [
        "scenarios/chat.yaml"
    ]


def test_a_scenario_without_a_date_keeps_the_date_of_its_lock(folder: Path) -> None:
    file = folder / "scenarios" / "chat.yaml"
    file.write_text(SCENARIO.replace("as_of: 2026-11-01\n", ""))
    assert run("scenarios", "--as-of", "2026-03-01").exit_code == 0
    assert run("--check").exit_code == 0
    done = run("--check", "--as-of", "2026-04-01")
    assert (done.exit_code, "2026-03-01 is now 2026-04-01" in done.stderr) == (5, True)


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        ((), 2, "no scenario is named, and there is no lock"),
        (("--check", "scenarios"), 5, "there is no lock at planner.lock.json"),
        (("--check", "--update", "scenarios"), 2, "goes with neither"),
    ],
)
def test_what_cannot_be_done_is_said(folder: Path, args: tuple[str, ...], code: int, said: str) -> None:
    done = run(*args)
    assert (done.exit_code, said in done.stderr) == (code, True)
    assert not (folder / "planner.lock.json").exists()


def test_a_broken_lock_is_never_overwritten(folder: Path) -> None:
    lock = folder / "planner.lock.json"
    lock.write_text("<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> main\n")
    before = lock.read_bytes()
    for args in (("scenarios",), ("--update", "scenarios"), ("--check",)):
        done = run(*args)
        assert (done.exit_code, "merge conflict" in done.stderr) == (2, True)
        assert lock.read_bytes() == before


def test_an_old_lock_is_priced_again_at_another_date_without_the_scenario(folder: Path) -> None:
    run("scenarios", "--as-of", "2026-03-01")
    before = (folder / "planner.lock.json").read_bytes()
    (folder / "scenarios" / "chat.yaml").unlink()
    done = run("--reprice", "--as-of", "2026-11-01", "--format", "json")
    document = json.loads(done.stdout)
    assert (document["base"], document["head"]) == ("planner.lock.json", "repriced at 2026-11-01")
    assert document["delta_usd_per_month"] == 0
    assert (folder / "planner.lock.json").read_bytes() == before
    assert run("--reprice", "--as-of", "2026-11-01", "--update").exit_code == 0
    assert (
        json.loads((folder / "planner.lock.json").read_text())["scenarios"]["scenarios/chat.yaml"]["as_of"]
        == "2026-11-01"
    )


@pytest.mark.usefixtures("folder")
def test_a_lock_answers_what_if() -> None:
    run("scenarios")
    done = run(
        "--reprice", "--as-of", "2026-11-01", "--set", "traffic.requests_per_day=20000", "--format", "json"
    )
    document = json.loads(done.stdout)
    assert document["usd_per_month_after"] == pytest.approx(2 * document["usd_per_month_before"], rel=1e-6)
    assert [cause["kind"] for cause in document["causes"]] == ["volume"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            ("--set", "traffic.requests_per_day=ten"),
            "--set traffic.requests_per_day=ten traffic.requests_per_day: expected",
        ),
        (
            ("--set", "models[0].model=gpt-9"),
            "scenarios/chat.yaml models[0].model: expected a known API model",
        ),
        (("--set", "prompt.parts.system.file=other.md"), "a lock holds no file other.md"),
        (("--set", "traffic={trace: a.csv}"), "a lock does not hold another trace"),
        (("--set", "traffic.requests_per_day=9", "--update"), "a lock holds what is"),
        (("--check",), "goes with neither"),
        (("scenarios", "--update"), "leave the scenarios out"),
        (("other.yaml",), "planner.lock.json does not hold other.yaml"),
    ],
)
def test_what_a_lock_cannot_answer_is_said(folder: Path, args: tuple[str, ...], said: str) -> None:
    run("scenarios")
    (folder / "other.yaml").write_text(SCENARIO)
    before = (folder / "planner.lock.json").read_bytes()
    done = run("--reprice", *args)
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr
    assert (folder / "planner.lock.json").read_bytes() == before


def test_only_the_scenarios_that_are_named_are_repriced(folder: Path) -> None:
    (folder / "scenarios" / "more.yaml").write_text(SCENARIO.replace("name: chat", "name: more"))
    run("scenarios")
    for named, count in (("scenarios", 2), ("scenarios/more.yaml", 1)):
        done = run("--reprice", named, "--set", "traffic.requests_per_day=20_000", "--format", "json")
        assert len(json.loads(done.stdout)["scenarios"]) == count
    assert folder.exists()


def test_own_books_are_needed_to_price_again(folder: Path) -> None:
    (folder / "books").mkdir()
    (folder / "books" / "pricing.yaml").write_text("api: []\n")
    file = folder / "scenarios" / "chat.yaml"
    file.write_text(SCENARIO + "books: ../books\n")
    assert run("scenarios").exit_code == 0
    assert run("--reprice").exit_code == 0
    (folder / "books" / "pricing.yaml").unlink()
    (folder / "books").rmdir()
    done = run("--reprice")
    assert (done.exit_code, "name the folder with --books DIR" in done.stderr) == (2, True)


def test_nothing_is_repriced_without_a_lock() -> None:
    done = run("--reprice", "--lock", "nowhere.json")
    assert (done.exit_code, "there is no lock at nowhere.json to reprice" in done.stderr) == (2, True)


def test_a_scenario_without_a_price_is_named_and_nothing_is_written(folder: Path) -> None:
    done = run("scenarios", "--as-of", "2020-01-01")
    assert done.exit_code == 3
    assert "scenarios/chat.yaml: openai/gpt-4o-mini has no price on 2020-01-01" in done.stderr
    assert not (folder / "planner.lock.json").exists()
