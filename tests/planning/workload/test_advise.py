"""The tier that the rule of thumb names."""

import pytest

from planner.inputs.rules import load_rules
from planner.planning.workload.advise import rule_of_thumb_tier

RULES = load_rules()


def test_a_volume_takes_the_first_row_that_it_stays_below() -> None:
    for row, following in zip(RULES.tier_by_scale, RULES.tier_by_scale[1:], strict=False):
        assert row.below_requests_per_day is not None
        assert rule_of_thumb_tier(RULES, row.below_requests_per_day - 1) == row.tier
        assert rule_of_thumb_tier(RULES, row.below_requests_per_day) == following.tier


@pytest.mark.parametrize("cut", [0, 1])
def test_beyond_the_last_row_its_tier_holds(cut: int) -> None:
    bounded = RULES.model_copy(
        update={"tier_by_scale": RULES.tier_by_scale[: len(RULES.tier_by_scale) - cut]}
    )
    assert rule_of_thumb_tier(bounded, 1e12) == bounded.tier_by_scale[-1].tier
