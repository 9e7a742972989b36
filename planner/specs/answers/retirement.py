"""The retirement calendar: which scenario loses a model when, and what the successor costs it."""

from __future__ import annotations

from datetime import date

from planner.records import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Retirement:
    """One model that a scenario uses and its provider ends.

    ``on`` is ``None`` where the model has left the price lists without a date. ``usd_before`` is the month's bill
    with the models of the day before, ``usd_after`` with the successor at the prices of that day; ``None`` where
    there is no successor to price, and ``reason`` says why.
    """

    scenario: str
    file: str
    model: str
    on: date | None
    successor: str | None
    usd_before: float | None
    usd_after: float | None
    reason: str | None = None

    @property
    def change_usd(self) -> float | None:
        """What the successor costs more a month; negative where it is cheaper. [USD/month]"""
        if self.usd_before is None or self.usd_after is None:
            return None
        return self.usd_after - self.usd_before
