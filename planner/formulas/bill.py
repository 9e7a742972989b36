"""From list prices to the bill: regions, hours of the day, contracts, credits, currency."""

from __future__ import annotations

import numpy as np

from planner.units import HOURS_PER_DAY, Numeric


def regional_usd(list_usd: Numeric, region_factor: Numeric) -> Numeric:
    """Return the price of processing in a region. [USD]

    Parameters
    ----------
    list_usd : price without a choice of region. [USD]
    region_factor : what the vendor multiplies token prices by in that region. [1]

    References
    ----------
    .. [1] OpenAI, "Pricing": regional processing costs 10 % more from GPT-5.4 on.

    Examples
    --------
    >>> round(regional_usd(2.5, 1.1), 9)
    2.75
    """
    return list_usd * region_factor


def in_daily_window(hour_utc: Numeric, starts_hour_utc: Numeric, ends_hour_utc: Numeric) -> Numeric:
    """Return 1 where a time of day lies inside a window and 0 elsewhere. [1]

    The start is inside, the end outside. A window that ends at or before its start runs over midnight.

    Parameters
    ----------
    hour_utc : time of day. [h]
    starts_hour_utc : start of the window. [h]
    ends_hour_utc : end of the window. [h]

    References
    ----------
    .. [1] DeepSeek, "Pricing" (2025-02-26): off-peak from 16:30 to 00:30 UTC, by the time the request is made.

    Examples
    --------
    >>> [int(in_daily_window(hour, 16.5, 0.5)) for hour in (16.4, 16.5, 23.0, 0.4, 0.5)]
    [0, 1, 1, 1, 0]
    """
    length = np.mod(np.subtract(ends_hour_utc, starts_hour_utc), HOURS_PER_DAY)
    length = np.where(length == 0, float(HOURS_PER_DAY), length)
    inside: Numeric = np.where(
        np.mod(np.subtract(hour_utc, starts_hour_utc), HOURS_PER_DAY) < length, 1.0, 0.0
    )
    return inside


def mixed_usd(peak_usd: Numeric, off_peak_usd: Numeric, off_peak_fraction: Numeric) -> Numeric:
    """Return the mean cost of requests of which a part falls into cheaper hours. [USD]

    Parameters
    ----------
    peak_usd : cost of a request at the full price. [USD]
    off_peak_usd : cost of the same request off-peak. [USD]
    off_peak_fraction : share of requests off-peak. [1]

    References
    ----------
    .. [1] Weighted mean.

    Examples
    --------
    >>> mixed_usd(1.0, 0.5, 0.25)
    0.875
    """
    return peak_usd * (1 - off_peak_fraction) + off_peak_usd * off_peak_fraction


def discounted_usd(list_usd: Numeric, discount_fraction: Numeric) -> Numeric:
    """Return a price under a contract. [USD]

    Parameters
    ----------
    list_usd : list price. [USD]
    discount_fraction : what the contract takes off. [1]

    Raises
    ------
    ValueError
        When the discount is not between 0 and 1.

    References
    ----------
    .. [1] By definition of a discount.

    Examples
    --------
    >>> discounted_usd(120.0, 0.25)
    90.0
    """
    if np.any(np.less(discount_fraction, 0)) or np.any(np.greater(discount_fraction, 1)):
        raise ValueError("a discount lies between 0 and 1")
    return list_usd * (1 - discount_fraction)


def after_credits_usd(bill_usd: Numeric, credits_usd: Numeric) -> Numeric:
    """Return what remains to be paid once credits are used up. [USD]

    Parameters
    ----------
    bill_usd : the bill. [USD]
    credits_usd : credits that are left. [USD]

    References
    ----------
    .. [1] Credits are used first and never paid out.

    Examples
    --------
    >>> [float(after_credits_usd(bill, 1000.0)) for bill in (3600.0, 162.0)]
    [2600.0, 0.0]
    """
    remaining: Numeric = np.maximum(np.subtract(bill_usd, credits_usd), 0.0)
    return remaining


def converted(amount_usd: Numeric, units_per_usd: Numeric) -> Numeric:
    """Return an amount in another currency. [currency units]

    Parameters
    ----------
    amount_usd : the amount. [USD]
    units_per_usd : rate of a stated date. [currency units/USD]

    References
    ----------
    .. [1] By definition of an exchange rate; the rate and its date stand beside every converted amount.

    Examples
    --------
    >>> converted(100.0, 0.92)
    92.0
    """
    return amount_usd * units_per_usd
