"""Numbers as people read them."""

from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from planner.report import numbers
from planner.specs.base import Quantity

WRITERS: dict[str, Callable[[float | None], str]] = {
    name: getattr(numbers, name)
    for name in ("usd", "usd_each", "count", "percent", "gib", "duration", "rate")
}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("usd", 3600.0, "3,600.00"),
        ("usd", 0.0, "0.00"),
        ("usd", -12.5, "-12.50"),
        ("usd", 0.01, "0.01"),
        ("usd", 0.00054, "0.00054"),
        ("usd", 0.0000123, "1.230e-05"),
        ("usd_each", 0.0, "0"),
        ("usd_each", 0.012, "0.01200"),
        ("usd_each", 0.00054, "0.0005400"),
        ("usd_each", 12.3456, "12.35"),
        ("usd_each", 0.0000012, "0.000001200"),
        ("count", 3.0, "3"),
        ("count", 2.345, "2.35"),
        ("count", 10.6, "11"),
        ("count", 131_072.0, "131,072"),
        ("percent", 0.764, "76.4 %"),
        ("gib", 16_095_000_000.0, "14.99 GiB"),
        ("duration", 0.0034, "3.4 ms"),
        ("duration", 0.0854, "85 ms"),
        ("duration", 0.9994, "999 ms"),
        ("duration", 0.9996, "1.00 s"),
        ("duration", 1.239, "1.24 s"),
        ("duration", 1234.5, "1,234 s"),
        ("rate", 0.3472, "0.347"),
        ("rate", 99.94, "99.9"),
        ("rate", 1234.0, "1,234"),
    ],
)
def test_a_number_is_written_with_the_digits_that_matter(name: str, value: float, text: str) -> None:
    assert WRITERS[name](value) == text


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_unknown_says_so(name: str) -> None:
    assert WRITERS[name](None) == "unknown"


def test_a_prediction_is_written_with_its_interval_unless_it_is_exact() -> None:
    measured = Quantity(value=0.085, low=0.07, high=0.11, grade="fitted")
    assert numbers.duration_band(measured) == "85 ms (70 ms to 110 ms)"
    assert numbers.duration_band(Quantity(value=2.0, low=2.0, high=2.0, grade="measured")) == "2.00 s"
    assert numbers.duration_band(None) == "unknown"


@given(st.floats(1e-6, 1e6))
def test_the_price_of_a_request_is_within_half_a_thousandth_or_half_a_cent(value: float) -> None:
    assert float(numbers.usd_each(value).replace(",", "")) == pytest.approx(value, rel=5e-4, abs=0.0)
