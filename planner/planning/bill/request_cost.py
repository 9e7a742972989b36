"""What requests cost under a price sheet: many at once, or one with every check."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from planner.errors import DataError, UsageError
from planner.formulas.cost import (
    cache_storage_usd,
    call_fees_usd,
    is_negative,
    long_context_tier,
    plain_input_tokens,
    token_cost_usd,
)
from planner.specs.answers.request_cost import CostLines, PriceSheet, RequestCost
from planner.units import Numeric

TOO_LONG_CURE = "shorten it, or take a model with a longer context"


def cost_lines(
    sheet: PriceSheet,
    *,
    input_tokens: Numeric,
    output_tokens: Numeric,
    cached_read_tokens: Numeric = 0.0,
    cache_write_tokens: Numeric = 0.0,
    reasoning_tokens: Numeric = 0.0,
) -> CostLines:
    """Return the lines of the bill of one request, or of each of many.

    ``input_tokens`` is the whole prompt; tokens read from and written to the prompt cache are parts of it.
    Each request is priced at its own long-context tier.

    Raises
    ------
    UsageError
        When a count is negative, or more is read and written than the prompt is long.
    DataError
        When tokens are cached and the vendor publishes no price for that.
    """
    try:
        plain = plain_input_tokens(input_tokens, cached_read_tokens, cache_write_tokens)
    except ValueError as error:
        raise UsageError(
            f"{error}: input {_span(input_tokens)}, cached {_span(cached_read_tokens)}, "
            f"written {_span(cache_write_tokens)} tokens",
            cure="the input counts the whole prompt; cached and written tokens are parts of it",
        ) from None
    if is_negative(output_tokens) or is_negative(reasoning_tokens):
        raise UsageError(
            f"token counts must not be negative: output {_span(output_tokens)}, "
            f"reasoning {_span(reasoning_tokens)}"
        )
    # A short cut that every draw of a bill takes: with one tier there is no threshold to count.
    tiers = sheet.tiers
    tier = long_context_tier(input_tokens, sheet.above_input_tokens) if len(tiers) > 1 else 0
    reads = _prices(sheet, "cached", [each.cached_read_usd_per_token for each in tiers], cached_read_tokens)
    writes = _prices(sheet, "written", [each.cache_write_usd_per_token for each in tiers], cache_write_tokens)
    inputs = np.array([each.input_usd_per_token for each in tiers])
    outputs = np.array([each.output_usd_per_token for each in tiers])
    return CostLines(
        input_usd=token_cost_usd(plain, inputs[tier]),
        cached_usd=token_cost_usd(cached_read_tokens, reads[tier]),
        cache_write_usd=token_cost_usd(cache_write_tokens, writes[tier]),
        output_usd=token_cost_usd(output_tokens + reasoning_tokens, outputs[tier]),
    )


def request_cost(
    sheet: PriceSheet,
    *,
    input_tokens: float,
    output_tokens: float,
    cached_read_tokens: float = 0.0,
    cache_write_tokens: float = 0.0,
    reasoning_tokens: float = 0.0,
    calls: Mapping[str, float] | None = None,
    stored_token_hours: float = 0.0,
    any_length: bool = False,
) -> RequestCost:
    """Return what one request costs, line by line, with the price row that was used.

    ``calls`` counts tool calls with a fee by the fee's name; ``stored_token_hours`` is what an explicit cache
    keeps on account of this request. ``any_length`` prices a request that is too long to be made, such as the
    tokens of a whole day.

    Raises
    ------
    UsageError
        When the request cannot be made: longer than the window, or token counts that do not go together.
    DataError
        When something is asked for that has no price in the book.
    """
    if not any_length:
        refuse_too_long(sheet, input_tokens, output_tokens + reasoning_tokens)
    lines = cost_lines(
        sheet,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_read_tokens=cached_read_tokens,
        cache_write_tokens=cache_write_tokens,
        reasoning_tokens=reasoning_tokens,
    )
    fees = fees_usd(sheet, calls or {})
    storage = _storage_usd(sheet, stored_token_hours)
    return RequestCost(
        usd=float(lines.usd) + fees + storage,
        input_usd=float(lines.input_usd),
        cached_usd=float(lines.cached_usd),
        cache_write_usd=float(lines.cache_write_usd),
        output_usd=float(lines.output_usd),
        fees_usd=fees,
        storage_usd=storage,
        plain_input_tokens=input_tokens - cached_read_tokens - cache_write_tokens,
        cached_read_tokens=cached_read_tokens,
        cache_write_tokens=cache_write_tokens,
        output_tokens=output_tokens + reasoning_tokens,
        long_context_tier=int(long_context_tier(input_tokens, sheet.above_input_tokens)),
        price=sheet.used,
        notices=sheet.notices,
    )


def refuse_too_long(sheet: PriceSheet, input_tokens: float, output_tokens: float) -> None:
    """Refuse a request that the model does not take; output counts reasoning.

    Raises
    ------
    UsageError
        When input, output or both together are longer than the model allows.
    """
    model, window = sheet.used.model, sheet.context_window_tokens
    if sheet.max_output_tokens is not None and output_tokens > sheet.max_output_tokens:
        raise UsageError(
            f"{output_tokens:,.0f} output tokens are more than {model} returns: {sheet.max_output_tokens:,}",
            cure=TOO_LONG_CURE,
        )
    if sheet.max_input_tokens is not None and input_tokens > sheet.max_input_tokens:
        raise UsageError(
            f"{input_tokens:,.0f} input tokens are more than {model} takes: {sheet.max_input_tokens:,}",
            cure=TOO_LONG_CURE,
        )
    # A model with a limit of its own for the input has none for both together.
    total = input_tokens + output_tokens
    if sheet.max_input_tokens is None and window is not None and total > window:
        raise UsageError(
            f"{input_tokens:,.0f} input and {output_tokens:,.0f} output tokens exceed the context window of "
            f"{model}: {total:,.0f} > {window:,}",
            cure=TOO_LONG_CURE,
        )


def _prices(
    sheet: PriceSheet, what: str, by_tier: list[float | None], tokens: Numeric
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if tokens == 0 if isinstance(tokens, float | int) else not np.any(np.greater(tokens, 0)):
        return np.zeros(len(by_tier))
    known = [price for price in by_tier if price is not None]
    if len(known) < len(by_tier):
        used = sheet.used
        raise DataError(
            f"{used.model} publishes no price for {what} tokens in mode {used.mode} from {used.effective_from}",
            cure="count them as plain input, or take a date or mode in which prompt caching is sold",
        )
    return np.array(known)


def fees_usd(sheet: PriceSheet, calls: Mapping[str, float]) -> float:
    """Return what calls of tools cost, by the name of their fee. [USD]

    Raises
    ------
    DataError
        When the price row has no fee of that name.
    """
    unknown = sorted(set(calls) - set(sheet.usd_per_call))
    if unknown:
        known = ", ".join(sorted(sheet.usd_per_call)) or "none"
        raise DataError(
            f"{sheet.used.model} has no fee for {', '.join(unknown)}", cure=f"fees in the book: {known}"
        )
    each = (float(call_fees_usd(count, sheet.usd_per_call[name])) for name, count in calls.items())
    return sum(each, 0.0)


def _storage_usd(sheet: PriceSheet, token_hours: float) -> float:
    if token_hours == 0:
        return 0.0
    if sheet.storage_usd_per_token_hour is None:
        raise DataError(
            f"{sheet.used.model} publishes no price for cache storage", cure="leave stored tokens out"
        )
    return float(cache_storage_usd(token_hours, 1.0, sheet.storage_usd_per_token_hour))


def _span(tokens: Numeric) -> str:
    low, high = float(np.min(tokens)), float(np.max(tokens))
    return f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"
