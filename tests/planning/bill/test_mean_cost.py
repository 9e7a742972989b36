"""The mean request under prices that depend on its length: one closed form against pricing every length."""

import math
from datetime import date
from functools import cache

import numpy as np
import pytest
from hypothesis import given, strategies as st

from planner.inputs.books import load_books
from planner.planning.bill.mean_cost import MeanTokens, mean_cost_lines, unit_lengths
from planner.planning.bill.pricing import price_sheet
from planner.planning.bill.request_cost import cost_lines
from planner.specs.answers.request_cost import PriceSheet

TODAY = date(2026, 11, 23)


@cache
def sheet_of(model: str) -> PriceSheet:
    return price_sheet(load_books().api.find(model), TODAY)


def priced_one_by_one(sheet: PriceSheet, tokens: MeanTokens, sigma: float) -> float:
    lengths = float(tokens.input) * unit_lengths(sigma)
    lines = cost_lines(
        sheet,
        input_tokens=lengths,
        output_tokens=np.full_like(lengths, tokens.output),
        reasoning_tokens=np.full_like(lengths, tokens.reasoning),
        cached_read_tokens=np.minimum(tokens.cached_read, lengths),
        cache_write_tokens=np.minimum(
            tokens.cache_write, np.maximum(lengths - np.minimum(tokens.cached_read, lengths), 0)
        ),
    )
    return float(np.mean(lines.usd))


@given(
    mean=st.floats(1, 400_000),
    sigma=st.sampled_from([0.0, 0.3, 1.2]),
    read=st.floats(0, 300_000),
    write=st.floats(0, 300_000),
)
def test_the_closed_form_is_the_mean_over_all_lengths(
    mean: float, sigma: float, read: float, write: float
) -> None:
    sheet = sheet_of("gemini-2.5-pro")  # 1.25 and 10 USD/Mtok, above 200,000 tokens 2.50 and 15
    tokens = MeanTokens(mean, 500.0, 100.0, read, write)
    found = mean_cost_lines(sheet, tokens, sigma)
    assert float(found.usd) == pytest.approx(priced_one_by_one(sheet, tokens, sigma), rel=1e-12)


def test_many_draws_cost_what_each_costs_alone() -> None:
    sheet = sheet_of("gemini-2.5-pro")
    means = np.array([1_000.0, 150_000.0, 200_000.0, 250_000.0])
    many = mean_cost_lines(sheet, MeanTokens(means, 400.0, 0.0, 800.0, 0.0), 0.5)
    alone = [
        float(mean_cost_lines(sheet, MeanTokens(mean, 400.0, 0.0, 800.0, 0.0), 0.5).usd) for mean in means
    ]
    assert np.asarray(many.usd) == pytest.approx(alone)


def test_a_prompt_as_long_as_the_threshold_is_below_it() -> None:
    sheet = sheet_of("gemini-2.5-pro")
    at, above = (mean_cost_lines(sheet, MeanTokens(n, 0.0, 0.0, 0.0, 0.0), 0.0) for n in (200_000, 200_001))
    assert float(at.usd) == pytest.approx(0.25)  # 200,000 × 1.25 per million
    assert float(above.usd) == pytest.approx(200_001 * 2.5e-6)


def test_without_thresholds_the_mean_request_is_priced() -> None:
    tokens = MeanTokens(2_000.0, 400.0, 0.0, 1_500.0, 0.0)
    # claude-haiku-4-5: 1 and 5 USD/Mtok, read 0.10: 500 × 1 + 1,500 × 0.1 + 400 × 5 = 2,650 per million
    assert float(mean_cost_lines(sheet_of("claude-haiku-4-5"), tokens, 1.0).usd) == pytest.approx(0.00265)


def test_unit_lengths_are_a_log_normal_with_mean_one() -> None:
    lengths = unit_lengths(0.6)
    assert lengths.mean() == pytest.approx(1.0)
    assert np.all(np.diff(lengths) > 0)
    assert np.median(lengths) == pytest.approx(math.exp(-0.18), rel=0.01)
    assert list(unit_lengths(0.0)) == [1.0]
