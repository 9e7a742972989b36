"""The constants that convert."""

import numpy as np
import pytest

from planner import units


@pytest.mark.parametrize(
    ("constant", "value"),
    [
        (units.MIB, 2**20),
        (units.GIB, 2**30),
        (units.GB, 10**9),
        (units.TERA, 10**12),
        (units.MTOK, 10**6),
        (units.MS_PER_S, 1e3),
        (units.NS_PER_S, 1e9),
        (units.SECONDS_PER_DAY, 24 * 60 * 60),
        (units.SECONDS_PER_HOUR, 60 * units.SECONDS_PER_MINUTE),
        (units.HOURS_PER_MONTH, 365 * 24 / 12),
        (units.BITS_PER_BYTE, 8),
    ],
)
def test_a_constant_is_what_its_name_says(constant: float, value: float) -> None:
    assert constant == value


def test_an_array_without_dimensions_is_a_number_and_any_other_stays_one() -> None:
    alone = units.plain_number(np.float64(2.5) * np.ones(()))
    assert (type(alone), alone) == (float, 2.5)
    several = np.array([1.0, 2.0])
    assert units.plain_number(several) is several
    assert type(units.plain_number(3)) is float
