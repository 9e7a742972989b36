"""The share of traffic in off-peak hours."""

import pytest

from planner.inputs.books import load_books
from planner.planning.bill.off_peak import off_peak_fraction
from planner.specs.books.price import OffPeak


def offpeak(name: str, row: int) -> OffPeak:
    found = load_books().api.find(name).prices[row].offpeak
    assert found is not None
    return found


def test_flat_traffic_is_off_peak_for_as_long_as_the_window_lasts() -> None:
    # 16:30 to 00:30 UTC is 8 of 24 hours
    assert off_peak_fraction(offpeak("deepseek-chat", 1), (1.0,) * 24) == pytest.approx(8 / 24)


def test_weekends_count_where_the_vendor_says_so() -> None:
    # peak: 7 hours on each of 5 weekdays, of 168
    assert off_peak_fraction(offpeak("deepseek-v4-pro", -1), (1.0,) * 24) == pytest.approx(1 - 35 / 168)


def test_traffic_of_one_hour_lies_wholly_inside_or_outside() -> None:
    def only(hour: int) -> tuple[float, ...]:
        return tuple(float(each == hour) for each in range(168))

    window = offpeak("deepseek-v4-pro", -1)
    assert off_peak_fraction(window, only(2)) == 0  # Monday 02:00 UTC
    assert off_peak_fraction(window, only(5 * 24 + 2)) == 1  # Saturday 02:00 UTC
