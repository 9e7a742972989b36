"""The billing calculator against published prices, one YAML case each, and the laws that any bill obeys."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from planner.errors import DataError, UsageError
from planner.inputs.books import load_books
from planner.inputs.yaml_marks import read_yaml
from planner.planning.bill.pricing import price_sheet
from planner.planning.bill.request_cost import cost_lines, request_cost
from planner.specs.answers.request_cost import PriceSheet, RequestCost
from planner.specs.books.books import Books
from planner.specs.books.price import Contract
from tests.arithmetic import arithmetic

CASES = Path(__file__).parents[2] / "cases"


def cases() -> list[dict[str, Any]]:
    files = sorted(CASES.glob("cost_*.yaml"))
    return [case for file in files for case in read_yaml(file).data]


@cache
def books() -> Books:
    return load_books()


def cost_of(case: dict[str, Any]) -> RequestCost:
    model = books().api.find(case["model"])
    sheet = price_sheet(model, case["as_of"], **case.get("buy", {}))
    return request_cost(sheet, **case["request"])


@pytest.mark.parametrize("case", [c for c in cases() if "usd" in c], ids=lambda c: str(c["name"]))
def test_the_published_price_is_charged(case: dict[str, Any]) -> None:
    assert arithmetic(case["arithmetic"]) == pytest.approx(case["usd"], rel=1e-12)
    assert cost_of(case).usd == pytest.approx(case["usd"], rel=1e-9)


@pytest.mark.parametrize("case", [c for c in cases() if "refused" in c], ids=lambda c: str(c["name"]))
def test_what_cannot_be_bought_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises((DataError, UsageError)) as refusal:
        cost_of(case)
    assert case["refused"] in str(refusal.value)
    assert "usd" not in case


def test_there_are_the_sixteen_compared_cases_and_a_hundred_more() -> None:
    assert len(cases()) >= 118


def sheet_of(name: str, as_of: date = date(2026, 11, 23), **buy: Any) -> PriceSheet:
    return price_sheet(books().api.find(name), as_of, **buy)


SHEETS = st.sampled_from(["claude-haiku-5-5", "gpt-5.6-sol", "gemini-3.1-pro-preview", "gpt-4.1"])
COUNTS = st.integers(0, 200_000)


@given(SHEETS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_the_lines_of_many_requests_are_those_of_each(name: str, a: int, b: int, out: int, read: int) -> None:
    sheet = sheet_of(name)
    inputs, reads = np.array([a + read, b], dtype=float), np.array([read, 0.0])
    together = cost_lines(sheet, input_tokens=inputs, output_tokens=float(out), cached_read_tokens=reads)
    apart = [
        float(cost_lines(sheet, input_tokens=i, output_tokens=out, cached_read_tokens=r).usd)
        for i, r in zip(inputs, reads, strict=True)
    ]
    assert list(np.atleast_1d(together.usd)) == pytest.approx(apart)


@given(SHEETS, COUNTS, COUNTS, COUNTS)
def test_more_tokens_never_cost_less(name: str, tokens: int, more: int, output: int) -> None:
    sheet = sheet_of(name)
    less = cost_lines(sheet, input_tokens=tokens, output_tokens=output).usd
    assert cost_lines(sheet, input_tokens=tokens + more, output_tokens=output).usd >= less
    assert cost_lines(sheet, input_tokens=tokens, output_tokens=output + more).usd >= less


@given(SHEETS, COUNTS, COUNTS)
def test_a_bill_lies_between_all_cached_and_none_cached(name: str, plain: int, cached: int) -> None:
    sheet, total = sheet_of(name), plain + cached
    usd = cost_lines(sheet, input_tokens=total, output_tokens=0, cached_read_tokens=cached).usd
    none = cost_lines(sheet, input_tokens=total, output_tokens=0).usd
    everything = cost_lines(sheet, input_tokens=total, output_tokens=0, cached_read_tokens=total).usd
    assert everything <= usd * (1 + 1e-12)
    assert usd <= none * (1 + 1e-12)


def test_lines_add_up_to_the_bill() -> None:
    cost = request_cost(
        sheet_of("claude-sonnet-4-6", ttl="1h"),
        input_tokens=10_000,
        output_tokens=500,
        cached_read_tokens=6_000,
        cache_write_tokens=3_000,
        calls={"web_search": 2},
    )
    # 1,000·3 + 6,000·0.3 + 3,000·6 + 500·15 = 30,300 per million, and 2 searches at 0.01
    assert cost.usd == pytest.approx(0.0303 + 0.02)
    parts = (cost.input_usd, cost.cached_usd, cost.cache_write_usd, cost.output_usd, cost.fees_usd)
    assert cost.usd == pytest.approx(sum(parts))
    assert cost.price.cache_write_usd_per_mtok == 6


def test_a_contract_takes_its_discount_off_tokens_and_fees() -> None:
    contract = Contract(
        id="ours",
        applies_to="anthropic",
        discount_fraction=0.25,
        valid_from=date(2026, 1, 1),
        valid_to=date(2027, 1, 1),
        source="order form",
    )
    sheet = sheet_of("claude-sonnet-4-6", contract=contract)
    cost = request_cost(sheet, input_tokens=2000, output_tokens=400, calls={"web_search": 1})
    assert cost.usd == pytest.approx(0.75 * (0.012 + 0.01))
    assert cost.price.contract == "ours"
    with pytest.raises(DataError, match="does not hold on 2025-06-15"):
        sheet_of("claude-3-5-sonnet", date(2025, 6, 15), contract=contract)
    with pytest.raises(DataError, match="is not about openai/gpt-4o"):
        sheet_of("gpt-4o", contract=contract)


def test_storage_without_a_price_is_refused() -> None:
    with pytest.raises(DataError, match="no price for cache storage"):
        request_cost(sheet_of("gpt-4o"), input_tokens=1, output_tokens=1, stored_token_hours=5)


def test_negative_output_is_refused() -> None:
    with pytest.raises(UsageError, match=r"output -5 to 1"):
        cost_lines(sheet_of("gpt-4o"), input_tokens=1, output_tokens=np.array([1.0, -5.0]))


def test_off_peak_goes_with_the_standard_mode_only() -> None:
    model = books().api.find("deepseek-v4-pro")
    batched = model.prices[-1].model_copy(update={"modes": books().api.find("gpt-4o").prices[-1].modes})
    with pytest.raises(DataError, match="no off-peak batch price"):
        price_sheet(
            model.model_copy(update={"prices": (batched,)}), date(2026, 11, 23), mode="batch", off_peak=True
        )


def test_a_free_cache_write_costs_nothing() -> None:
    model = books().api.find("gpt-4o")
    assert model.cache is not None
    free = model.model_copy(update={"cache": model.cache.model_copy(update={"writes": "free"})})
    sheet = price_sheet(free, date(2026, 11, 23))
    assert cost_lines(sheet, input_tokens=1000, output_tokens=0, cache_write_tokens=1000).usd == 0


def test_the_tokens_of_a_whole_day_are_priced_only_when_one_asks_for_that() -> None:
    """gpt-4o-mini takes 128,000 tokens: 10 million at 0.15 USD and 2 million at 0.60 USD are no request."""
    sheet = sheet_of("gpt-4o-mini")
    with pytest.raises(UsageError):
        request_cost(sheet, input_tokens=10e6, output_tokens=2e6)
    day = request_cost(sheet, input_tokens=10e6, output_tokens=2e6, any_length=True)
    assert day.usd == pytest.approx(10 * 0.15 + 2 * 0.60)
