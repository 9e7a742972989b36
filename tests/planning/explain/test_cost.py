"""Where the bill comes from: totals, models, months."""

import pytest

from tests.planning.explain.numbers import leaf, number, operand, operands
from tests.planning.scenes import FAQ


def test_a_month_is_the_sum_over_the_models() -> None:
    """129.60 for the small model and 720 for the large one."""
    found = number("cost.usd_per_month")
    assert found.value == pytest.approx(849.6)
    assert operands(found) == pytest.approx(
        {
            "usd_per_month of openai/gpt-4o-mini": 129.6,
            "usd_per_month of anthropic/claude-3-5-sonnet": 720.0,
        }
    )


def test_a_request_costs_the_month_over_its_requests() -> None:
    found = number("cost.usd_per_request")
    assert found.value == pytest.approx(849.6 / 300_000)
    assert [each.path for each in found.operands] == ["cost.usd_per_month", "workload.requests_per_month"]


def test_a_model_s_share_of_the_requests_is_the_scenario_s() -> None:
    found = number("cost.by_model[1].requests_per_month")
    assert found.value == 60_000
    share = number("cost.by_model[1].share")
    assert (leaf(share, "share").place, leaf(share, "share").kind) == ("models[1].share", "scenario")


def test_the_mix_saves_against_its_dearest_model_alone() -> None:
    found = number("cost.routing_saving_fraction")
    assert found.value == pytest.approx(1 - 849.6 / 3600)


def test_fixed_costs_stand_beside_the_calls_with_their_own_keys() -> None:
    found = number("cost.usd_per_month", FAQ)
    assert leaf(found, "exact_cache_usd_per_month").place == "caching.exact.cost_usd_per_month"
    assert operands(found)["semantic_cache_usd_per_month"] == 60


def test_credits_pay_the_first_month_and_are_gone() -> None:
    """The contract comes with 500 USD of credits."""
    first, second = number("cost.months[0].usd", FAQ), number("cost.months[1].usd", FAQ)
    assert operands(first)["credits_usd"] == 500
    assert float(second.value or 0) - float(first.value or 0) == pytest.approx(500)


def test_the_month_in_which_a_contract_ends_is_split_at_its_last_day() -> None:
    """From 2026-11-23 the eighth month begins seven mean months later; the contract covers 0.2329 of it."""
    found = number("cost.months[7].usd", FAQ)
    parts = [float(each.value or 0) for each in found.operands if each.name == "part_of_month"]
    assert sum(parts) == pytest.approx(1)
    assert found.rule is not None
    assert found.rule.startswith("Σ part_of_month × (growing_usd_per_month × growth_factor")


def test_a_day_is_a_month_over_its_days() -> None:
    found = number("cost.by_model[0].usd_per_day")
    assert operand(found, "days_per_month").value == 30
    assert found.value == pytest.approx(129.6 / 30)
