"""Dimensions and stored parameters of a model agree, or it is refused."""

import pytest

from planner.errors import DataError
from planner.inputs.books import load_books
from planner.planning.memory.architecture import unpack
from planner.planning.memory.size_agreement import check_size

BOOKS = load_books()


@pytest.mark.parametrize("name", ["llama-3.1-8b", "gpt-oss-20b", "deepseek-v3"])
def test_a_model_that_adds_up_is_taken(name: str) -> None:
    check_size(BOOKS.models.find(name))


def test_a_file_may_hold_its_prediction_layers_or_not_say_its_size() -> None:
    deepseek = BOOKS.models.find("deepseek-v3")
    counts = unpack(deepseek).parameters
    check_size(deepseek.model_copy(update={"parameters": counts.total + counts.mtp}))
    check_size(deepseek.model_copy(update={"parameters": None}))


def test_a_model_that_does_not_add_up_is_refused_with_both_counts() -> None:
    wrong = BOOKS.models.find("llama-3.1-8b").model_copy(update={"parameters": 8.2e9})
    with pytest.raises(DataError, match=r"make up 8\.030 billion parameters and its tensors 8\.200"):
        check_size(wrong)
