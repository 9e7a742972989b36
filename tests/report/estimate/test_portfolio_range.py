"""What a portfolio may come to: each scenario by itself, or all off together."""

import numpy as np
import pytest

from planner.planning.estimate import estimate_scenario
from planner.report.estimate.portfolio_range import portfolio_spread
from planner.specs.answers.estimate import Estimate
from tests.planning.scenes import CHAT, TODAY, case_of

VOLUME = "uncertainty={volume: {p10: 0.7, p90: 1.5}}"


def drawn(path: str, *sets: str) -> Estimate:
    case = case_of(path, *sets)
    return estimate_scenario(case, case.scenario.as_of or TODAY, rng=lambda: np.random.default_rng(7))


def test_independent_scenarios_stray_less_than_those_that_move_together() -> None:
    two = (drawn(CHAT, VOLUME), drawn(CHAT, VOLUME))
    spread = portfolio_spread(two)
    assert spread is not None
    assert spread.uncertain == 2
    each = two[0].uncertainty
    assert each is not None
    assert spread.together_p90_usd == pytest.approx(2 * each.p90_usd)
    assert spread.together_p10_usd == pytest.approx(2 * each.p10_usd)
    above, below = each.p90_usd - each.p50_usd, each.p50_usd - each.p10_usd
    assert spread.independent_p90_usd == pytest.approx(2 * each.p50_usd + 2**0.5 * above)
    assert spread.independent_p10_usd == pytest.approx(2 * each.p50_usd - 2**0.5 * below)


def test_a_sum_of_many_draws_lies_where_the_rule_says() -> None:
    made = drawn(CHAT, VOLUME).uncertainty
    assert made is not None
    spread = portfolio_spread([drawn(CHAT, VOLUME)] * 8)
    assert spread is not None
    rng = np.random.default_rng(3)
    normal = rng.standard_normal((100_000, 8))
    scale = np.where(normal < 0, -np.log(0.7), np.log(1.5)) / 1.2815515655446004
    totals = made.p50_usd * np.exp(scale * normal).sum(axis=1)
    low, high = np.quantile(totals, (0.1, 0.9))
    assert spread.independent_p10_usd == pytest.approx(low, rel=0.06)
    assert spread.independent_p90_usd == pytest.approx(high, rel=0.06)


def test_scenarios_without_a_range_count_as_they_are_stated() -> None:
    assert portfolio_spread([drawn(CHAT)]) is None
    certain, open_ = drawn(CHAT), drawn(CHAT, VOLUME)
    spread = portfolio_spread([certain, open_])
    assert spread is not None
    assert open_.uncertainty is not None
    assert spread.together_p90_usd == pytest.approx(certain.cost.usd_per_month + open_.uncertainty.p90_usd)


def test_a_horizon_is_as_far_off_as_its_months() -> None:
    made = drawn(CHAT, VOLUME, "traffic.growth_per_month=0.05")
    spread, cost = made.uncertainty, made.cost
    assert spread is not None
    assert spread.horizon_p90_usd == pytest.approx(cost.usd_horizon * spread.p90_usd / cost.usd_per_month)
    assert spread.horizon_p10_usd == pytest.approx(cost.usd_horizon * spread.p10_usd / cost.usd_per_month)


def test_machines_range_over_volume_and_capacity_in_whole_steps() -> None:
    own = "hosting={self_hosted: {models: [llama-3.1-8b-instruct], gpus: [l40s], quality_equivalent: true}}"
    busy = ("traffic={requests_per_second: 40}", "prompt={input_tokens: 500, output_tokens: 300}", "slo={}")
    calm, band = drawn(CHAT, own, *busy), drawn(CHAT, own, *busy, VOLUME)
    plans = [each.recommendation.options[0].plan for each in (calm, band)]
    assert plans[0] is not None
    assert plans[1] is not None
    assert (plans[0].volume_band, plans[1].volume_band) == (False, True)
    assert plans[1].machines_low < plans[0].machines_low
    assert plans[1].machines_high > plans[0].machines_high
    # at half as much again, 1.5 times the machines at the stated capacity is inside
    assert plans[1].machines_high >= 1.5 * (calm.recommendation.options[0].machines or 0) - 1
