"""One broken book for each rule, and what the check says about it."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from planner.errors import Fault, InputError
from planner.inputs import books as shipped
from planner.inputs.book_checks import OpenBooks
from planner.inputs.books import load_books
from planner.inputs.yaml_marks import read_yaml
from planner.planning.book_rules import breaches

TODAY = date(2026, 11, 23)
SOUND = Path("tests/cases/books")
CASES: list[dict[str, Any]] = list(read_yaml(Path("tests/cases/broken_books.yaml")).data)


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check a copy of the sound books, and no others."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shutil.copytree(SOUND, tmp_path / "books")
    monkeypatch.setattr(shipped, "default_books_folder", lambda: tmp_path / "books")


def checked(folder: Path) -> list[Fault]:
    opened = OpenBooks(folder)
    faults = [*opened.faults, *opened.row_faults(TODAY)]
    return faults or list(opened.breach_faults(breaches(load_books())))


def broken(folder: Path, case: dict[str, Any]) -> list[str]:
    file = folder / case["file"]
    text = file.read_text(encoding="utf-8")
    assert text.count(case["old"]) == 1, "the case must change one place"
    file.write_text(text.replace(case["old"], case["new"]), encoding="utf-8")
    return [str(fault).removeprefix(f"{folder}/") for fault in checked(folder)]


def test_the_sound_books_have_no_fault(tmp_path: Path) -> None:
    assert checked(tmp_path / "books") == []


@pytest.mark.parametrize("case", CASES, ids=lambda c: str(c["rule"]))
def test_a_broken_rule_is_named_with_its_place_and_nothing_else_is(
    case: dict[str, Any], tmp_path: Path
) -> None:
    assert broken(tmp_path / "books", case) == list(case["faults"])


def test_a_breach_by_a_row_of_a_folder_that_is_not_checked_is_left_to_its_owner(tmp_path: Path) -> None:
    sound = tmp_path / "books"
    file = sound / "models.yaml"
    file.write_text(file.read_text().replace("parameters: 8030261248", "parameters: 6.9e+9"))
    own = tmp_path / "own"
    own.mkdir()
    shutil.copy(SOUND / "hardware.yaml", own)
    found = list(breaches(load_books(own)))
    assert [breach.row for breach in found] == ["tiny-8b"]
    assert list(OpenBooks(own).breach_faults(found)) == []


@pytest.mark.parametrize("text", ["- 5\n", "hardware:\n", "hardware: 5\n", "gpus: []\n"])
def test_what_is_no_list_of_rows_is_refused_when_the_book_is_loaded(text: str, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "hardware.yaml").write_text(text)
    opened = OpenBooks(own)
    assert [*opened.faults, *opened.row_faults(TODAY)] == []
    with pytest.raises(InputError, match=r"hardware\.yaml:1:1"):
        load_books(own)
