"""From the book to a price sheet: the row of a date, the way of buying, and what is refused with the valid choices."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from planner.errors import DataError
from planner.inputs.books import load_books
from planner.planning.bill.pricing import modes_of, price_in_force, price_sheet
from planner.specs.answers.request_cost import PriceSheet
from planner.specs.books.price import Contract, Ttl

BOOKS = load_books()
TODAY = date(2026, 11, 23)
MISTRAL, SONNET, DEEPSEEK = (
    "mistral/mistral-small-latest",
    "anthropic/claude-sonnet-4-6",
    "deepseek/deepseek-chat",
)


def sheet(name: str, as_of: date = TODAY, **way: Any) -> PriceSheet:
    return price_sheet(BOOKS.api.find(name), as_of, **way)


def refused(name: str, as_of: date = TODAY, **way: Any) -> tuple[str, str | None]:
    with pytest.raises(DataError) as refusal:
        sheet(name, as_of, **way)
    return refusal.value.message, refusal.value.cure


@pytest.mark.parametrize(
    ("as_of", "usd_per_mtok"),
    [(date(2025, 1, 30), 0.10), (date(2026, 3, 15), 0.10), (date(2026, 3, 16), 0.15), (TODAY, 0.15)],
)
def test_a_price_holds_from_its_day_until_the_next_one_s(as_of: date, usd_per_mtok: float) -> None:
    """Mistral Small cost 0.10 USD/Mtok from 2025-01-30 on, and costs 0.15 since 2026-03-16."""
    assert price_in_force(BOOKS.api.find(MISTRAL), as_of).input_usd_per_mtok == usd_per_mtok


def test_before_its_first_price_and_from_its_retirement_on_a_model_cannot_be_bought() -> None:
    assert refused(MISTRAL, date(2025, 1, 29)) == (
        "mistral/mistral-small-latest has no price on 2025-01-29: the first is of 2025-01-30",
        "ask with --as-of 2025-01-30 or later, or for another model",
    )
    assert sheet(DEEPSEEK, date(2026, 7, 23)).used.status == "retired"  # the last day
    assert refused(DEEPSEEK, date(2026, 7, 24)) == (
        "deepseek/deepseek-chat cannot be bought on 2026-07-24: it was retired on 2026-07-24",
        "ask with --as-of before 2026-07-24, or take its successor deepseek/deepseek-v4-flash",
    )


@given(st.sampled_from(sorted(BOOKS.api.rows)), st.integers(0, 1500))
def test_the_price_of_any_day_is_the_youngest_that_had_begun(name: str, days: int) -> None:
    model = BOOKS.api.rows[name]
    day = model.prices[0].effective_from + timedelta(days=days)
    retired = model.lifecycle.retired_on
    if retired is not None and day >= retired:
        return
    found = price_in_force(model, day)
    begun = [price.effective_from for price in model.prices if price.effective_from <= day]
    assert found.effective_from == max(begun)


@pytest.mark.parametrize(("ttl", "usd_per_mtok"), [(None, 3.75), ("5m", 3.75), ("1h", 6.0)])
def test_writing_to_the_cache_is_priced_by_its_lifetime(ttl: Ttl | None, usd_per_mtok: float) -> None:
    """Sonnet: 3 USD/Mtok of input, 1.25 times that for five minutes, twice that for an hour."""
    (tier,) = sheet(SONNET, ttl=ttl).tiers
    assert tier.cache_write_usd_per_token == pytest.approx(usd_per_mtok / 1e6)
    assert tier.cached_read_usd_per_token == pytest.approx(0.3 / 1e6)


def test_a_lifetime_a_region_and_a_mode_that_are_not_sold_are_refused_with_those_that_are() -> None:
    assert refused(SONNET, ttl="30m")[1] == "lifetimes: 5m, 1h"
    assert refused(SONNET, region="eu")[1] == "regions with a price: us"
    assert refused(MISTRAL, region="eu")[1] == "regions with a price: none"
    assert refused(MISTRAL, mode="priority")[1] == "modes on that date: standard, batch"
    assert refused(MISTRAL, off_peak=True)[1] == "leave --off-peak out"


def test_what_is_written_costs_as_input_where_the_vendor_has_no_other_price() -> None:
    (tier,) = sheet("openai/gpt-5-mini").tiers
    assert tier.cache_write_usd_per_token == tier.input_usd_per_token == pytest.approx(0.25 / 1e6)


def test_long_prompts_had_a_price_of_their_own_until_they_had_none() -> None:
    """Sonnet 4.6 cost 6 and 22.50 USD/Mtok above 200,000 tokens until 2026-03-13."""
    before, after = sheet(SONNET, date(2026, 3, 12)), sheet(SONNET, date(2026, 3, 13))
    assert before.above_input_tokens == (200_000.0,)
    assert before.tiers[1].output_usd_per_token == pytest.approx(22.5 / 1e6)
    assert (after.above_input_tokens, len(after.tiers)) == ((), 1)


def test_off_peak_hours_halve_the_price_while_they_were_sold() -> None:
    """deepseek-chat: 0.27 USD/Mtok, and 0.135 from 16:30 to 00:30 UTC, between 2025-02-26 and 2025-09-05."""
    (tier,) = sheet(DEEPSEEK, date(2025, 6, 15), off_peak=True).tiers
    assert tier.input_usd_per_token == pytest.approx(0.135 / 1e6)
    assert refused(DEEPSEEK, date(2025, 9, 5), off_peak=True)[0].endswith("no off-peak price on 2025-09-05")


def own(applies_to: str = "anthropic", **changes: Any) -> Contract:
    terms: dict[str, Any] = {
        "id": "own",
        "applies_to": applies_to,
        "discount_fraction": 0.2,
        "valid_from": date(2026, 7, 1),
        "valid_to": date(2027, 7, 1),
        "source": "test",
    }
    return Contract(**(terms | changes))


def test_a_contract_holds_from_its_first_day_to_the_one_before_its_last() -> None:
    (plain,), (held,) = sheet(SONNET).tiers, sheet(SONNET, contract=own()).tiers
    for price in ("input_usd_per_token", "cached_read_usd_per_token", "output_usd_per_token"):
        assert getattr(held, price) == pytest.approx(0.8 * getattr(plain, price))
    assert sheet(SONNET, date(2026, 7, 1), contract=own()).used.contract == "own"
    assert sheet(SONNET, date(2027, 6, 30), contract=own()).used.contract == "own"
    for day in (date(2026, 6, 30), date(2027, 7, 1)):
        assert refused(SONNET, day, contract=own())[1] == "it holds from 2026-07-01 to 2027-07-01"
    endless = own(valid_to=None)
    assert refused(SONNET, date(2026, 6, 30), contract=endless)[1] == "it holds from 2026-07-01"


def test_a_contract_discounts_what_it_is_about_and_a_region_comes_on_top() -> None:
    assert refused(MISTRAL, contract=own())[1] == "it is about anthropic"
    (both,) = sheet(SONNET, contract=own(SONNET), region="us").tiers
    assert both.input_usd_per_token == pytest.approx(3 * 0.8 * 1.1 / 1e6)


def test_a_mode_is_sold_from_its_own_day_on() -> None:
    """Gemini 2.5 Pro got flex and priority processing with its price of 2025-10-23."""
    model = BOOKS.api.find("google/gemini-2.5-pro")
    early, late = date(2025, 10, 22), date(2026, 11, 1)
    assert list(modes_of(price_in_force(model, early), early)) == ["standard", "batch"]
    assert list(modes_of(price_in_force(model, late), late)) == ["standard", "batch", "flex", "priority"]
