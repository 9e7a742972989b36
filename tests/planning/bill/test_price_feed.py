"""Book against feed: agreement, disputes with both values, known ones, and what would be written."""

from datetime import date

import pytest

from planner.errors import DataError
from planner.inputs.books import load_books
from planner.planning.bill.price_feed import changes_of, compare, wanted_of
from planner.specs.books.price_feed import Feed, FeedReport, Offer, PriceCheck

DAY = date(2026, 11, 23)
MINI, OPUS = "openai/gpt-4o-mini", "anthropic/claude-opus-4-8"


def report(**offers: Offer) -> FeedReport:
    found = {MINI: offers["mini"]} if "mini" in offers else {}
    if "mistral" in offers:
        found["mistral/mistral-large-latest"] = offers["mistral"]
    if "deepseek" in offers:
        found["deepseek/deepseek-v4-flash"] = offers["deepseek"]
    return compare(load_books().api, Feed(source="feed 1", as_of=DAY, found=found, new=()), DAY)


def offer(input_usd: float, output_usd: float, *, deprecated: bool = False, **batch: float) -> Offer:
    return Offer(
        provider="x",
        name="y",
        prices={"input_usd_per_mtok": input_usd, "output_usd_per_mtok": output_usd},
        batch={f"{name}_usd_per_mtok": usd for name, usd in batch.items()},
        since=None,
        deprecated=deprecated,
    )


def check(made: FeedReport, model: str) -> PriceCheck:
    return next(each for each in made.checks if each.model == model)


def test_equal_prices_agree_and_what_one_side_lacks_is_no_dispute() -> None:
    found = check(report(mini=offer(0.15, 0.6)), MINI)  # the feed says nothing of the cache
    assert (found.status, found.differences) == ("agrees", ())


def test_a_dispute_holds_both_values_and_dates() -> None:
    found = check(report(mini=offer(0.15, 0.7)), MINI)
    assert found.status == "disputed"
    (difference,) = found.differences
    assert (difference.field, difference.book_usd_per_mtok, difference.feed_usd_per_mtok) == (
        "output_usd_per_mtok",
        0.6,
        0.7,
    )
    assert found.book_since is not None
    assert found.book_checked == date(2026, 11, 23)


def test_batch_prices_are_compared_with_batch_prices() -> None:
    found = check(report(mini=offer(0.15, 0.6, input=0.1)), MINI)
    assert [(each.field, each.book_usd_per_mtok) for each in found.differences] == [
        ("batch input_usd_per_mtok", 0.075)
    ]


def test_a_dispute_that_the_book_names_is_known() -> None:
    made = report(mistral=offer(2, 6))  # an alternate of the row
    found = check(made, "mistral/mistral-large-latest")
    assert (found.status, found.known) == ("disputed", True)
    assert made.drifted == ()


def test_a_feed_asked_off_peak_is_compared_with_the_off_peak_price() -> None:
    # DeepSeek V4 Flash costs 0.30 and 1.20 USD/Mtok, and half of it at noon UTC
    assert check(report(deepseek=offer(0.15, 0.6)), "deepseek/deepseek-v4-flash").status == "agrees"


def test_a_retired_model_is_not_sold_and_an_absent_one_is_unknown() -> None:
    made = report()
    assert check(made, "anthropic/claude-3-5-sonnet").status == "not sold"
    assert check(made, OPUS).status == "unknown to the feed"


def test_a_model_that_the_feed_calls_deprecated_is_marked() -> None:
    assert check(report(mini=offer(0.15, 0.6, deprecated=True)), MINI).deprecated is (
        load_books().api.rows[MINI].lifecycle.status == "current"
    )


def test_unknown_disputes_become_price_rows_and_batch_is_left_to_people() -> None:
    changes, left = changes_of(report(mini=offer(0.2, 0.6, input=0.1), mistral=offer(2, 6)))
    (change,) = changes
    assert (change.model, change.prices, change.source, change.seen_on) == (
        MINI,
        {"input_usd_per_mtok": 0.2},
        "feed 1",
        DAY,
    )
    assert left == (f"{MINI}, prices of the batch mode",)


def test_a_known_dispute_is_written_only_when_it_is_named() -> None:
    changes, _ = changes_of(report(mistral=offer(2, 6)), ("mistral/mistral-large-latest",))
    assert [change.model for change in changes] == ["mistral/mistral-large-latest"]


def test_a_model_that_is_not_disputed_cannot_be_written() -> None:
    with pytest.raises(DataError, match="no dispute with feed 1"):
        changes_of(report(mini=offer(0.15, 0.6)), (MINI,))


def test_every_offer_is_looked_for_under_all_its_names() -> None:
    wanted = {each.row: each for each in wanted_of(load_books().api)}
    assert wanted["anthropic/claude-3-5-sonnet"].names[0] == "claude-3-5-sonnet"
    assert "claude-3-5-sonnet-20241022" in wanted["anthropic/claude-3-5-sonnet"].names


def test_a_dispute_about_batch_alone_changes_nothing_and_is_left_to_people() -> None:
    changes, left = changes_of(report(mini=offer(0.15, 0.6, input=0.1)))
    assert changes == ()
    assert left == (f"{MINI}, prices of the batch mode",)
