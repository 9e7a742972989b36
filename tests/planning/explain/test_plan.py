"""Where the figures behind the bill come from: response caches, routing, another currency."""

import pytest

from tests.planning.explain.numbers import leaf, number, operand, operands
from tests.planning.scenes import FAQ


def test_a_cache_answers_its_hit_rate_of_what_it_sees_and_leaves_the_rest() -> None:
    answered = number("api.caches[0].answered_requests_per_month", FAQ)
    left = number("api.caches[0].left_requests_per_month", FAQ)
    assert (answered.value, left.value) == pytest.approx((0.3 * 600_000, 0.7 * 600_000))
    second = number("api.caches[1].seen_requests_per_month", FAQ)
    assert operands(second) == {"left_requests_per_month": left.value}


def test_a_hit_rate_without_a_measurement_names_the_rule_of_thumb() -> None:
    found = number("api.caches[0].hit.value", FAQ)
    assert (leaf(found, "hit_rate").kind, leaf(found, "hit_rate").place) == (
        "rule",
        "key_numbers.faq_hit_fraction",
    )


def test_what_a_cache_saves_is_the_bill_without_it_less_the_bill_with_it() -> None:
    found = number("api.caches[0].saving_usd_per_month.value", FAQ)
    without, with_it = (float(each.value or 0) for each in found.operands)
    assert found.value == pytest.approx(without - with_it)


def test_another_share_is_priced_as_a_scenario_of_its_own() -> None:
    """Nine tenths of 162 and one tenth of 3,600 USD."""
    found = number("api.routing.points[3].usd_per_month")
    assert found.value == pytest.approx(0.9 * 162 + 0.1 * 3600)
    assert operand(found, "usd_per_month").rule == "cost.usd_per_month of the scenario with this share"


def test_the_rule_of_thumb_beside_the_routing_is_named() -> None:
    found = number("api.routing.rule_share_low")
    assert (found.value, leaf(found, "rule_share_low").place) == (0.7, "key_numbers.small_model_share.low")


def test_another_currency_is_the_bill_times_the_rate_of_the_book() -> None:
    found = number("api.converted.per_month", FAQ)
    assert found.value == pytest.approx(0.9 * float(number("cost.usd_per_month", FAQ).value or 0))
    rate = number("api.converted.units_per_usd", FAQ)
    assert leaf(rate, "units_per_usd").place == "pricing.yaml currencies EUR"
