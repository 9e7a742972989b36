"""Rate limits: what a provider counts in the busiest minute, and how likely that exceeds a limit."""

from __future__ import annotations

import math

import numpy as np

from planner.units import SECONDS_PER_MINUTE, Numeric

# The dashboards' alert line: warn above 80 % of a rate limit [1]_.
# .. [1] Module 07 cheat sheet, "Dashboard Metrics", requests per minute.
ALERT_FRACTION = 0.8

# Keeps the skewness of an idle minute finite; its probability comes out as 0.
LEAST_REQUESTS = 1e-9

_erfc = np.vectorize(math.erfc, otypes=[float])


def peak_minute_requests(peak_requests_per_s: Numeric, attempts_per_request: Numeric = 1.0) -> Numeric:
    """Return the mean requests in a minute of the busiest hour, retries included. [requests/min]

    Parameters
    ----------
    peak_requests_per_s : mean rate in the busiest hour. [requests/s]
    attempts_per_request : tries that one request takes on average. [1]

    References
    ----------
    .. [1] Unit conversion; every attempt counts against a request limit.

    Examples
    --------
    >>> round(peak_minute_requests(10_000 / 86_400 * 3), 2)
    20.83
    """
    return peak_requests_per_s * attempts_per_request * SECONDS_PER_MINUTE


def counted_input_tokens(
    input_tokens: Numeric, cached_read_tokens: Numeric, cached_counts_fraction: Numeric
) -> Numeric:
    """Return the input tokens of a request that count against a token limit. [tokens]

    Parameters
    ----------
    input_tokens : the whole prompt, cached part included. [tokens]
    cached_read_tokens : part of it that is read from the prompt cache. [tokens]
    cached_counts_fraction : share of cached tokens that the provider counts: 1 at OpenAI, 0 at Anthropic. [1]

    References
    ----------
    .. [1] OpenAI, "Prompt caching": caching does not affect rate limits.
    .. [2] Anthropic, "Rate limits": cache reads do not count towards input tokens per minute on most models.

    Examples
    --------
    >>> [counted_input_tokens(2000, 1600, counts) for counts in (1, 0)]
    [2000, 400]
    """
    return input_tokens - cached_read_tokens * (1 - cached_counts_fraction)


def counted_output_tokens(output_tokens: Numeric, max_tokens: Numeric, reserved_fraction: Numeric) -> Numeric:
    """Return the output tokens of a request that count against a token limit. [tokens]

    Parameters
    ----------
    output_tokens : tokens really produced, reasoning included. [tokens]
    max_tokens : the request's own limit on its output. [tokens]
    reserved_fraction : 1 where the provider counts ``max_tokens`` when the request arrives, else 0. [1]

    References
    ----------
    .. [1] OpenAI, "Rate limits": ``max_tokens`` counts, however short the answer turns out.
    .. [2] Anthropic, "Rate limits" (2026): only tokens really generated count towards output tokens per minute.

    Examples
    --------
    >>> [counted_output_tokens(400, 1024, reserved) for reserved in (1, 0)]
    [1024, 400]
    """
    return output_tokens + (max_tokens - output_tokens) * reserved_fraction


def counted_total_tokens(input_tokens: Numeric, output_tokens: Numeric, added_fraction: Numeric) -> Numeric:
    """Return the tokens of a request that count against a limit on all of its tokens. [tokens]

    Parameters
    ----------
    input_tokens : what counts of the prompt. [tokens]
    output_tokens : what counts of the answer, or what is reserved for it. [tokens]
    added_fraction : 1 where the provider adds the two up, 0 where only the larger one counts. [1]

    References
    ----------
    .. [1] OpenAI, "Rate limits" (copies of 2023 to 2026-10): the maximum of ``max_tokens`` and an estimate of the
       request's tokens from its characters.
    .. [2] OpenAI cookbook, "api_request_parallel_processor": prompt tokens and ``max_tokens`` are added.

    Examples
    --------
    >>> [counted_total_tokens(2000, 1024, added).tolist() for added in (1, 0)]
    [3024, 2000]
    """
    larger, smaller = np.maximum(input_tokens, output_tokens), np.minimum(input_tokens, output_tokens)
    total: Numeric = larger + smaller * added_fraction
    return total


