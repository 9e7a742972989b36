"""The prompt cache derived from traffic: minimum length, lifetime, write surcharge, quiet nights."""

import math
from datetime import date
from functools import cache
from typing import Any

import pytest
from hypothesis import given, strategies as st

from planner.inputs.books import load_books
from planner.planning.bill.pricing import price_sheet
from planner.planning.bill.prompt_cache import cache_minimum_tokens, prefix_caching, too_short_to_cache
from planner.specs.answers.prompt_cache import PrefixCaching
from planner.specs.scenario.caching import PromptCache
from tests.planning.scenes import CHAT, estimate_of

books = cache(load_books)
MID_2025 = date(2025, 6, 15)
DAY = 86_400


def caching(name: str, as_of: date = MID_2025, ttl: Any = None, **changes: Any) -> PrefixCaching:
    model = books().api.find(name)
    request: dict[str, Any] = {
        "static_prefix_tokens": 1200.0,
        "input_tokens": 2000.0,
        "requests_per_s_by_hour": (2_000 / DAY,) * 24,
    }
    return prefix_caching(model, price_sheet(model, as_of, ttl=ttl), as_of, **(request | changes))


def test_the_hit_rate_follows_from_rate_and_lifetime() -> None:
    found = caching("claude-3-5-sonnet")
    hit = 1 - math.exp(-2_000 / DAY * 300)
    assert found.derived
    assert found.hit_fraction == pytest.approx(hit)
    assert found.cached_read_tokens == pytest.approx(1200 * hit)
    assert found.cache_write_tokens == pytest.approx(1200 * (1 - hit))
    # 1,200 tokens at 3, against hits at 0.30 and misses at 3.75
    assert found.saving_usd_per_request == pytest.approx(1200e-6 * (3 - hit * 0.30 - (1 - hit) * 3.75))
    assert found.pays


def test_an_hour_of_lifetime_pays_where_five_minutes_do_not() -> None:
    rare: dict[str, Any] = {"requests_per_s_by_hour": (2 / 3600,) * 24}  # two requests an hour
    short, long = (caching("claude-3-5-sonnet", ttl=ttl, **rare) for ttl in ("5m", "1h"))
    assert short.hit_fraction == pytest.approx(1 - math.exp(-2 / 12))  # 15 %; break-even is 21.7 %
    assert not short.pays
    assert long.hit_fraction == pytest.approx(1 - math.exp(-2))  # 86 %; break-even is 52.6 %
    assert long.pays


def test_at_the_break_even_rate_caching_saves_nothing() -> None:
    rate = caching("claude-3-5-sonnet").break_even_requests_per_s
    assert rate is not None
    assert caching("claude-3-5-sonnet", requests_per_s_by_hour=(rate,)).saving_usd_per_request == (
        pytest.approx(0, abs=1e-12)
    )


def test_free_writes_pay_at_any_rate_and_stay_in_the_input() -> None:
    found = caching("gpt-4o-mini")
    assert (found.cache_write_tokens, found.break_even_requests_per_s) == (0, 0)
    assert found.cacheable_tokens == 1152  # nine steps of 128 within 1,200
    assert [notice.code for notice in found.notices] == ["CACHE-BEST-EFFORT"]


def test_a_prefix_below_the_minimum_is_not_cached() -> None:
    found = caching("claude-3-5-sonnet", static_prefix_tokens=1000.0)
    assert found.reason == "the static prefix of 1,000 tokens is shorter than the minimum of 1,024"
    assert (found.hit_fraction, found.saving_usd_per_request, found.pays) == (None, 0, False)
    assert cache_minimum_tokens(books().api.find("claude-3-5-haiku"), MID_2025) == 2048
    assert cache_minimum_tokens(books().api.find("command-a"), MID_2025) == 0


def test_a_stated_cached_part_below_the_minimum_is_told_and_none_at_all_is_not() -> None:
    haiku = books().api.find("claude-3-5-haiku")
    codes = [
        [notice.code for notice in too_short_to_cache(haiku, MID_2025, cached_tokens=tokens)]
        for tokens in (0, 2047, 2048)
    ]
    assert codes == [[], ["CACHE-MINIMUM"], []]


def test_a_model_without_caching_and_a_prompt_without_prefix_say_so() -> None:
    assert "sells no prompt caching" in str(caching("command-a").reason)
    assert "no static prefix" in str(caching("gpt-4o-mini", static_prefix_tokens=0.0).reason)


