"""Laws that the monthly bill of any scenario obeys."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from planner.planning.advice.changes import Ground
from planner.planning.workload.workload import workload_of
from planner.specs.case import Case
from tests.planning.scenes import CHAT, case_of
from tests.strategies import AS_OF, built, scenario_documents

quick = settings(deadline=None, max_examples=40)


@cache
def a_case() -> Case:
    return case_of(CHAT)


def usd_of(document: dict[str, Any]) -> float:
    scenario = built(document)
    case = replace(a_case(), scenario=scenario)
    return Ground(case=case, workload=workload_of(scenario, {}), as_of=AS_OF).usd


def changed(document: dict[str, Any], **sections: dict[str, Any]) -> dict[str, Any]:
    return document | {name: document.get(name, {}) | fields for name, fields in sections.items()}


def without_prompt_cache(document: dict[str, Any]) -> dict[str, Any]:
    return changed(document, caching={"prompt": {"enabled": False}})


@quick
@given(scenario_documents(), st.integers(2, 50))
def test_the_bill_is_additive_over_requests(document: dict[str, Any], times: int) -> None:
    document = changed(without_prompt_cache(document), caching={"exact": {"hit_rate": 0.3}})
    (volume,) = [name for name in document["traffic"] if name.startswith("requests")]
    more = changed(document, traffic={volume: document["traffic"][volume] * times})
    assert usd_of(more) == pytest.approx(usd_of(document) * times)


@quick
@given(scenario_documents(), st.floats(1, 3000))
def test_more_output_never_costs_less(document: dict[str, Any], more: float) -> None:
    longer = changed(document, prompt={"output_tokens": document["prompt"]["output_tokens"] + more})
    assert usd_of(longer) >= usd_of(document)


@quick
@given(scenario_documents(), st.floats(1, 3000))
def test_a_longer_prompt_never_costs_less(document: dict[str, Any], more: float) -> None:
    document = changed(without_prompt_cache(document))
    document["prompt"] = {"input_tokens": 1000.0, "output_tokens": 100.0}
    assert usd_of(changed(document, prompt={"input_tokens": 1000.0 + more})) >= usd_of(document)


@quick
@given(scenario_documents(), st.floats(0, 1))
def test_the_bill_lies_between_all_cached_and_none_cached_where_writing_is_free(
    document: dict[str, Any], hit: float
) -> None:
    document["models"] = [{"model": "openai/gpt-4o-mini", "share": 1.0}]
    document["reliability"] = {}

    def at(rate: float) -> float:
        return usd_of(changed(document, caching={"prompt": {"hit_rate": rate}}))

    none, every = usd_of(without_prompt_cache(document)), at(1.0)
    slack = 1 + 1e-9
    assert every <= at(hit) * slack
    assert at(hit) <= none * slack


@quick
@given(scenario_documents(), st.floats(0, 0.3), st.floats(0, 0.3))
def test_more_answers_that_do_not_parse_never_cost_less(
    document: dict[str, Any], rate: float, more: float
) -> None:
    """Each is paid in full and asked again."""

    def at(broken: float) -> float:
        errors = {"errors": {"invalid_json": broken}, "max_retries": 3}
        return usd_of(without_prompt_cache(document) | {"reliability": errors})

    assert at(rate + more) >= at(rate) * (1 - 1e-9)


@quick
@given(scenario_documents(), st.floats(0, 1), st.floats(0, 1))
def test_more_answers_from_a_cache_never_cost_more(
    document: dict[str, Any], hit: float, other: float
) -> None:
    low, high = sorted((hit, other))

    def at(rate: float) -> float:
        return usd_of(changed(without_prompt_cache(document), caching={"exact": {"hit_rate": rate}}))

    assert at(high) <= at(low) * (1 + 1e-9)
