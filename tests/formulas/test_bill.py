"""What may be refused on the way from list price to bill."""

import numpy as np
import pytest

from planner.formulas.bill import discounted_usd, in_daily_window


@pytest.mark.parametrize("fraction", [-0.1, 1.1, np.array([0.5, 2.0])])
def test_a_discount_lies_between_nothing_and_everything(fraction: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        discounted_usd(1.0, fraction)


def test_a_window_whose_end_is_its_start_covers_the_day() -> None:
    assert in_daily_window(np.arange(24.0), 0.0, 0.0).sum() == 24  # type: ignore[union-attr]


def test_a_night_window_covers_as_many_hours_as_it_says() -> None:
    # 10:00 to 01:00 UTC is 15 hours
    assert in_daily_window(np.arange(24.0), 10.0, 1.0).sum() == 15  # type: ignore[union-attr]
