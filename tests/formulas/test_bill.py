"""What may be refused on the way from list price to bill."""

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from planner.formulas.bill import after_credits_usd, discounted_usd, in_daily_window, mixed_usd


@pytest.mark.parametrize("fraction", [-0.1, 1.1, np.array([0.5, 2.0])])
def test_a_discount_lies_between_nothing_and_everything(fraction: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        discounted_usd(1.0, fraction)


def test_a_window_whose_end_is_its_start_covers_the_day() -> None:
    assert in_daily_window(np.arange(24.0), 0.0, 0.0).sum() == 24  # type: ignore[union-attr]


def test_a_night_window_covers_as_many_hours_as_it_says() -> None:
    # 10:00 to 01:00 UTC is 15 hours
    assert in_daily_window(np.arange(24.0), 10.0, 1.0).sum() == 15  # type: ignore[union-attr]


@given(st.floats(0, 24, exclude_max=True), st.floats(0, 24), st.floats(0, 24))
def test_an_hour_lies_either_inside_a_window_or_inside_the_rest_of_the_day(
    hour: float, starts: float, ends: float
) -> None:
    assume(abs(starts - ends) > 1e-6)
    assume(abs(starts - ends) < 24 - 1e-6)
    assume(min(abs((hour - edge + 12) % 24 - 12) for edge in (starts, ends)) > 1e-6)
    inside, outside = in_daily_window(hour, starts, ends), in_daily_window(hour, ends, starts)
    assert inside + outside == 1


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1))
def test_a_mix_lies_between_its_prices(peak: float, off_peak: float, share: float) -> None:
    low, high = sorted((peak, off_peak))
    assert low * (1 - 1e-9) <= mixed_usd(peak, off_peak, share) <= high * (1 + 1e-9) + 1e-9


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6))
def test_credits_used_at_once_or_in_turn_leave_the_same_bill(bill: float, one: float, other: float) -> None:
    in_turn = after_credits_usd(after_credits_usd(bill, one), other)
    assert in_turn == pytest.approx(float(after_credits_usd(bill, one + other)), abs=1e-6)


@given(st.floats(0, 1e6), st.floats(0, 1))
def test_price_and_discount_make_up_the_list_price(usd: float, share: float) -> None:
    assert discounted_usd(usd, share) + usd * share == pytest.approx(usd)
