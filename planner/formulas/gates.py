"""When a change passes a gate: a share of what was there, and an amount that is worth anyone's time."""

from __future__ import annotations


def exceeds_gate(
    before_usd: float, after_usd: float, max_increase_fraction: float, max_increase_usd: float
) -> bool:
    """Tell whether a cost rises by more than a share of it and by more than an amount.

    Without a cost before there is no share: then the amount alone decides.

    Parameters
    ----------
    before_usd : cost before. [USD]
    after_usd : cost after. [USD]
    max_increase_fraction : share of the cost before that it may rise by. [fraction]
    max_increase_usd : amount that it may rise by, whatever the share. [USD]

    References
    ----------
    .. [1] Percent and absolute floor together: cents of change in a cheap feature are no finding, nor is the noise of
       a dear one.

    Examples
    --------
    >>> [exceeds_gate(100.0, after, 0.05, 10.0) for after in (104.0, 109.0, 111.0)]
    [False, False, True]
    >>> [exceeds_gate(0.0, after, 0.05, 10.0) for after in (9.0, 11.0)]
    [False, True]
    """
    rise = after_usd - before_usd
    if rise <= max_increase_usd:
        return False
    return before_usd <= 0 or rise > max_increase_fraction * before_usd


def exceeds_fall(before_usd: float, after_usd: float, max_decrease_fraction: float, floor_usd: float) -> bool:
    """Tell whether a cost falls by more than a share of it and by more than an amount.

    Parameters
    ----------
    before_usd : cost before. [USD]
    after_usd : cost after. [USD]
    max_decrease_fraction : share of the cost before that it may fall by. [fraction]
    floor_usd : amount that it may fall by, whatever the share. [USD]

    References
    ----------
    .. [1] A fall that nobody expected is as much a finding as a rise: a broken scenario is cheap.

    Examples
    --------
    >>> [exceeds_fall(100.0, after, 0.3, 1.0) for after in (71.0, 69.0)]
    [False, True]
    """
    fall = before_usd - after_usd
    return fall > floor_usd and fall > max_decrease_fraction * before_usd
