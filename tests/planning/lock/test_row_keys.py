"""Rows of a lock under one key each, and under a key of their own where one id stands for several."""

from __future__ import annotations

from planner.inputs.books import load_books
from planner.planning.lock.row_keys import RowKeys, row_id_of
from planner.planning.lock.used_rows import Rows

MINI = load_books().api.rows["openai/gpt-4o-mini"]
OTHER = MINI.model_copy(update={"note": "of another project"})
L4 = load_books().hardware.rows["l4"]


def kept(*scenarios: Rows) -> RowKeys:
    keys = RowKeys()
    for rows in scenarios:
        keys.add(rows)
    return keys


def test_a_row_that_all_scenarios_share_is_kept_once_under_its_id() -> None:
    one: Rows = {"api": {MINI.id: MINI}, "hardware": {}}
    equal: Rows = {"api": {MINI.id: MINI.model_copy()}, "hardware": {L4.id: L4}}
    keys = kept(one, equal)
    assert keys.rows() == {"api": {MINI.id: MINI}, "hardware": {"l4": L4}}
    assert keys.keys(one) == {"api": (MINI.id,)}
    assert keys.keys(equal) == {"api": (MINI.id,), "hardware": ("l4",)}


def test_rows_that_differ_under_one_id_are_told_apart_by_what_they_say() -> None:
    one: Rows = {"api": {MINI.id: MINI}}
    other: Rows = {"api": {MINI.id: OTHER}}
    keys = kept(one, other)
    ((first,), (second,)) = (keys.keys(rows)["api"] for rows in (one, other))
    assert first != second
    assert {row_id_of(first), row_id_of(second)} == {MINI.id}
    assert keys.rows()["api"] == {first: MINI, second: OTHER}
    assert kept(other, one).keys(one)["api"] == (first,)  # whatever the order
