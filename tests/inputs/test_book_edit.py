"""Prices written into a book as text: nothing else moves, and the result is a valid book."""

import difflib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml

from planner.errors import DataError
from planner.inputs.book_edit import with_model, with_prices
from planner.specs.books.price_feed import NewPrice, Offer

DAY = date(2026, 11, 24)
BOOK = """\
# a comment that stays
schema_version: planner.pricing/1
api:
  - id: openai/first  # beside the id
    name: "First"
    prices:
      - {effective_from: 2026-01-01, input_usd_per_mtok: 2, output_usd_per_mtok: 8, cached_read_usd_per_mtok: 0.5,
         modes: {batch: {input_usd_per_mtok: 1, output_usd_per_mtok: 4}},
         basis: announced, confidence: high, checked: 2026-11-23, source: https://example.org/pricing}
      # between the rows of two models
  - id: openai/second
    name: "Second"
    prices:
      - {effective_from: 2025-01-01, input_usd_per_mtok: 3, output_usd_per_mtok: 9,
         basis: observed, confidence: low, checked: 2026-11-23, source: "somebody, 2025"}
      - {effective_from: 2026-11-24, input_usd_per_mtok: 4, output_usd_per_mtok: 9,
         basis: observed, confidence: low, checked: 2026-11-23, source: "somebody, 2025"}
rate_limits: []
"""


def change(model: str, **prices: float) -> NewPrice:
    return NewPrice(
        model=model,
        prices={f"{name}_usd_per_mtok": usd for name, usd in prices.items()},
        source="feed 1",
        seen_on=DAY,
        instead_of="the page",
    )


def added(text: str) -> list[str]:
    diff = difflib.ndiff(BOOK.splitlines(), text.splitlines())
    return [line for line in diff if line[:2] in ("+ ", "- ")]


def rows(text: str, model: str) -> list[dict[str, object]]:
    return next(row["prices"] for row in yaml.safe_load(text)["api"] if row["id"] == model)


def block(book: str, model: str) -> str:
    """Return a book of one model, cut out as text: reading all of it takes a second."""
    start = book.index(f"  - id: {model}\n")
    return "api:\n" + book[start : book.index("  - id: ", start + 1)]


def test_a_row_is_added_and_nothing_is_taken_away() -> None:
    text = with_prices(BOOK.replace("  # beside the id", ""), (change("openai/first", input=2.5, output=10),))
    old, new = rows(text, "openai/first")
    assert old["input_usd_per_mtok"] == 2
    assert new == {
        "effective_from": DAY,
        "input_usd_per_mtok": 2.5,
        "output_usd_per_mtok": 10,
        "cached_read_usd_per_mtok": 0.5,
        "modes": {"batch": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 4}},
        "alternates": [{"source": "the page", "input_usd_per_mtok": 2, "output_usd_per_mtok": 8}],
        "basis": "observed",
        "confidence": "low",
        "checked": DAY,
        "source": "feed 1",
    }
    assert "# a comment that stays" in text
    assert "# between the rows of two models" in text
    assert [line for line in added(text) if line.startswith("- ") and "beside the id" not in line] == []


def test_a_price_that_the_row_lacked_is_put_in() -> None:
    text = with_prices(BOOK, (change("openai/second", cached_read=0.4),))
    assert rows(text, "openai/second")[-1]["cached_read_usd_per_mtok"] == 0.4


def test_a_row_of_the_same_day_is_replaced() -> None:
    text = with_prices(BOOK, (change("openai/second", input=5),))
    found = rows(text, "openai/second")
    assert [row["input_usd_per_mtok"] for row in found] == [3, 5]
    assert [row["source"] for row in found] == ["somebody, 2025", "feed 1"]


def test_no_change_leaves_the_text_as_it_is() -> None:
    assert with_prices(BOOK, ()) == BOOK


def test_a_model_that_is_not_in_the_book_is_refused() -> None:
    with pytest.raises(DataError, match="openai/third has no row in this book"):
        with_prices(BOOK, (change("openai/third", input=1),))


def test_prices_in_another_layout_are_left_to_people() -> None:
    block = "api:\n  - id: openai/block\n    prices:\n      - effective_from: 2026-01-01\n"
    with pytest.raises(DataError, match="not laid out one row in braces each"):
        with_prices(block, (change("openai/block", input=1),))


@pytest.mark.parametrize("model", ["openai/gpt-5.1", "anthropic/claude-opus-4-8", "google/gemini-2.5-pro"])
def test_the_real_book_takes_a_new_row_for_models_of_every_kind(model: str) -> None:
    book = Path("pricing.yaml").read_text()
    before = rows(block(book, model), model)
    after = rows(block(with_prices(book, (change(model, input=77, output=99),)), model), model)
    assert after[:-1] == before
    kept = {"modes", "long_context", "fees", "region_multipliers", "cache_storage_usd_per_mtok_hour"}
    assert {k: v for k, v in after[-1].items() if k in kept} == {
        k: v for k, v in before[-1].items() if k in kept
    }
    assert (after[-1]["input_usd_per_mtok"], after[-1]["output_usd_per_mtok"]) == (77, 99)
    assert (after[-1]["source"], after[-1]["confidence"]) == ("feed 1", "low")


OFFER = Offer(
    provider="openai",
    name="Third-1",
    prices={"input_usd_per_mtok": 1.5, "output_usd_per_mtok": 6, "cached_read_usd_per_mtok": 0.2},
    batch={"input_usd_per_mtok": 0.75, "output_usd_per_mtok": 3},
    since=None,
    deprecated=False,
)


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("a-1", ["openai/a-1", "openai/first", "openai/second"]),
        ("g-1", ["openai/first", "openai/g-1", "openai/second"]),
        ("Third-1", ["openai/first", "openai/second", "openai/third-1"]),
    ],
)
def test_a_new_model_stands_in_the_order_of_the_ids(name: str, order: list[str]) -> None:
    book = BOOK.replace("rate_limits:", "# about limits\nrate_limits:").replace("  # beside the id", "")
    text = with_model(book, replace(OFFER, name=name), "feed 1", DAY)
    assert [row["id"] for row in yaml.safe_load(text)["api"]] == order
    assert "# about limits\nrate_limits:" in text


def test_a_new_model_has_its_prices_and_no_cache_that_nobody_knows_the_rules_of() -> None:
    text = with_model(BOOK, OFFER, "feed 1", DAY)
    assert rows(text, "openai/third-1") == [
        {
            "effective_from": DAY,
            "input_usd_per_mtok": 1.5,
            "output_usd_per_mtok": 6,
            "modes": {"batch": {"input_usd_per_mtok": 0.75, "output_usd_per_mtok": 3}},
            "basis": "observed",
            "confidence": "low",
            "checked": DAY,
            "source": "feed 1",
        }
    ]
    plain = with_model(BOOK, replace(OFFER, batch={}), "feed 1", DAY)
    assert "modes" not in rows(plain, "openai/third-1")[0]


def test_a_model_that_is_there_already_and_a_book_without_models_are_refused() -> None:
    with pytest.raises(DataError, match="openai/second is in this book already"):
        with_model(BOOK, replace(OFFER, name="second"), "feed 1", DAY)
    with pytest.raises(DataError, match="no section `api:`"):
        with_model("rentals: []\n", OFFER, "feed 1", DAY)