def test_an_unpublished_lifetime_is_unknown_unless_the_rate_is_given() -> None:
    unknown = caching("groq/gpt-oss-120b", date(2026, 11, 23))
    assert unknown.hit_fraction is None
    assert [notice.code for notice in unknown.notices] == ["CACHE-UNKNOWN"]
    given_rate = caching("groq/gpt-oss-120b", date(2026, 11, 23), hit_rate=0.5)
    assert (given_rate.hit_fraction, given_rate.derived) == (0.5, False)
    assert given_rate.break_even_requests_per_s is None


def test_a_quiet_night_misses_more_than_the_mean_rate_says() -> None:
    busy_day = (0.02,) * 10 + (0.0005,) * 14
    mean = sum(busy_day) / 24
    assert caching("gpt-4o", requests_per_s_by_hour=busy_day).hit_fraction == pytest.approx(
        sum(rate * (1 - math.exp(-rate * 300)) for rate in busy_day) / sum(busy_day)
    )
    night = caching("gpt-4o", requests_per_s_by_hour=(0.0005,)).hit_fraction
    assert night is not None
    assert night < 1 - math.exp(-mean * 300)


def test_many_prefixes_share_the_traffic() -> None:
    one = caching("gpt-4o", requests_per_s_by_hour=(0.01,))
    ten = caching("gpt-4o", requests_per_s_by_hour=(0.1,), distinct_prefixes=10)
    assert one.hit_fraction == pytest.approx(ten.hit_fraction)


def test_a_cold_start_stampede_lowers_the_hit_rate() -> None:
    calm = caching("claude-3-5-sonnet").hit_fraction
    crowded = caching("claude-3-5-sonnet", ready_s=5.0).hit_fraction
    assert calm is not None
    # each miss brings 5 s of requests that miss too: 1 + 2,000/86,400·5
    assert crowded == pytest.approx(1 - (1 - calm) * (1 + 2_000 / DAY * 5))


def test_no_traffic_hits_nothing() -> None:
    assert caching("gpt-4o", requests_per_s_by_hour=(0.0,) * 24).hit_fraction == 0


@given(st.floats(0, 100), st.floats(0, 100))
def test_more_traffic_never_hits_less(rate: float, more: float) -> None:
    low, high = (
        caching("claude-3-5-sonnet", requests_per_s_by_hour=(each,)).hit_fraction
        for each in (rate, rate + more)
    )
    assert low is not None
    assert high is not None
    assert 0 <= low <= high <= 1


def test_an_explicit_cache_without_traffic_hits_nothing_and_is_stored_all_the_same() -> None:
    found = caching("gemini-2.5-flash", requests_per_s_by_hour=(0.0,) * 24, stored_hours_per_day=6)
    assert found.hit_fraction == 0
    assert found.storage_usd_per_day > 0


def test_reads_and_writes_of_a_prompt_that_is_all_prefix_never_exceed_it() -> None:
    """2,469 tokens at a hit rate of 0.769: hit · p + (1 - hit) · p is above p in floating point."""
    for rate in range(1, 1000):
        found = caching(
            "claude-sonnet-4-6",
            date(2026, 11, 1),
            static_prefix_tokens=2469,
            input_tokens=2469,
            hit_rate=rate / 1000,
        )
        assert 2469 - found.cached_read_tokens - found.cache_write_tokens >= 0


def test_a_scenario_s_cold_starts_miss_until_the_prefix_can_be_read() -> None:
    """One request in 100 s on average, kept 300 s; 5 s until a prefix can be read."""
    sets = ("models=[{model: anthropic/claude-opus-5}]", "accounts={}", "as_of=2026-11-23")
    flat = ("traffic={requests_per_day: 864, shape: flat}",)
    hits = {}
    for ready_s in (0, 5):
        made = estimate_of(CHAT, *sets, *flat, f"caching={{prompt: {{ready_s: {ready_s}}}}}")
        caching = made.cost.by_model[0].caching
        assert caching is not None
        hits[ready_s] = caching.hit_fraction
    missed = math.exp(-300 / 100)
    assert hits[0] == pytest.approx(1 - missed)
    assert hits[5] == pytest.approx(1 - missed * (1 + 5 / 100))
    assert PromptCache().ready_s == 0.5
