"""The day on which growth breaks a tier, the tier to have by then, and what an account may spend."""

from datetime import date
from functools import cache

import pytest

from planner.inputs.books import load_books
from planner.planning.limits.tier_outlook import spend_notices, tier_outlook
from planner.planning.limits.tiers import tier_plan
from planner.report.estimate.tiers import tier_outlook_text
from planner.specs.answers.estimate import TierAdvice, TierOutlook
from planner.specs.answers.tier_check import LimitDemand, TierPlan
from planner.specs.books.limits import RateLimitEdition

MID_2025 = date(2025, 6, 15)
ALERT = 0.8


@cache
def editions() -> tuple[RateLimitEdition, ...]:
    return tuple(load_books().rate_limits.values())


def plan(model: str, per_minute: float, tier: str | None = None, growth: float = 0.1) -> TierPlan:
    demand = LimitDemand(
        model=model,
        peak_requests_per_s=per_minute / 60,
        requests_per_day=0.0,
        input_tokens=2000.0,
        output_tokens=400.0,
    )
    return tier_plan(
        editions(),
        [demand],
        MID_2025,
        current_tier=tier,
        growth_per_month_fraction=growth,
        alert_fraction=ALERT,
    )


def test_compound_growth_gives_the_day_and_the_tier_that_lasts() -> None:
    # 100 × 2,000 = 200,000 of tier 2's 450,000 tokens a minute: ln(450/200) / ln 1.1 = 8.508 months of 30.42 days
    outlook = tier_outlook(plan("openai/o1", 100, "tier_2"), 0.1, 12, ALERT)
    assert outlook is not None
    assert (outlook.limit, outlook.breaks_on) == ("tokens_per_minute", date(2026, 2, 28))
    # after twelve months 3.138 × 200,000 = 628,000: 105 % of tier 3's 600,000, 78 % of tier 4's 800,000
    assert outlook.tier_at_horizon == "tier_4"
    assert outlook.requirement_at_horizon == "250 USD paid, 14 days since the first payment"


@pytest.mark.parametrize(
    ("per_minute", "growth", "horizon"),
    [
        (100, 0.0, 12),  # nothing grows
        (100, -0.1, 12),  # it shrinks
        (100, 0.1, 6),  # it breaks after the plan's end
        (300, 0.1, 12),  # 600,000 a minute: exceeded today, which is said elsewhere
    ],
)
def test_no_day_is_named_where_there_is_none_to_plan_for(
    per_minute: float, growth: float, horizon: int
) -> None:
    found = plan("openai/o1", per_minute, "tier_2", growth)
    assert tier_outlook(found, growth, horizon, ALERT) is None


def test_unpublished_limits_have_no_day() -> None:
    demand = LimitDemand(
        model="xai/grok-4", peak_requests_per_s=1.0, requests_per_day=1.0, input_tokens=1.0, output_tokens=1.0
    )
    assert tier_outlook(tier_plan(editions(), [demand], MID_2025), 0.1, 12, ALERT) is None


def test_a_load_that_outgrows_every_tier_is_said() -> None:
    outlook = tier_outlook(plan("anthropic/claude-3-5-sonnet", 20, "build_tier_2", 0.6), 0.6, 12, ALERT)
    assert outlook is not None
    assert outlook.tier_at_horizon is None


def test_the_report_says_when_and_what_to_have_by_then() -> None:
    def text(outlook: TierOutlook | None) -> str:
        advice = TierAdvice(
            provider="openai",
            tier="tier_2",
            account_tier=None,
            holds=True,
            rule_of_thumb="",
            limit=None,
            used_fraction=None,
            exceed_fraction=None,
            requirement=None,
            edition=None,
            source=None,
            reason="",
            outlook=outlook,
        )
        return tier_outlook_text(advice)

    made = TierOutlook(
        breaks_on=date(2026, 1, 1),
        limit="tokens_per_minute",
        tier_at_horizon="tier_5",
        requirement_at_horizon="1,000 USD paid",
    )
    assert text(made) == "; growth breaks it on 2026-01-01, have tier_5 by then (1,000 USD paid)"
    assert text(None) == ""


def test_a_bill_beyond_what_the_tier_may_spend_is_a_warning_with_the_tier_that_may() -> None:
    found = plan("anthropic/claude-3-5-sonnet", 5, "build_tier_2")  # 500 USD a month; tier 3 has 1,000
    assert list(spend_notices(found, 500.0)) == []
    (notice,) = spend_notices(found, 720.0)
    assert notice.code == "LIMITS-SPEND"
    assert notice.message == (
        "Build Tier 2 of anthropic lets an account spend 500 USD a month; the bill is 720.00"
    )
    assert notice.cure == "you need Build Tier 3"
    (beyond,) = spend_notices(found, 5_001.0)
    assert beyond.cure == "ask anthropic for a higher limit"


def test_a_tier_without_a_published_spending_limit_is_not_warned_about() -> None:
    assert list(spend_notices(plan("xai/grok-4", 5), 1e9)) == []


def test_the_lowest_tier_is_one_in_which_the_bill_may_be_spent() -> None:
    demand = LimitDemand(
        model="openai/gpt-4o-mini",
        peak_requests_per_s=0.1,
        requests_per_day=1.0,
        input_tokens=1.0,
        output_tokens=1.0,
    )
    lowest = [
        tier_plan(editions(), [demand], MID_2025, bill_usd_per_month=bill).lowest for bill in (99, 101, 1e9)
    ]
    # tier 1 may spend 100 USD a month and tier 2 500; where none may spend it, the limits alone decide
    assert [check.tier if check is not None else None for check in lowest] == ["tier_1", "tier_2", "tier_1"]
