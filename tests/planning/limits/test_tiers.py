"""Rate-limit tiers: each provider's own accounting, dated editions, and an honest unknown."""

from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import pytest

from planner.errors import DataError, UsageError
from planner.inputs.books import load_books
from planner.planning.limits.limit_uses import counted_per_request, counting_words
from planner.planning.limits.tiers import edition_in_force, limit_class, tier_named, tier_plan
from planner.specs.answers.tier_check import LimitDemand, LimitUse, TierPlan
from planner.specs.books.limits import Accounting, RateLimitEdition

MID_2025 = date(2025, 6, 15)
TODAY = date(2026, 11, 23)


@cache
def editions() -> tuple[RateLimitEdition, ...]:
    return tuple(load_books().rate_limits.values())


def demand(model: str, requests_per_minute: float, **changes: Any) -> LimitDemand:
    sizes: dict[str, Any] = {"input_tokens": 2000.0, "output_tokens": 400.0}
    rate = requests_per_minute / 60
    return LimitDemand(
        model=model, peak_requests_per_s=rate, requests_per_day=rate * 86_400 / 3, **(sizes | changes)
    )


def plan(*demands: LimitDemand, as_of: date = TODAY, **options: Any) -> TierPlan:
    return tier_plan(editions(), demands, as_of, **options)


def use(result: TierPlan, tier: str, kind: str) -> LimitUse:
    check = next(check for check in result.checks if check.tier == tier)
    return next(use for use in check.uses if use.kind == kind)


def test_the_worked_example_fits_the_first_paid_tier_of_mid_2025() -> None:
    # 8,000 of 10,000 requests a day at three times the mean: 16.7 a minute, times 2,000 tokens = 33,333
    result = plan(demand("openai/gpt-4o-mini", 8_000 * 3 / 1440), as_of=MID_2025)
    assert result.lowest is not None
    assert (result.lowest.tier, result.lowest.requirement.paid_usd) == ("tier_1", 5)
    assert use(result, "tier_1", "tokens_per_minute").peak == pytest.approx(100_000 / 3)
    assert use(result, "tier_1", "tokens_per_minute").used_fraction == pytest.approx(1 / 6)
    assert use(result, "free", "requests_per_minute").used_fraction == pytest.approx(16.667 / 3, rel=1e-3)


def test_cached_input_counts_at_openai_and_not_at_anthropic() -> None:
    cached = {"cached_read_tokens": 1600.0}
    openai = plan(demand("openai/gpt-5", 100, **cached))
    anthropic = plan(demand("anthropic/claude-sonnet-5", 100, **cached))
    assert use(openai, "tier_1", "tokens_per_minute").peak == pytest.approx(100 * 2000)
    assert use(anthropic, "start", "input_tokens_per_minute").peak == pytest.approx(100 * 400)


def test_an_old_claude_counts_cached_input_after_all() -> None:
    result = plan(demand("anthropic/claude-3-5-sonnet", 10, cached_read_tokens=1600.0), as_of=MID_2025)
    assert use(result, "build_tier_1", "input_tokens_per_minute").peak == pytest.approx(10 * 2000)


def test_max_tokens_are_reserved_where_and_when_the_provider_did() -> None:
    wide = {"max_tokens": 1024.0}
    before = plan(demand("anthropic/claude-sonnet-4", 5, **wide), as_of=date(2025, 12, 31))
    after = plan(demand("anthropic/claude-sonnet-4", 5, **wide), as_of=date(2026, 1, 1))
    assert use(before, "build_tier_1", "output_tokens_per_minute").peak == pytest.approx(5 * 1024)
    assert use(after, "build_tier_1", "output_tokens_per_minute").peak == pytest.approx(5 * 400)


def test_openai_counts_the_larger_of_prompt_and_max_tokens() -> None:
    # guide on rate limits: the maximum of max_tokens and an estimate from the characters of the request
    for max_tokens, counted in ((None, 2000), (1024.0, 2000), (4096.0, 4096)):
        result = plan(demand("openai/gpt-4o", 5, max_tokens=max_tokens))
        assert use(result, "tier_1", "tokens_per_minute").peak == pytest.approx(5 * counted)
    talkative = plan(demand("openai/gpt-4o", 5, output_tokens=2500.0))
    assert use(talkative, "tier_1", "tokens_per_minute").peak == pytest.approx(5 * 2500)


def test_the_other_reading_warns_where_it_gives_another_verdict() -> None:
    # gpt-4o, tier 1, 30,000 tokens a minute: 11 × 2,000 = 73 % by the guide, 11 × 3,024 = 111 % by the cookbook
    near = plan(demand("openai/gpt-4o", 11, max_tokens=1024.0), current_tier="tier_1")
    doubt = next(notice for notice in near.notices if notice.code == "LIMITS-COUNTING")
    assert "Tier 1 is exceeded, 111 % used" in doubt.message
    assert "the larger of the whole prompt and max_tokens" in doubt.message
    assert doubt.cure is not None
    assert "cookbook" in doubt.cure
    far = plan(demand("openai/gpt-4o", 5, max_tokens=1024.0), current_tier="tier_1")
    assert far.notices == ()


