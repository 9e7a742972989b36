"""Provider prompt caches: how often a prefix is found, and whether storing it pays."""

from __future__ import annotations

import numpy as np

from planner.units import Numeric


def sliding_hit_fraction(requests_per_s: Numeric, ttl_s: Numeric) -> Numeric:
    """Return the share of requests that find their prefix still cached. [1]

    Requests arrive at random; every use starts the lifetime anew, so a request hits when the one before it on the
    same prefix is no older than the lifetime.

    Parameters
    ----------
    requests_per_s : rate of requests on one prefix. [requests/s]
    ttl_s : lifetime of an unused entry. [s]

    References
    ----------
    .. [1] Exponential gaps of a Poisson process: P(gap < T) = 1 - exp(-r T).
    .. [2] Anthropic, "Prompt caching": the cache is refreshed for free each time it is used.

    Examples
    --------
    >>> round(float(sliding_hit_fraction(1 / 300, 300.0)), 4)
    0.6321
    """
    fraction: Numeric = -np.expm1(-np.multiply(requests_per_s, ttl_s))
    return fraction


def stampede_hit_fraction(hit_fraction: Numeric, requests_per_s: Numeric, ready_s: Numeric) -> Numeric:
    """Return the hit share when requests that arrive while an entry is being written miss too. [1]

    Parameters
    ----------
    hit_fraction : hit share if entries were usable at once. [1]
    requests_per_s : rate of requests on one prefix. [requests/s]
    ready_s : from the first request until its entry can be read. [s]

    References
    ----------
    .. [1] Anthropic, "Prompt caching": an entry becomes available only after the first response begins; each
       cold start therefore brings 1 + r·d misses.

    Examples
    --------
    >>> round(float(stampede_hit_fraction(0.9, 0.5, 2.0)), 3)
    0.8
    """
    misses = (1.0 - hit_fraction) * (1.0 + np.multiply(requests_per_s, ready_s))
    effective: Numeric = np.maximum(1.0 - misses, 0.0)
    return effective


def mean_hit_fraction(hit_fraction_by_hour: Numeric, weight_by_hour: Numeric) -> float:
    """Return the hit share of a day from that of its hours, weighted by traffic. [1]

    Parameters
    ----------
    hit_fraction_by_hour : hit share in each hour. [1]
    weight_by_hour : relative traffic in each hour. [any unit]

    References
    ----------
    .. [1] Weighted mean; a quiet night misses more than the mean rate suggests.

    Examples
    --------
    >>> import numpy as np
    >>> round(mean_hit_fraction(np.array([1.0, 0.5]), np.array([3.0, 1.0])), 3)
    0.875
    """
    return float(np.average(hit_fraction_by_hour, weights=weight_by_hour))


def caching_saving_usd(
    prefix_tokens: Numeric,
    hit_fraction: Numeric,
    input_usd_per_token: Numeric,
    read_usd_per_token: Numeric,
    write_usd_per_token: Numeric,
) -> Numeric:
    """Return what caching a prefix saves per request; negative when the writes cost more than the hits save. [USD]

    Parameters
    ----------
    prefix_tokens : cached part of the prompt. [tokens]
    hit_fraction : share of requests that read it. [1]
    input_usd_per_token : price without caching. [USD/token]
    read_usd_per_token : price of a token read. [USD/token]
    write_usd_per_token : price of a token written by a miss. [USD/token]

    References
    ----------
    .. [1] Difference of the two bills: every request pays input, or hits read and misses write.

    Examples
    --------
    >>> round(float(caching_saving_usd(1200, 0.9, 3e-6, 0.3e-6, 3.75e-6)), 6)
    0.002826
    """
    cached = hit_fraction * read_usd_per_token + (1.0 - hit_fraction) * write_usd_per_token
    return prefix_tokens * (input_usd_per_token - cached)


def break_even_hit_fraction(
    input_usd_per_token: Numeric, read_usd_per_token: Numeric, write_usd_per_token: Numeric
) -> Numeric:
    """Return the hit share from which caching pays; 0 where writing costs nothing extra. [1]

    Parameters
    ----------
    input_usd_per_token : price without caching. [USD/token]
    read_usd_per_token : price of a token read, below the input price. [USD/token]
    write_usd_per_token : price of a token written. [USD/token]

    References
    ----------
    .. [1] Zero of the saving: h = (write - input) / (write - read).

    Examples
    --------
    >>> [round(float(break_even_hit_fraction(3.0, 0.3, write)), 4) for write in (3.0, 3.75, 6.0)]
    [0.0, 0.2174, 0.5263]
    """
    extra = np.maximum(np.subtract(write_usd_per_token, input_usd_per_token), 0.0)
    fraction: Numeric = extra / np.subtract(write_usd_per_token, read_usd_per_token)
    return fraction


def rate_for_hit_fraction(hit_fraction: Numeric, ttl_s: Numeric) -> Numeric:
    """Return the request rate on one prefix that gives a hit share. [requests/s]

    Parameters
    ----------
    hit_fraction : wanted hit share, below 1. [1]
    ttl_s : lifetime of an unused entry. [s]

    References
    ----------
    .. [1] Inverse of 1 - exp(-r T).

    Examples
    --------
    >>> round(float(rate_for_hit_fraction(0.2174, 300.0)) * 3600, 2)  # requests an hour
    2.94
    """
    rate: Numeric = -np.log1p(-np.asarray(hit_fraction, dtype=float)) / ttl_s
    return rate
