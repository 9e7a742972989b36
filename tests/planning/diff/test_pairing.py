"""Scenarios find their counterpart by file, by name, or by what they say."""

from typing import Any

from planner.planning.diff.pairing import pairs_of
from planner.specs.gate.side import Entry
from tests.cases_of import entry_of
from tests.planning.diff.test_drift import BULK, CHAT
from tests.strategies import built


def entry(place: str, document: dict[str, Any] = CHAT, **changed: Any) -> Entry:
    return entry_of(built(document | changed), place=place)


def paired(base: list[Entry], head: list[Entry]) -> set[tuple[str | None, str | None]]:
    return {(old.place if old else None, new.place if new else None) for old, new in pairs_of(base, head)}


def test_the_same_file_wins_over_the_same_name() -> None:
    base = [entry("a.yaml", name="one"), entry("b.yaml", name="two")]
    head = [entry("a.yaml", name="two"), entry("b.yaml", name="one")]
    assert paired(base, head) == {("a.yaml", "a.yaml"), ("b.yaml", "b.yaml")}


def test_a_file_seen_from_another_folder_is_the_same_file() -> None:
    base = [entry("scenarios/a.yaml", name="one"), entry("other/b.yaml", name="two")]
    head = [entry("a.yaml", name="three"), entry("c/b.yaml", BULK, name="four")]
    assert ("scenarios/a.yaml", "a.yaml") in paired(base, head)


def test_a_renamed_file_is_found_by_name_and_then_by_what_it_says() -> None:
    base = [entry("a.yaml", name="one"), entry("b.yaml", BULK, name="two")]
    head = [entry("x.yaml", name="one"), entry("y.yaml", BULK, name="zwei")]
    assert paired(base, head) == {("a.yaml", "x.yaml"), ("b.yaml", "y.yaml")}


def test_what_has_nothing_in_common_is_removed_and_new() -> None:
    base = [entry("a.yaml", name="one"), entry("b.yaml", name="same"), entry("c.yaml", name="same")]
    head = [entry("x.yaml", BULK, name="same")]
    assert paired(base, head) == {("a.yaml", None), ("b.yaml", None), ("c.yaml", None), (None, "x.yaml")}


def test_two_files_that_are_named_are_compared_whatever_they_are_called() -> None:
    assert paired([entry("a.yaml", name="one")], [entry("b.yaml", BULK)]) == {("a.yaml", "b.yaml")}
    assert paired([], []) == set()