def test_every_edition_says_how_it_counts_and_who_says_so() -> None:
    for edition in editions():
        rules = edition.accounting
        assert rules.source
        assert rules.checked
        assert rules.confidence, edition.id
    counted = {edition.id: counting_words(edition.accounting) for edition in editions()}
    assert counted["anthropic/2024-10"] == (
        "the prompt without cached reads; apart from it max_tokens, or the answer where none is set"
    )
    assert counted["anthropic/2026-07"] == "the prompt without cached reads; apart from it the answer"
    assert counted["google/2026-04"] == "the whole prompt; answers do not count"


def test_a_provider_of_your_own_may_add_prompt_and_answer_up() -> None:
    rules = Accounting(output_counts="in_total")
    asked = demand("mine/model", 1, max_tokens=1024.0)
    assert counted_per_request("tokens_per_minute", rules, asked) == pytest.approx(3024)
    assert counting_words(rules) == "the whole prompt and max_tokens, or the answer where none is set"


def test_answers_that_are_limited_apart_take_nothing_from_a_limit_on_prompts() -> None:
    rules = Accounting(output_counts="separate")
    asked = demand("mine/model", 1, max_tokens=1024.0)  # 2,000 tokens in
    assert counted_per_request("tokens_per_minute", rules, asked) == 2000
    assert counted_per_request("output_tokens_per_minute", rules, asked) == 1024


def test_the_mid_2025_sheet_stands_for_models_that_are_not_named() -> None:
    result = plan(demand("openai/o1", 100), as_of=MID_2025)
    # 200,000 tokens a minute: tier 1 has 30,000, tier 2 450,000, of which they are 44 %
    assert result.lowest is not None
    assert result.lowest.tier == "tier_2"
    assert (result.lowest.requirement.paid_usd, result.lowest.requirement.days_since_first_payment) == (50, 7)
    tightest = result.lowest.tightest
    assert tightest is not None
    assert tightest.used_fraction == pytest.approx(200_000 / 450_000)


def test_models_that_share_a_bucket_are_added_up() -> None:
    both = (demand("anthropic/claude-opus-4-7", 400), demand("anthropic/claude-opus-4-8", 300))
    result = plan(*both)
    requests = use(result, "start", "requests_per_minute")
    assert requests.models == ("anthropic/claude-opus-4-7", "anthropic/claude-opus-4-8")
    assert requests.peak == pytest.approx(700)
    apart = plan(demand("anthropic/claude-opus-4-7", 400), demand("anthropic/claude-sonnet-5", 300))
    assert use(apart, "start", "requests_per_minute").peak == pytest.approx(400)


def test_a_long_request_falls_into_the_long_bucket() -> None:
    edition = edition_in_force(editions(), "openai", TODAY)
    assert edition is not None
    short = limit_class(edition, "openai/gpt-4.1", TODAY, 1000)
    long = limit_class(edition, "openai/gpt-4.1", TODAY, 200_000)
    assert short is not None
    assert long is not None
    assert (short.above_input_tokens, long.above_input_tokens) == (None, 128_000)


def test_the_tier_that_holds_without_headroom_is_called_tight() -> None:
    # Sonnet 5 at Scale: 10,000 requests a minute; 9,500 are 95 %
    result = plan(demand("anthropic/claude-sonnet-5", 9_500, input_tokens=100.0, output_tokens=10.0))
    assert result.lowest is not None
    assert (result.lowest.tier, result.lowest.status) == ("scale", "tight")
    assert [notice.code for notice in result.notices] == ["LIMITS-TIGHT"]


def test_no_tier_is_an_answer_too() -> None:
    result = plan(demand("anthropic/claude-sonnet-5", 50_000), current_tier="start")
    assert result.lowest is None
    assert not result.unknown
    assert [notice.code for notice in result.notices] == ["LIMITS-EXCEEDED", "LIMITS-CURRENT"]
    assert result.current is not None
    assert result.current.status == "exceeded"


def test_your_own_tier_is_checked_by_id_or_name() -> None:
    busy = demand("openai/gpt-4o", 50)
    for name in ("tier_1", "Tier 1", "tier-1"):
        result = plan(busy, as_of=MID_2025, current_tier=name)
        assert result.current is not None
        assert result.current.status == "exceeded"  # 100,000 of 30,000 tokens a minute
        assert result.notices[-1].cure == "you need Tier 2"
    with pytest.raises(UsageError, match="has no tier 'tier_9'") as refusal:
        plan(busy, current_tier="tier_9")
    assert "tier_5" in str(refusal.value.cure)


