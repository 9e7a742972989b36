"""Rows laid over each other."""

import pytest

from planner.inputs.books import load_books
from planner.planning.lock.pinned_books import LaidOver
from planner.specs.books.hardware import HardwareSpec

ROWS = load_books().hardware.rows


def named(row_id: str, name: str) -> HardwareSpec:
    return ROWS[row_id].model_copy(update={"name": name})


def test_the_upper_row_hides_the_lower_one() -> None:
    laid = LaidOver({"l4": named("l4", "upper")}, {"l4": named("l4", "lower"), "t4": named("t4", "lower")})
    assert [laid["l4"].name, laid["t4"].name] == ["upper", "lower"]
    assert list(laid) == ["l4", "t4"]
    assert len(laid) == 2
    assert "t4" in laid
    assert "a100" not in laid
    with pytest.raises(KeyError):
        laid["a100"]