def used_fraction(peak_per_minute: Numeric, limit_per_minute: Numeric) -> Numeric:
    """Return how much of a limit the busiest minute takes; above 1 it is exceeded on average. [1]

    Parameters
    ----------
    peak_per_minute : mean load of the busiest minute. [any unit/min]
    limit_per_minute : the limit, in the same unit. [any unit/min]

    References
    ----------
    .. [1] Module 07 cheat sheet, "Dashboard Metrics": alert above 80 % of the rate limit.

    Examples
    --------
    >>> used_fraction(400, 500)
    0.8
    """
    return peak_per_minute / limit_per_minute


def token_dispersion(burstiness: Numeric, size_cv: Numeric) -> Numeric:
    """Return variance over mean of the tokens in a minute, measured in requests of mean size. [1]

    Parameters
    ----------
    burstiness : variance over mean of the requests in a minute; 1 for Poisson arrivals. [1]
    size_cv : standard deviation over mean of the tokens of one request. [1]

    References
    ----------
    .. [1] Variance of a random sum: Var(sum) = E[N] Var(X) + Var(N) E[X]².

    Examples
    --------
    >>> token_dispersion(1.0, 0.5)
    1.25
    """
    return burstiness + size_cv**2


def minute_exceedance_fraction(
    mean_requests: Numeric, limit_requests: Numeric, dispersion: Numeric = 1.0
) -> Numeric:
    """Return the probability that a minute brings more requests than a limit allows. [1]

    The count is Poisson, or negative binomial where arrivals come in bursts, read from a gamma distribution with
    the same mean, variance and skewness and its cube root. Against the exact sums the error stays below 0.01 for
    two requests a minute or more and below 0.001 above twenty.
    Arrivals more regular than Poisson are treated as Poisson, which errs on the safe side.

    Parameters
    ----------
    mean_requests : expected in that minute. [requests]
    limit_requests : allowed in it. [requests]
    dispersion : variance over mean of the count; 1 for Poisson. [1]

    References
    ----------
    .. [1] E. B. Wilson and M. M. Hilferty, "The Distribution of Chi-Square," PNAS 17, 1931.
    .. [2] Poisson(20) exceeds 25 with probability 0.1122: any table of the Poisson distribution.

    Examples
    --------
    >>> round(float(minute_exceedance_fraction(20.0, 25.0)), 3)
    0.112
    """
    mean = np.maximum(mean_requests, LEAST_REQUESTS)
    spread = np.maximum(dispersion, 1.0)
    deviation = np.sqrt(mean * spread)
    shape = 4.0 / ((2.0 * spread - 1.0) / deviation) ** 2  # negative binomial: skewness (2 D - 1) / deviation
    standard = (np.floor(limit_requests) + 0.5 - mean) / deviation
    ratio = np.maximum(1.0 + standard / np.sqrt(shape), 0.0)
    z = (np.cbrt(ratio) - (1.0 - 1.0 / (9.0 * shape))) * np.sqrt(9.0 * shape)
    probability: Numeric = 0.5 * _erfc(z / math.sqrt(2.0))
    return probability


def months_until(used: Numeric, growth_per_month_fraction: Numeric, line: Numeric = 1.0) -> Numeric:
    """Return after how many months growth reaches a line: 0 when it is passed, infinity when never. [months]

    Parameters
    ----------
    used : fraction of the limit taken today. [1]
    growth_per_month_fraction : growth of the load a month. [1]
    line : fraction of the limit that must not be passed. [1]

    References
    ----------
    .. [1] Compound growth: used · (1 + g)^n = line.

    Examples
    --------
    >>> round(float(months_until(0.5, 0.08)), 2)
    9.01
    >>> [float(months_until(used, growth)) for used, growth in ((1.2, 0.1), (0.5, 0.0))]
    [0.0, inf]
    """
    gap = np.log(np.divide(line, np.maximum(used, np.finfo(float).tiny)))
    growth = np.log1p(growth_per_month_fraction)
    growing = np.greater(growth, 0)
    months = np.where(growing, gap / np.where(growing, growth, 1.0), np.inf)
    left: Numeric = np.where(gap <= 0, 0.0, months)
    return left
