"""What makes a scenario the same on both sides, and which single difference ends that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from planner.planning.diff.sameness import Sameness, same_words
from planner.planning.lock.used_rows import Rows, rows_of
from planner.specs.case import Case
from planner.specs.gate.side import Entry
from planner.specs.scenario.workload import TextSize
from tests.cases_of import books, entry_of
from tests.planning.diff.test_drift import BULK, CHAT
from tests.strategies import built

PROMPT = TextSize(file="p.md", characters=400, words=80, sha256="1")


def entry() -> Entry:
    found = entry_of(built(CHAT))
    return replace(found, case=replace(found.case, texts={"system": PROMPT}))


def with_case(change: Callable[[Case], Case]) -> Entry:
    found = entry()
    return replace(found, case=change(found.case))


def test_an_entry_is_the_same_as_itself_read_again() -> None:
    assert Sameness().unchanged(entry(), entry())


@pytest.mark.parametrize(
    "other",
    [
        replace(entry(), as_of=date(2026, 11, 2)),
        replace(entry(), planner="2"),
        with_case(lambda case: replace(case, scenario=built(CHAT | {"traffic": {"requests_per_day": 1.0}}))),
        with_case(lambda case: replace(case, texts={"system": replace(PROMPT, sha256="2")})),
        with_case(lambda case: replace(case, texts={})),
        with_case(lambda case: replace(case, profiles=case.profiles[:1])),
        with_case(
            lambda case: replace(case, books=replace(case.books))
        ),  # of files, nobody knows yet what is used
    ],
    ids=["date", "planner", "scenario", "prompt file", "no prompt file", "profiles", "books"],
)
def test_one_difference_is_enough(other: Entry) -> None:
    assert not Sameness().unchanged(entry(), other)


def test_a_prompt_file_under_another_name_or_counted_otherwise_says_the_same() -> None:
    renamed = with_case(lambda case: replace(case, texts={"system": replace(PROMPT, file="q.md", words=81)}))
    assert same_words(entry(), renamed)


def test_books_hold_the_rows_of_an_answer_when_each_of_them_is_equal() -> None:
    ours, api = books(), books().api
    mini = api.rows["openai/gpt-4o-mini"]
    used: Rows = {"api": {mini.id: mini}}
    other = replace(ours, api=replace(api, rows={**api.rows, "openai/gpt-5": mini}))
    assert Sameness().same_rows(used, other)  # a row that the answer does not rest on
    dearer = replace(
        ours, api=replace(api, rows={**api.rows, mini.id: mini.model_copy(update={"note": "x"})})
    )
    assert not Sameness().same_rows(used, dearer)
    gone = replace(ours, api=replace(api, rows={}))
    assert not Sameness().same_rows(used, gone)


def test_a_new_machine_with_a_gpu_of_the_answer_may_be_the_cheaper_one() -> None:
    case = entry_of(built(BULK)).case
    every = rows_of(case.books)
    l40s = case.books.hardware.rows["l40s"]
    machines = {row_id: row for row_id, row in case.books.rentals.items() if row.gpu == "l40s"}
    used: Rows = {"hardware": {l40s.id: l40s}, "rentals": {**machines}}
    assert Sameness().same_rows(used, case.books)
    one = next(iter(machines.values()))
    more = {**case.books.rentals, "new": one.model_copy(update={"id": "new"})}
    assert not Sameness().same_rows(used, replace(case.books, rentals=more))
    assert Sameness().same_rows({"rentals": {}, "api": every["api"]}, replace(case.books, rentals=more))
