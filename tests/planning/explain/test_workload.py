"""Where volumes, the shape of the day and token counts come from."""

import pytest

from tests.planning.explain.numbers import leaf, number, operands
from tests.planning.scenes import CHAT


def test_a_month_is_its_days_times_the_requests_of_a_day() -> None:
    """10,000 requests a day and 30 days: 300,000."""
    found = number("workload.requests_per_month")
    assert found.value == 300_000
    assert (found.rule, operands(found)) == (
        "requests_per_day × days_per_month",
        {"requests_per_day": 10_000, "days_per_month": 30},
    )


def test_a_volume_given_by_the_second_is_86400_of_it_by_the_day() -> None:
    found = number(
        "workload.requests_per_day",
        CHAT,
        "traffic.requests_per_day=null",
        "traffic.requests_per_second=0.5",
    )
    assert found.value == 43_200
    assert found.replayed
    assert leaf(found, "requests_per_second").kind == "override"


def test_an_hour_s_weight_names_the_shape_and_its_entry_in_the_code() -> None:
    """Ten busy hours of 0.08 and fourteen of 0.2 / 14: a busy one is 0.08 · 24 = 1.92 times the mean."""
    found = number("workload.hourly_weights[9]")
    assert found.value == pytest.approx(0.08 * 24)
    assert leaf(found, "weight").place == "planner/formulas/traffic.py SHAPES['business_hours'][9]"
    assert (leaf(found, "shape").place, operands(found)["shape"]) == ("traffic.shape", "business_hours")


def test_the_peak_is_the_mean_rate_in_the_busiest_hour() -> None:
    found = number("workload.peak_requests_per_s")
    assert found.value == pytest.approx(10_000 / 86_400 * 1.92)
    assert found.rule == "mean_requests_per_s × peak_to_mean"
    assert number("workload.peak_to_mean").rule == "largest of hourly_weights"


def test_what_is_not_said_is_a_default_that_says_what_it_means() -> None:
    found = number("workload.burstiness")
    assert (found.value, leaf(found, "burstiness").kind) == (1.0, "default")
    assert leaf(found, "burstiness").source


def test_hidden_tokens_that_nobody_states_are_none_by_rule() -> None:
    found = number("workload.reasoning_tokens.mean")
    assert (found.value, found.rule) == (0, "0: none are stated")
