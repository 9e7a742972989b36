"""The adapter around genai-prices: exact names, an explicit date, no silent standard rate, no silent zero."""

from datetime import date

import pytest

from planner.inputs.price_feed import read_feed
from planner.specs.books.price_feed import Offer, Wanted

pytest.importorskip("genai_prices")
NOW = date(2026, 11, 23)


def offer(row: str, *names: str, as_of: date = NOW) -> Offer | None:
    provider, name = row.split("/", 1)
    return read_feed([Wanted(row=row, provider=provider, names=(name, *names))], as_of).found.get(row)


def test_list_prices_are_read_with_cache_and_batch() -> None:
    found = offer("openai/gpt-4o-mini")
    assert found is not None
    assert found.prices == {
        "input_usd_per_mtok": 0.15,
        "output_usd_per_mtok": 0.60,
        "cached_read_usd_per_mtok": 0.075,
    }
    assert (found.batch["input_usd_per_mtok"], found.batch["output_usd_per_mtok"]) == (0.075, 0.3)


def test_cache_writes_by_lifetime_are_read() -> None:
    found = offer("anthropic/claude-sonnet-4-5")
    assert found is not None
    assert found.prices["cache_write_5m_usd_per_mtok"] == 3.75
    assert found.prices["cache_write_1h_usd_per_mtok"] == 6


@pytest.mark.parametrize(
    ("day", "prices", "since"),
    [(date(2025, 5, 1), (10, 40), None), (date(2025, 7, 1), (2, 8), date(2025, 6, 10))],
)
def test_the_date_that_is_asked_for_decides_the_price(
    day: date, prices: tuple[float, float], since: date | None
) -> None:
    found = offer("openai/o3", as_of=day)
    assert found is not None
    assert (found.prices["input_usd_per_mtok"], found.prices["output_usd_per_mtok"]) == prices
    assert found.since == since


def test_a_mode_without_a_variant_is_absent_and_not_the_standard_rate() -> None:
    found = offer("openai/gpt-4o-mini", as_of=date(2026, 1, 1))  # the batch variant begins on 2026-10-14
    assert found is not None
    assert found.batch == {}


def test_no_name_is_guessed() -> None:
    assert offer("openai/gpt-4o-minni") is None
    assert offer("anthropic/gpt-4o-mini") is None


def test_our_providers_are_found_under_their_names() -> None:
    assert offer("xai/grok-3") is not None
    assert offer("bedrock/nova-lite", "amazon.nova-lite-v1:0") is not None


def test_what_no_row_knows_is_listed_once_and_never_free() -> None:
    feed = read_feed([Wanted(row="groq/gemma-7b-it", provider="groq", names=("gemma-7b-it",))], NOW)
    names = [each.name for each in feed.new]
    assert len(names) > 5
    assert len(set(names)) == len(names)
    assert "gemma-7b-it" not in names
    assert all(sum(each.prices.values()) > 0 for each in feed.new)
    assert feed.source.startswith("genai-prices 0.2")
