"""What the report says of a tier: how much of it the peak takes, how often that is refused, and what else there is."""

from datetime import date
from pathlib import Path

import pytest

from planner.inputs.estimating import read_all
from planner.planning.estimate import estimate_scenario
from planner.planning.limits.provider_tiers import plan_of
from planner.specs.answers.estimate import TierAdvice
from tests.planning.scenes import CHAT, ground_of

SONNET = ("models=[{model: claude-sonnet-5}]", "as_of=2026-11-23", "accounts={anthropic: {tier: start}}")


def advice(*sets: str) -> TierAdvice:
    (case,) = read_all((Path("scenarios/support-chatbot.yaml"),), sets)
    (found,) = estimate_scenario(case, case.scenario.as_of or date(2025, 6, 15)).recommendation.provider_tiers
    return found


def test_the_chance_of_a_429_is_said_where_there_is_one() -> None:
    # 1,368,000 requests a day are 950 a minute, of 1,000 allowed
    found = advice(
        *SONNET, "traffic.shape=flat", "traffic.requests_per_day=1368000", "prompt.input_tokens=100"
    )
    assert found.used_fraction is not None
    assert round(found.used_fraction, 3) == 0.95
    # Poisson(950) exceeds 1,000 with probability 0.0516, by the exact sum
    assert (
        "your tier is tight, 95 % of 1,000 requests/minute at the peak, a 429 in 5.2 % of its minutes"
        in found.reason
    )


def test_a_tier_with_headroom_speaks_of_no_429() -> None:
    assert "429" not in advice(*SONNET).reason


def test_a_load_beyond_every_tier_names_the_highest_and_how_far_beyond_it_is() -> None:
    found = advice(*SONNET, "traffic.requests_per_day=1e9")
    assert (
        "scale, the highest with published limits, would be at"
        in advice(
            "models=[{model: claude-sonnet-5}]",
            "as_of=2026-11-23",
            "accounts={}",
            "traffic.requests_per_day=1e9",
        ).reason
    )
    assert " times 1,000 requests/minute at the peak" in found.reason


def test_an_account_in_a_tier_without_published_limits_is_told_so() -> None:
    """Google publishes the first paid tier of Gemini 3.5 Flash only, and it holds: the free one is not known."""
    found = advice(
        "models=[{model: google/gemini-3.5-flash}]",
        "as_of=2026-11-23",
        "accounts={google: {tier: free}}",
    )
    assert found.holds is None
    assert found.reason == "no limits are published for google/gemini-3.5-flash; ask the provider"


def test_a_share_in_batches_is_held_against_the_queue_and_the_rest_against_the_minute() -> None:
    sets = (
        "batch.share=0.5",
        "traffic={requests_per_day: 1000000, shape: flat}",
        "prompt={input_tokens: 100, output_tokens: 10}",
    )
    ground = ground_of(CHAT, *SONNET, *sets)
    plan = plan_of(ground.case, ground.workload, ground.bill.priced, "anthropic", ground.as_of)
    assert plan.current is not None
    uses = {each.kind: each for each in plan.current.uses}
    assert uses["batch_queue_requests"].peak == pytest.approx(500_000)
    assert uses["requests_per_minute"].peak == pytest.approx(500_000 / 1440)
    assert uses["requests_per_minute"].models == uses["batch_queue_requests"].models
    assert plan.current.status == "exceeded"  # 200,000 may wait
