"""The constants that convert."""

import pytest

from planner import units


@pytest.mark.parametrize(
    ("constant", "value"),
    [
        (units.KIB, 2**10),
        (units.MIB, 2**20),
        (units.GIB, 2**30),
        (units.GB, 10**9),
        (units.TERA, 10**12),
        (units.MTOK, 10**6),
        (units.MS_PER_S, 1e3),
        (units.SECONDS_PER_DAY, 24 * 60 * 60),
        (units.SECONDS_PER_HOUR, 60 * units.SECONDS_PER_MINUTE),
        (units.HOURS_PER_MONTH, 365 * 24 / 12),
        (units.BITS_PER_BYTE, 8),
    ],
)
def test_a_constant_is_what_its_name_says(constant: float, value: float) -> None:
    assert constant == value
