"""Which share of a day's or week's traffic falls into a vendor's off-peak hours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import time

from planner.formulas.bill import in_daily_window
from planner.specs.books.price import OffPeak, OffPeakWindow
from planner.units import HOURS_PER_DAY

STEPS_PER_HOUR = 4  # vendors' windows start at the half hour
DAYS_PER_WEEK = 7


def off_peak_fraction(offpeak: OffPeak, hourly_weights_utc: Sequence[float]) -> float:
    """Return the share of requests made off-peak. [1]

    ``hourly_weights_utc`` are 24 weights, repeated every day, or 168 from Monday on, by UTC hour.
    """
    weights = tuple(hourly_weights_utc)
    week = weights * DAYS_PER_WEEK if len(weights) == HOURS_PER_DAY else weights
    steps = [
        (weight, *divmod(hour + step / STEPS_PER_HOUR, HOURS_PER_DAY))
        for hour, weight in enumerate(week)
        for step in range(STEPS_PER_HOUR)
    ]
    inside = sum(weight for weight, day, hour in steps if in_windows(offpeak.windows, int(day), hour))
    return inside / sum(weight for weight, _, _ in steps)


def utc_weights(local_weights: Sequence[float], utc_offset_hours: float) -> tuple[float, ...]:
    """Return hourly weights by UTC hour from weights by local hour; half hours take half of each neighbour. [1]"""
    hours = len(local_weights)
    whole = math.floor(utc_offset_hours)
    part = utc_offset_hours - whole
    return tuple(
        local_weights[(hour + whole) % hours] * (1 - part) + local_weights[(hour + whole + 1) % hours] * part
        for hour in range(hours)
    )


def in_windows(windows: Sequence[OffPeakWindow], weekday: int, hour_utc: float) -> bool:
    """Tell whether an hour of a weekday, 0 being Monday, lies in one of the windows."""
    return any(
        bool(in_daily_window(hour_utc, _hours(window.start), _hours(window.end)))
        for window in windows
        if not window.weekdays or weekday in window.weekdays
    )


def _hours(clock: time) -> float:
    return clock.hour + clock.minute / 60
