"""What a request costs on average when prompts differ in length and the price depends on the length.

One calculator for the bill and for its spread: every token count may be one number or an array of draws.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from planner.formulas.length_spread import mean_capped_tokens, up_to_fraction
from planner.planning.bill.request_cost import cost_lines
from planner.specs.answers.request_cost import CostLines, PriceSheet
from planner.units import FloatArray, Numeric

QUANTILES = 256  # equally likely lengths at which a spread of prompts is priced


class MeanTokens(NamedTuple):
    """The tokens of the mean request, each count being one number or an array. [tokens]"""

    input: Numeric
    output: Numeric
    reasoning: Numeric
    cached_read: Numeric
    cache_write: Numeric


# tokens up to no length at all: below the first threshold of the prices
NOTHING = MeanTokens(0.0, 0.0, 0.0, 0.0, 0.0)


@lru_cache(maxsize=64)
def unit_lengths(sigma: float) -> FloatArray:
    """Return equally likely prompt lengths over their mean: midpoints of equal slices of a log-normal. [1]"""
    if sigma == 0:
        return np.ones(1)
    normal = NormalDist(-(sigma**2) / 2, sigma)
    slices = np.exp([normal.inv_cdf((index + 0.5) / QUANTILES) for index in range(QUANTILES)])
    return np.asarray(slices / slices.mean())


def mean_cost_lines(sheet: PriceSheet, tokens: MeanTokens, input_sigma: float) -> CostLines:
    """Return the lines of the mean request.

    Without a price that depends on the length, that is the cost of a request of mean size. Otherwise each length
    of the log-normal with shape ``input_sigma`` is priced at its own long-context tier, and no prompt reads or
    writes more than it is long.

    Raises as :func:`planner.planning.bill.request_cost.cost_lines` does.
    """
    if not sheet.above_input_tokens:
        return _lines(sheet, _bounded(tokens))
    lengths = unit_lengths(input_sigma)
    below = [NOTHING, *(_up_to(lengths, tokens, bound) for bound in (*sheet.above_input_tokens, math.inf))]
    by_tier = [
        _lines(
            replace(sheet, tiers=(tier,), above_input_tokens=()),
            _bounded(MeanTokens(*(np.subtract(high, low) for low, high in zip(*bounds, strict=True)))),
        )
        for tier, bounds in zip(sheet.tiers, pairwise(below), strict=True)
    ]
    return CostLines(
        input_usd=sum(each.input_usd for each in by_tier),
        cached_usd=sum(each.cached_usd for each in by_tier),
        cache_write_usd=sum(each.cache_write_usd for each in by_tier),
        output_usd=sum(each.output_usd for each in by_tier),
    )


def _up_to(lengths: FloatArray, tokens: MeanTokens, longest: float) -> MeanTokens:
    """Return what prompts up to a length bring to the mean request."""
    share = up_to_fraction(lengths, tokens.input, longest)
    read = mean_capped_tokens(lengths, tokens.input, tokens.cached_read, longest)
    kept = mean_capped_tokens(lengths, tokens.input, tokens.cached_read + tokens.cache_write, longest)
    return MeanTokens(
        input=mean_capped_tokens(lengths, tokens.input, math.inf, longest),
        output=tokens.output * share,
        reasoning=tokens.reasoning * share,
        cached_read=read,
        cache_write=np.subtract(kept, read),
    )


def _bounded(tokens: MeanTokens) -> MeanTokens:
    """Return the tokens with no more read and written than there are, which rounding may have broken."""
    read = np.minimum(tokens.cached_read, tokens.input)
    write = np.minimum(tokens.cache_write, np.subtract(tokens.input, read))
    return tokens._replace(cached_read=read, cache_write=write)


def _lines(sheet: PriceSheet, tokens: MeanTokens) -> CostLines:
    return cost_lines(
        sheet,
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        reasoning_tokens=tokens.reasoning,
        cached_read_tokens=tokens.cached_read,
        cache_write_tokens=tokens.cache_write,
    )
