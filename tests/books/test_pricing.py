"""The shipped pricing book: every row is valid, and the facts that the product promises are in it."""

from datetime import date

import pytest

from planner.errors import DataError
from planner.inputs.books import load_books
from planner.specs.books.books import Books


@pytest.fixture(scope="module")
def books() -> Books:
    return load_books()


def test_every_row_of_the_book_is_valid(books: Books) -> None:
    assert len(list(books.api.rows.values())) >= 120
    assert len(list(books.rentals.values())) >= 130
    assert len(list(books.rate_limits.values())) >= 8


def test_open_models_and_gpus_are_rows_of_the_other_books(books: Books) -> None:
    open_models = {model.open_model for model in books.api.rows.values()} - {None}
    assert open_models <= set(books.models.rows)
    assert {rental.gpu for rental in books.rentals.values()} <= set(books.hardware.rows)


def test_no_name_means_two_offers_of_one_provider(books: Books) -> None:
    for model in books.api.rows.values():
        for alias in model.aliases:
            owners = {row_id.split("/")[0] for row_id in books.api.ids_of(alias)}
            assert len(owners) == len(books.api.ids_of(alias)), alias


def test_every_successor_is_a_row_of_the_book(books: Books) -> None:
    successors = {model.lifecycle.successor for model in books.api.rows.values()} - {None}
    assert successors <= set(books.api.rows)


def test_every_mode_costs_what_it_says(books: Books) -> None:
    """Batch and flex are never dearer than standard, priority never cheaper."""
    for model in books.api.rows.values():
        for price in model.prices:
            standard = price.input_usd_per_mtok
            for mode in (price.modes.batch, price.modes.flex):
                assert mode is None or mode.input_usd_per_mtok <= standard, model.id
            priority = price.modes.priority
            assert priority is None or priority.input_usd_per_mtok >= standard, model.id


def test_the_cheat_sheets_models_are_priced_for_2025(books: Books) -> None:
    sonnet = books.api.find("claude-3-5-sonnet")
    mini = books.api.find("gpt-4o-mini")
    assert (sonnet.prices[-1].input_usd_per_mtok, sonnet.prices[-1].output_usd_per_mtok) == (3, 15)
    assert (mini.prices[-1].input_usd_per_mtok, mini.prices[-1].output_usd_per_mtok) == (0.15, 0.6)
    assert sonnet.lifecycle.retired_on == date(2025, 10, 28)


@pytest.mark.parametrize(
    ("name", "row_id"),
    [
        ("gpt-4o-mini", "openai/gpt-4o-mini"),
        ("claude-3-5-sonnet-20241022", "anthropic/claude-3-5-sonnet"),
        ("claude-3.5-sonnet", "anthropic/claude-3-5-sonnet"),
        ("gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("us.meta.llama3-1-70b-instruct-v1:0", "bedrock/llama-3.1-70b-instruct"),
        ("meta-llama/Llama-3.3-70B-Instruct-Turbo", "together/llama-3.3-70b-instruct-turbo"),
    ],
)
def test_a_model_is_found_by_the_names_people_use(books: Books, name: str, row_id: str) -> None:
    assert books.api.find(name).id == row_id


def test_an_open_model_that_several_sell_is_ambiguous(books: Books) -> None:
    with pytest.raises(DataError, match=r"fireworks/gpt-oss-120b.*groq/gpt-oss-120b.*together/gpt-oss-120b"):
        books.api.find("gpt-oss-120b")
