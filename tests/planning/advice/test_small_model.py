"""The cheaper model that advice names is one that can take the scenario's requests, and stays on sale."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import given, settings, strategies as st

from planner.planning.advice.small_model import cheapest_embedding, cheapest_sibling
from planner.planning.bill.pricing import price_in_force
from planner.planning.workload.workload import workload_of
from tests.cases_of import books, case_of
from tests.planning.diff.test_drift import CHAT
from tests.strategies import built

TODAY = date(2026, 11, 23)
SONNET = "anthropic/claude-sonnet-5"


def sibling(model: str, as_of: date = TODAY, **changed: Any) -> str | None:
    case = case_of(built(CHAT | changed))
    return cheapest_sibling(case, workload_of(case.scenario, {}), model, as_of)


def test_the_cheapest_of_the_same_provider_is_named() -> None:
    """Haiku 4.5 at 1 and 5 USD/Mtok was Anthropic's cheapest that stayed on sale in the spring of 2026."""
    assert sibling("anthropic/claude-sonnet-4-6", date(2026, 5, 1)) == "anthropic/claude-haiku-4-5"


def test_the_cheapest_has_no_cheaper_one() -> None:
    small = sibling(SONNET)
    assert small is not None
    assert sibling(small) is None


@given(st.sampled_from(sorted(row for row in books().api.rows if "embedding" not in row)))
@settings(max_examples=30, deadline=None)
def test_what_is_named_is_of_the_same_provider_sold_and_cheaper(model: str) -> None:
    named = sibling(model)
    if named is None:
        return
    rows = books().api.rows
    assert named.partition("/")[0] == model.partition("/")[0]
    small = price_in_force(rows[named], TODAY)  # raises when it is not sold
    if rows[model].lifecycle.retired_on is not None:
        return  # of a model that is gone, everything on sale is an alternative
    large = price_in_force(rows[model], TODAY)
    usd = [2000 * each.input_usd_per_mtok + 400 * each.output_usd_per_mtok for each in (small, large)]
    assert usd[0] < usd[1]


def test_a_prompt_that_the_small_model_cannot_take_is_not_sent_to_it() -> None:
    """Haiku 4.5 takes 200,000 tokens, Sonnet 4.6 a million."""
    long = {"input_tokens": 300_000.0, "output_tokens": 100.0}
    spring = date(2026, 5, 1)
    assert sibling("anthropic/claude-sonnet-4-6", spring, prompt=long) != "anthropic/claude-haiku-4-5"


def test_tools_that_are_paid_for_must_be_sold_with_it() -> None:
    assert (
        sibling(
            SONNET, prompt={"input_tokens": 2000.0, "output_tokens": 400.0, "paid_calls": {"weather": 1.0}}
        )
        is None
    )


def test_the_cheapest_embedding_of_any_provider_is_named_and_none_where_none_is_sold() -> None:
    case = case_of(built(CHAT))
    name = cheapest_embedding(case, TODAY)
    assert name is not None
    prices = {
        row_id: price_in_force(row, TODAY).input_usd_per_mtok
        for row_id, row in books().api.rows.items()
        if "embedding" in row_id and row.lifecycle.status != "retired"
    }
    assert prices[name] == min(prices.values())
    rows = {row_id: row for row_id, row in books().api.rows.items() if "embedding" not in row_id}
    bare = replace(case, books=replace(books(), api=replace(books().api, rows=rows)))
    assert cheapest_embedding(bare, TODAY) is None