def test_what_is_not_published_is_unknown_and_says_so() -> None:
    nobody = plan(demand("mistral/mistral-large-latest", 10))
    assert (nobody.unknown, nobody.edition, nobody.lowest) == (True, None, None)
    unnamed = plan(demand("openai/gpt-6-sol", 10))
    assert unnamed.unknown
    assert "publishes no limits for openai/gpt-6-sol" in unnamed.notices[0].message
    google = plan(demand("google/gemini-3.5-flash", 10))
    assert [check.status for check in google.checks] == ["unknown", "holds", "unknown", "unknown"]


def test_google_does_not_count_output_but_days() -> None:
    result = plan(demand("google/gemini-2.5-pro", 10))
    assert use(result, "tier_1", "input_tokens_per_minute").peak == pytest.approx(20_000)
    # 4,800 requests a day of 1,000
    assert use(result, "tier_1", "requests_per_day").used_fraction == pytest.approx(4.8)


def test_a_batch_queue_is_checked_when_something_is_queued() -> None:
    result = plan(demand("openai/gpt-4o", 1, batch_tokens_queued=900_000.0))
    assert use(result, "tier_1", "batch_queue_tokens").used_fraction == pytest.approx(10)
    assert result.lowest is not None
    assert result.lowest.tier == "tier_2"


def test_growth_tells_when_a_tier_breaks() -> None:
    result = plan(demand("openai/gpt-4o-mini", 50), growth_per_month_fraction=0.08)
    # 100,000 of 200,000 tokens: 0.5 · 1.08^n = 1 at n = 9.01
    assert use(result, "tier_1", "tokens_per_minute").months_until_broken == pytest.approx(9.006, abs=1e-3)


def test_bursts_make_a_429_likelier_than_the_mean_says() -> None:
    calm = use(plan(demand("openai/gpt-4o", 450)), "tier_1", "requests_per_minute")
    bursty = use(plan(demand("openai/gpt-4o", 450, burstiness=9.0)), "tier_1", "requests_per_minute")
    # Poisson(450) above 500: 0.0094; variance nine times the mean: about 0.21
    assert calm.exceed_fraction == pytest.approx(0.0094, abs=1e-3)
    assert bursty.exceed_fraction == pytest.approx(0.21, abs=0.02)


def test_a_load_of_nothing_uses_nothing() -> None:
    idle = use(plan(demand("openai/gpt-4o", 0)), "tier_1", "tokens_per_minute")
    assert (idle.peak, idle.exceed_fraction) == (0, 0)


def test_demands_of_two_providers_are_refused() -> None:
    with pytest.raises(DataError, match="found anthropic, openai"):
        plan(demand("openai/gpt-4o", 1), demand("anthropic/claude-sonnet-5", 1))
    with pytest.raises(DataError, match="found none"):
        plan()


def test_a_tier_is_found_by_its_printed_name() -> None:
    edition = edition_in_force(editions(), "anthropic", MID_2025)
    assert edition is not None
    assert tier_named(edition, "Build Tier 2").id == "build_tier_2"


def test_no_provider_has_two_editions_on_one_day() -> None:
    for edition in editions():
        others = [each for each in editions() if each.provider == edition.provider and each is not edition]
        for other in others:
            ended = other.valid_to is not None and other.valid_to <= edition.valid_from
            assert ended or other.valid_from > edition.valid_from, (edition.id, other.id)


def test_anthropic_limits_the_requests_that_wait_in_batches_of_all_models() -> None:
    both = [
        demand(f"anthropic/claude-{name}", 1, batch_requests_queued=90_000.0)
        for name in ("sonnet-5", "opus-5")
    ]
    result = plan(*both)
    queue = use(result, "start", "batch_queue_requests")
    # Start: 200,000 requests in batches, whatever the model
    assert (queue.peak, queue.limit) == (180_000, 200_000)
    assert queue.models == ("anthropic/claude-sonnet-5", "anthropic/claude-opus-5")
    assert result.lowest is not None
    assert result.lowest.tier == "build"  # 60 % of 300,000
    before = plan(replace(both[0], model="anthropic/claude-sonnet-4"), as_of=date(2025, 12, 1))
    assert use(before, "build_tier_1", "batch_queue_requests").used_fraction == pytest.approx(0.9)


def test_nothing_waits_where_nothing_is_batched() -> None:
    kinds = {
        each.kind for check in plan(demand("anthropic/claude-sonnet-5", 1)).checks for each in check.uses
    }
    assert "batch_queue_requests" not in kinds


def test_batches_of_which_no_limit_is_published_are_unknown() -> None:
    result = plan(
        demand("google/gemini-2.5-flash-lite", 0, batch_requests_queued=10_000.0, batch_tokens_queued=5e6)
    )
    assert result.unknown
    assert result.lowest is None
    assert result.notices[0].message.endswith("no limits for batches of google/gemini-2.5-flash-lite")
