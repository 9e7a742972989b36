"""What a machine costs: rented by the month, owned over its life, and in energy alone."""

from __future__ import annotations

from planner.units import HOURS_PER_MONTH, SECONDS_PER_HOUR

WH_PER_KWH = 1000.0  #: [Wh/kWh]
MONTHS_PER_YEAR = 12


def machines_usd_per_month(machines: int, usd_per_hour: float) -> float:
    """Return the rent of machines that run all month, idle or not. [USD/month]

    Parameters
    ----------
    machines : machines that run. [machines]
    usd_per_hour : rent of one. [USD/hour]

    References
    ----------
    .. [1] Clouds bill a month as 730 hours (365 · 24 / 12).

    Examples
    --------
    >>> machines_usd_per_month(2, 10.0)
    14600.0
    """
    return machines * usd_per_hour * HOURS_PER_MONTH


def energy_usd(power_w: float, busy_s: float, usd_per_kwh: float) -> float:
    """Return the price of the energy that a device draws while it works. [USD]

    Parameters
    ----------
    power_w : draw while working. [W]
    busy_s : time that it works. [s]
    usd_per_kwh : tariff. [USD/kWh]

    References
    ----------
    .. [1] Energy is power times time.

    Examples
    --------
    >>> round(energy_usd(100.0, 36_000.0, 0.15), 3)
    0.15
    """
    return power_w * busy_s / SECONDS_PER_HOUR / WH_PER_KWH * usd_per_kwh


def owned_usd_per_hour(
    *,
    price_usd: float,
    amortization_years: float,
    power_w: float,
    pue: float,
    usd_per_kwh: float,
) -> float:
    """Return what an hour of a machine of one's own costs, busy or not. [USD/hour]

    Parameters
    ----------
    price_usd : purchase price of the machine. [USD]
    amortization_years : years over which it is spread. [years]
    power_w : mean draw of the machine. [W]
    pue : power of the room over power of the machine. [1]
    usd_per_kwh : tariff. [USD/kWh]

    References
    ----------
    .. [1] Straight-line depreciation, 8,760 hours a year; PUE as defined by ISO/IEC 30134-2.

    Examples
    --------
    A machine of 280,000 USD over 4 years is 7.99 USD/hour; 8 kW at a PUE of 1.25 and 0.10 USD/kWh add 1.00:

    >>> round(owned_usd_per_hour(price_usd=280e3, amortization_years=4, power_w=8e3, pue=1.25, usd_per_kwh=0.1), 2)
    8.99
    """
    hours = amortization_years * MONTHS_PER_YEAR * HOURS_PER_MONTH
    return price_usd / hours + power_w / WH_PER_KWH * pue * usd_per_kwh
