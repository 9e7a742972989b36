"""Scenarios of a revision come with the prompts, traces and books of the same revision."""

from datetime import date
from pathlib import Path

import pytest

from planner.errors import EXIT_DATA, InputError, PlannerError
from planner.inputs.git import Revision, revision
from planner.inputs.revisions import side_of_revision
from planner.specs.gate.side import Side
from tests.inputs.repositories import OWN_BOOK, commit, repository

TODAY = date(2026, 11, 1)
SCENARIO = """\
name: chat
traffic: {trace: traces/a.csv}
books: ../books
prompt:
  parts: {system: {file: prompts/s.md}}
models: [{model: own/assistant}]
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = repository(tmp_path / "repo")
    for name in ("scenarios/prompts", "scenarios/traces", "books"):
        (folder / name).mkdir(parents=True)
    (folder / "scenarios" / "chat.yaml").write_text(SCENARIO)
    (folder / "scenarios" / "prompts" / "s.md").write_text("word " * 100)
    (folder / "scenarios" / "traces" / "a.csv").write_text(
        "time,input_tokens,output_tokens\n0,100,10\n60,100,10\n"
    )
    (folder / "books" / "pricing.yaml").write_text(OWN_BOOK)
    commit(folder)
    return folder


def read(repo: Path, *paths: str, forgiving: bool = False) -> Side:
    return side_of_revision(revision(repo, "main"), paths, today=TODAY, forgiving=forgiving)


def test_prompt_trace_and_book_are_those_of_the_revision(repo: Path) -> None:
    (repo / "scenarios" / "prompts" / "s.md").write_text("")
    (repo / "books" / "pricing.yaml").unlink()
    (entry,) = read(repo, "scenarios").entries
    assert sorted(entry.inputs) == [
        "books/pricing.yaml",
        "scenarios/chat.yaml",
        "scenarios/prompts/s.md",
        "scenarios/traces/a.csv",
    ]
    assert entry.case.texts["system"].characters == 500
    assert entry.case.trace is not None
    assert "own/assistant" in entry.case.books.api.rows
    (named,) = read(repo, "scenarios/chat.yaml").entries
    assert named.place == "scenarios/chat.yaml"


def test_a_path_that_the_revision_lacks_holds_no_scenario(repo: Path) -> None:
    assert read(repo, "none.yaml", "nowhere").entries == ()


def test_a_row_of_the_own_book_that_is_wrong_is_named_in_the_revision(repo: Path) -> None:
    (repo / "books" / "pricing.yaml").write_text(OWN_BOOK.replace("basis: contract", "basis: rumour"))
    commit(repo)
    with pytest.raises(InputError) as refused:
        read(repo, "scenarios")
    assert refused.value.faults[0].file == "main:books/pricing.yaml"


def test_scenarios_that_name_nothing_readable_are_faults_of_their_own(repo: Path) -> None:
    (repo / "scenarios" / "list.yaml").write_text("- a\n")
    (repo / "scenarios" / "odd.yaml").write_text(
        "prompt: {parts: [1]}\ntraffic: 3\nbooks: ../../../outside\n"
    )
    (repo / "scenarios" / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    commit(repo)
    side = read(repo, "scenarios", forgiving=True)
    assert [entry.place for entry in side.entries] == ["scenarios/chat.yaml"]
    assert {each.place.split("/")[-1] for each in side.unreadable} == {"list.yaml", "odd.yaml", "latin.yaml"}
    assert all(each.reason.startswith("main:") for each in side.unreadable)


def test_a_scenario_that_a_partial_clone_left_out_is_not_taken_for_deleted(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Revision, "contents", lambda _self, _paths: {})
    with pytest.raises(PlannerError, match="left out of this partial clone") as refused:
        read(repo, "scenarios")
    assert refused.value.exit_code == EXIT_DATA
