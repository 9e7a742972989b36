"""Rows are found by any name that they have, and a wrong name is answered with the nearest."""

from __future__ import annotations

import pytest

from planner.errors import DataError
from planner.inputs.books import load_books

BOOKS = load_books()


@pytest.mark.parametrize("name", ["openai/gpt-4o-mini", "gpt-4o-mini", "GPT-4o mini", "gpt_4o_mini"])
def test_case_spaces_and_the_maker_may_be_left_out(name: str) -> None:
    assert BOOKS.api.find(name).id == "openai/gpt-4o-mini"


def test_a_wrong_name_is_answered_with_the_nearest_or_with_where_to_look() -> None:
    with pytest.raises(DataError, match="is called 'h100-smx' in the books") as near:
        BOOKS.hardware.find("h100-smx")
    assert near.value.cure is not None
    assert near.value.cure.startswith("did you mean h100-sxm")
    with pytest.raises(DataError) as far:
        BOOKS.hardware.find("zzzzzz")
    assert far.value.cure is not None
    assert far.value.cure.startswith("see `planner books list ")


def test_a_name_of_several_rows_is_refused_with_all_of_them() -> None:
    shared = next(ids for ids in BOOKS.api.bare.values() if len(ids) > 1)
    name = shared[0].rsplit("/", 1)[-1]
    with pytest.raises(DataError, match="is ambiguous") as error:
        BOOKS.api.find(name)
    assert all(each in error.value.message for each in shared)
    assert error.value.cure == "name one of these in full"


def test_a_path_in_place_of_a_model_is_told_how_it_becomes_a_row() -> None:
    with pytest.raises(DataError) as refused:
        load_books().models.find("./my-finetune")
    assert refused.value.cure == (
        "see `planner books list models`; `planner models import FILE_OR_FOLDER` makes a row of a config.json or a GGUF"
    )
