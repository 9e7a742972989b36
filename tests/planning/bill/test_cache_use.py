"""What each cache saves: the bill with it against the bill without it, by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from planner.planning.bill.api_cost import monthly_bill
from planner.planning.bill.cache_use import cache_uses, frozen, prompt_cache_use
from planner.planning.bill.response_caches import layers_of
from planner.planning.workload.workload import workload_of
from planner.specs.answers.api_plan import CacheUse, PromptCacheUse
from planner.specs.case import Case
from tests.cases_of import case_of
from tests.planning.diff.test_drift import CHAT
from tests.strategies import AS_OF, built

# 300,000 requests a month of 2,000 and 400 tokens at 0.15 and 0.60 USD/Mtok
REQUESTS, USD = 300_000, 162.0


def case_with(**caching: Any) -> Case:
    return case_of(built(CHAT | {"caching": caching}))


def uses(case: Case) -> dict[str, CacheUse]:
    workload = workload_of(case.scenario, {})
    bill = monthly_bill(case, workload, AS_OF)
    return {each.name: each for each in cache_uses(case, workload, bill, AS_OF)}


def prefix_use(prompt: dict[str, Any], **scenario: Any) -> PromptCacheUse | None:
    prefix = {"input_tokens": 6000.0, "output_tokens": 100.0, "static_prefix_tokens": 5000.0}
    case = case_of(built(CHAT | {"prompt": prefix, "caching": {"prompt": prompt}} | scenario))
    workload = workload_of(case.scenario, {})
    return prompt_cache_use(case, workload, monthly_bill(case, workload, AS_OF), AS_OF)


def test_a_cache_saves_the_calls_that_it_answers_less_what_it_costs() -> None:
    found = uses(case_with(exact={"hit_rate": 0.3, "cost_usd_per_month": 20.0}))["exact"]
    assert found.saving_usd_per_month.value == pytest.approx(0.3 * USD - 20)
    assert (found.stated, found.usd_per_month) == (True, 20.0)
    assert found.answered_requests_per_month == pytest.approx(0.3 * REQUESTS)
    assert found.left_requests_per_month == pytest.approx(0.7 * REQUESTS)


def test_the_second_cache_sees_what_the_first_one_leaves() -> None:
    found = uses(case_with(exact={"hit_rate": 0.3}, semantic={"hit_rate": 0.5}))
    assert list(found) == ["exact", "semantic"]
    assert found["semantic"].seen_requests_per_month == pytest.approx(0.7 * REQUESTS)
    assert found["semantic"].saving_usd_per_month.value == pytest.approx(0.35 * USD)
    assert found["exact"].saving_usd_per_month.value == pytest.approx(
        0.15 * USD
    )  # half of the rest is answered anyway


def test_embedding_every_query_that_a_cache_sees_is_a_cost_of_its_own() -> None:
    """The 2,000 tokens of 70 % of the requests at 0.02 USD/Mtok are 8.40 USD."""
    semantic = {
        "hit_rate": 0.1,
        "embedding_model": "openai/text-embedding-3-small",
        "cost_usd_per_month": 5.0,
    }
    found = uses(case_with(exact={"hit_rate": 0.3}, semantic=semantic))["semantic"]
    assert found.usd_per_month == pytest.approx(5 + 0.7 * REQUESTS * 2000 * 0.02 / 1e6)
    assert found.saving_usd_per_month.value == pytest.approx(0.07 * USD - 5 - 8.40)


def test_an_assumed_hit_rate_gives_a_range_of_savings() -> None:
    found = uses(case_with(queries="faq", exact={}))["exact"]
    hit, saving = found.hit, found.saving_usd_per_month
    assert not found.stated
    assert (saving.low, saving.value, saving.high) == pytest.approx(
        (hit.low * USD, hit.value * USD, hit.high * USD)
    )
    assert saving.low < saving.value < saving.high


@given(st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_what_two_caches_spare_together_is_no_less_than_the_sum_of_their_savings(
    exact: float, semantic: float
) -> None:
    """What both would have answered is spared once, and counted by neither: without one, the other answers it."""
    case = case_with(exact={"hit_rate": exact}, semantic={"hit_rate": semantic})
    each = [use.saving_usd_per_month.value for use in uses(case).values()]
    spared = USD - monthly_bill(case, workload_of(case.scenario, {}), AS_OF).usd
    assert spared - sum(each) == pytest.approx(exact * semantic * USD, abs=1e-6)


def test_frozen_hit_rates_are_those_of_now() -> None:
    case = case_with(queries="faq", exact={}, semantic={"hit_rate": 0.2})
    kept = frozen(case)
    assert [layer.hit.value for layer in layers_of(kept)] == [layer.hit.value for layer in layers_of(case)]
    assert kept.scenario.caching.exact is not None
    assert kept.scenario.caching.exact.hit_rate is not None


def test_a_prefix_that_is_always_found_saves_the_discount_on_it() -> None:
    """gpt-4o-mini reads a cached token at 0.075 instead of 0.15 USD/Mtok: 4,992 of 5,000, in steps of 128."""
    found = prefix_use({"hit_rate": 1.0})
    assert found is not None
    assert found.saving_usd_per_month == pytest.approx(REQUESTS * 4992 * 0.075 / 1e6)
    assert found.by_ttl == ()  # a stated hit rate does not follow from a lifetime


def test_lifetimes_are_compared_where_there_are_several() -> None:
    models = [{"model": "anthropic/claude-sonnet-4-6"}]
    found = prefix_use({}, models=models, traffic={"requests_per_day": 500.0})
    assert found is not None
    savings = {each.ttl: each.saving_usd_per_month for each in found.by_ttl}
    assert list(savings) == ["5m", "1h"]
    assert savings["5m"] == pytest.approx(found.saving_usd_per_month)  # the default
    # one request in three minutes: an hour finds nearly all of them, five minutes four fifths
    assert savings["1h"] > savings["5m"] > 0


def test_no_prompt_cache_saves_nothing_and_says_nothing() -> None:
    assert prefix_use({"enabled": False}) is None
