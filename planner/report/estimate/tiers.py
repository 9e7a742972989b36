"""A rate-limit tier in words: when growth breaks it and what to have by then."""

from __future__ import annotations

from planner.specs.answers.estimate import TierAdvice


def tier_outlook_text(tier: TierAdvice) -> str:
    """Return what growth does to a tier, to be put behind what the tier does today; empty where it holds."""
    outlook = tier.outlook
    if outlook is None:
        return ""
    broken = f"; growth breaks it on {outlook.breaks_on.isoformat()}"
    if outlook.tier_at_horizon is None:
        return f"{broken}, and no published tier holds to the end of the horizon"
    needs = f" ({outlook.requirement_at_horizon})" if outlook.requirement_at_horizon else ""
    return f"{broken}, have {outlook.tier_at_horizon} by then{needs}"
