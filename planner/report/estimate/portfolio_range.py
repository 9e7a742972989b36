"""What several scenarios may come to, from the range of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from planner.formulas.bands import end_of_sum
from planner.specs.answers.estimate import Estimate
from planner.specs.scenario.uncertainty import PortfolioSpread

Range = tuple[float, float, float]  # p10, p50, p90


def portfolio_spread(estimates: Sequence[Estimate]) -> PortfolioSpread | None:
    """Return the range of the sum of what is recommended; ``None`` where no scenario has a range."""
    ranges = [_range(each) for each in estimates]
    uncertain = sum(low < high for low, _, high in ranges)
    if not uncertain:
        return None
    low, middle, high = np.array(ranges).T
    return PortfolioSpread(
        uncertain=uncertain,
        independent_p10_usd=end_of_sum(middle, low),
        independent_p90_usd=end_of_sum(middle, high),
        together_p10_usd=float(np.sum(low)),
        together_p90_usd=float(np.sum(high)),
    )


def _range(estimate: Estimate) -> Range:
    """Return the range of what is recommended: the API's bill, or the machines by volume and capacity."""
    chosen, spread = estimate.recommendation.hosting, estimate.uncertainty
    usd = estimate.recommended_usd_per_month
    if chosen is not None and chosen.plan is not None:
        return chosen.plan.usd_per_month_low, usd, chosen.plan.usd_per_month_high
    if spread is not None and (chosen is None or chosen.kind == "api"):
        return spread.p10_usd, spread.p50_usd, spread.p90_usd
    return usd, usd, usd
