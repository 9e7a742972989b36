"""Rows that remember that they were looked at."""

from planner.inputs.books import load_books
from planner.planning.lock.used_rows import WatchedRows


def test_a_row_is_remembered_when_it_is_read_and_not_when_it_is_looked_for() -> None:
    rows = load_books().hardware.rows
    watched = WatchedRows(rows)
    assert "l4" in watched
    assert "nothing" not in watched
    assert len(watched) == len(rows)
    assert list(watched) == list(rows)
    assert watched.seen == {}
    assert watched["l4"] == rows["l4"]
    assert list(watched.seen) == ["l4"]
