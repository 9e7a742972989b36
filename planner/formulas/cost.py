"""What one API request costs, from its tokens and the prices per token that apply to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from planner.units import Numeric

if TYPE_CHECKING:
    from numpy.typing import NDArray


def is_negative(values: Numeric) -> bool:
    """Tell whether a value, or any of many, is below zero. [1]

    Parameters
    ----------
    values : one number or an array. [any]

    References
    ----------
    .. [1] Plain numbers are compared without numpy, which would take twenty times as long for one of them.

    Examples
    --------
    >>> is_negative(-1.0), is_negative(np.array([0.0, 2.0]))
    (True, False)
    """
    return values < 0 if isinstance(values, float | int) else bool(np.any(np.less(values, 0)))


def plain_input_tokens(
    input_tokens: Numeric, cached_read_tokens: Numeric = 0.0, cache_write_tokens: Numeric = 0.0
) -> Numeric:
    """Return the input tokens that the prompt cache neither serves nor stores. [tokens]

    Parameters
    ----------
    input_tokens : the whole prompt, cached part included. [tokens]
    cached_read_tokens : part of it that is read from the cache. [tokens]
    cache_write_tokens : part of it that is written to the cache. [tokens]

    Raises
    ------
    ValueError
        When a count is negative, or more is read and written than the prompt is long.

    References
    ----------
    .. [1] Anthropic, "Prompt caching": total input = cache reads + cache writes + input after the last breakpoint.
    .. [2] OpenAI, "Prompt caching": ``cached_tokens`` is a part of ``prompt_tokens``.

    Examples
    --------
    >>> plain_input_tokens(2000, 1500)
    500.0
    """
    if any(is_negative(tokens) for tokens in (input_tokens, cached_read_tokens, cache_write_tokens)):
        raise ValueError("token counts must not be negative")
    rest = input_tokens - cached_read_tokens - cache_write_tokens
    if is_negative(rest):
        raise ValueError("cached and written tokens exceed the input")
    return rest


def long_context_tier(input_tokens: Numeric, above_input_tokens: Sequence[float]) -> NDArray[np.intp]:
    """Return which price tier a request falls into: 0 is the base, i the i-th threshold. [1]

    The whole request is priced at its tier. A prompt exactly as long as a threshold is still below it.

    Parameters
    ----------
    input_tokens : the whole prompt, cached part included. [tokens]
    above_input_tokens : rising thresholds; a tier applies strictly above its own. [tokens]

    References
    ----------
    .. [1] Google, "Gemini API pricing": prices for prompts <= 200k and > 200k tokens.

    Examples
    --------
    >>> [int(long_context_tier(n, (200_000,))) for n in (200_000, 200_001)]
    [0, 1]
    """
    tier = np.searchsorted(np.asarray(above_input_tokens, dtype=float), input_tokens, side="left")
    return tier.astype(np.intp)


def token_cost_usd(tokens: Numeric, usd_per_token: Numeric) -> Numeric:
    """Return the cost of tokens of one kind. [USD]

    Parameters
    ----------
    tokens : how many. [tokens]
    usd_per_token : price of one. [USD/token]

    References
    ----------
    .. [1] Module 07 cheat sheet, "Per-Request Cost".

    Examples
    --------
    >>> round(token_cost_usd(2000, 3e-6), 9)
    0.006
    """
    return tokens * usd_per_token


def request_cost_usd(
    *,
    input_tokens: Numeric,
    output_tokens: Numeric,
    input_usd_per_token: Numeric,
    output_usd_per_token: Numeric,
    cached_read_tokens: Numeric = 0.0,
    cached_read_usd_per_token: Numeric | None = None,
    cache_write_tokens: Numeric = 0.0,
    cache_write_usd_per_token: Numeric | None = None,
    reasoning_tokens: Numeric = 0.0,
    fees_usd: Numeric = 0.0,
) -> Numeric:
    """Return what a request costs. [USD]

    Parameters
    ----------
    input_tokens : the whole prompt, cached part included. [tokens]
    output_tokens : visible answer. [tokens]
    input_usd_per_token : price of a plain input token. [USD/token]
    output_usd_per_token : price of an output token. [USD/token]
    cached_read_tokens : part of the input that is read from the cache. [tokens]
    cached_read_usd_per_token : price of a token read; the input price unless given. [USD/token]
    cache_write_tokens : part of the input that is written to the cache. [tokens]
    cache_write_usd_per_token : price of a token written; the input price unless given. [USD/token]
    reasoning_tokens : hidden tokens, billed as output. [tokens]
    fees_usd : fees per call. [USD]

    Raises
    ------
    ValueError
        When a count is negative, or more is read and written than the prompt is long.

    References
    ----------
    .. [1] Module 07 cheat sheet, "Worked Example": 2,000 in and 400 out on Claude 3.5 Sonnet, 3 and 15 USD/Mtok.

    Examples
    --------
    >>> sonnet = dict(input_usd_per_token=3e-6, output_usd_per_token=15e-6)
    >>> round(10_000 * request_cost_usd(input_tokens=2000, output_tokens=400, **sonnet), 6)
    120.0
    """
    plain = plain_input_tokens(input_tokens, cached_read_tokens, cache_write_tokens)
    # A price that nobody gave is not 0: without a discount the cache's tokens are input like any other.
    read_at = input_usd_per_token if cached_read_usd_per_token is None else cached_read_usd_per_token
    written_at = input_usd_per_token if cache_write_usd_per_token is None else cache_write_usd_per_token
    return (
        token_cost_usd(plain, input_usd_per_token)
        + token_cost_usd(cached_read_tokens, read_at)
        + token_cost_usd(cache_write_tokens, written_at)
        + token_cost_usd(output_tokens + reasoning_tokens, output_usd_per_token)
        + fees_usd
    )


def call_fees_usd(calls: Numeric, usd_per_call: Numeric) -> Numeric:
    """Return fees that are charged per call, such as web searches. [USD]

    Parameters
    ----------
    calls : how many. [calls]
    usd_per_call : fee of one. [USD/call]

    References
    ----------
    .. [1] Anthropic, "Pricing": web search, 10 USD per 1,000 searches, besides tokens.

    Examples
    --------
    >>> call_fees_usd(3, 0.01)
    0.03
    """
    return calls * usd_per_call


def cache_storage_usd(stored_tokens: Numeric, hours: Numeric, usd_per_token_hour: Numeric) -> Numeric:
    """Return what it costs to keep an explicit prompt cache. [USD]

    Parameters
    ----------
    stored_tokens : tokens in the cache. [tokens]
    hours : how long they are kept. [h]
    usd_per_token_hour : price of storage. [USD/(token h)]

    References
    ----------
    .. [1] Google, "Gemini API pricing": Gemini 2.5 Pro context caching storage, 4.50 USD/Mtok/h.

    Examples
    --------
    >>> round(cache_storage_usd(100_000, 24, 4.5e-6), 9)
    10.8
    """
    return stored_tokens * hours * usd_per_token_hour


def cacheable_tokens(
    prefix_tokens: Numeric, minimum_tokens: Numeric, granularity_tokens: Numeric = 1.0
) -> Numeric:
    """Return how much of a prefix a prompt cache takes: nothing below the minimum, then whole steps. [tokens]

    Parameters
    ----------
    prefix_tokens : tokens identical from request to request. [tokens]
    minimum_tokens : the shortest prefix that is cached at all. [tokens]
    granularity_tokens : step in which the cache grows; 1 where none is published. [tokens]

    References
    ----------
    .. [1] OpenAI, "Prompt caching": from 1,024 tokens on, in increments of 128.
    .. [2] Anthropic, "Prompt caching": a shorter prompt is processed without caching.

    Examples
    --------
    >>> [float(cacheable_tokens(n, 1024, 128)) for n in (1023, 1024, 1200)]
    [0.0, 1024.0, 1152.0]
    """
    steps = np.floor_divide(prefix_tokens, granularity_tokens) * granularity_tokens
    taken: Numeric = np.where(np.less(prefix_tokens, minimum_tokens), 0.0, steps)
    return taken
