"""What growth and the bill do to a rate-limit tier: the day it breaks, and the tier to be in by then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from planner.formulas.traffic import grown
from planner.specs.answers.estimate import TierOutlook
from planner.specs.answers.tier_check import TierCheck, TierPlan
from planner.specs.base import Notice
from planner.specs.books.limits import Requirement
from planner.units import DAYS_PER_MONTH


def tier_outlook(
    plan: TierPlan, growth_per_month_fraction: float, horizon_months: int, alert_fraction: float
) -> TierOutlook | None:
    """Return when growth breaks the tier in use and which one holds to the end of the horizon.

    ``None`` where nothing grows, no limit is published, the tier is exceeded already, or the day lies beyond the
    horizon.
    """
    check = plan.current or plan.lowest
    if check is None or not check.uses or growth_per_month_fraction <= 0:
        return None
    first = min(check.uses, key=lambda use: use.months_until_broken)
    if not 0 < first.months_until_broken <= horizon_months:
        return None
    later = _holding(plan, float(grown(1.0, growth_per_month_fraction, horizon_months)), alert_fraction)
    return TierOutlook(
        breaks_on=plan.as_of + timedelta(days=first.months_until_broken * DAYS_PER_MONTH),
        limit=first.kind,
        tier_at_horizon=later.tier if later is not None else None,
        requirement_at_horizon=requirement_text(later.requirement) if later is not None else None,
    )


def _holding(plan: TierPlan, growth: float, alert_fraction: float) -> TierCheck | None:
    """Return the lowest tier whose limits hold the grown load under the alert line."""
    known = [check for check in plan.checks if check.status != "unknown"]
    return next(
        (check for check in known if all(use.used_fraction * growth <= alert_fraction for use in check.uses)),
        None,
    )


def requirement_text(needs: Requirement) -> str | None:
    """Return what it takes to get into a tier, in words; ``None`` where it takes nothing."""
    parts = [
        f"{needs.paid_usd:,.0f} USD paid" if needs.paid_usd else "",
        f"{needs.days_since_first_payment} days since the first payment"
        if needs.days_since_first_payment
        else "",
        needs.other or "",
    ]
    return ", ".join(part for part in parts if part) or None


def spend_notices(plan: TierPlan, usd_per_month: float) -> Iterator[Notice]:
    """Yield a warning where a month's bill is more than the tier in use lets an account spend."""
    check = plan.current or plan.lowest
    most = check.monthly_spend_limit_usd if check is not None else None
    if check is None or most is None or usd_per_month <= most:
        return
    enough = next(
        (each for each in plan.checks if (each.monthly_spend_limit_usd or 0) >= usd_per_month), None
    )
    yield Notice(
        code="LIMITS-SPEND",
        message=f"{check.name} of {plan.provider} lets an account spend {most:,.0f} USD a month; the bill is "
        f"{usd_per_month:,.2f}",
        cure=f"you need {enough.name}" if enough is not None else f"ask {plan.provider} for a higher limit",
    )
