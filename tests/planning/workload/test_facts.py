"""What the rules of thumb know of a scenario: yes, no, or that it does not say."""

from __future__ import annotations

from typing import Any

import pytest

from planner.inputs.rules import load_rules
from planner.planning.workload.facts import FACT_WORDS, FACTS, facts_of
from planner.planning.workload.workload import workload_of
from tests.planning.diff.test_drift import CHAT
from tests.strategies import built

RULES = load_rules()


def facts(**changed: Any) -> dict[str, bool | None]:
    prompt = {"input_tokens": 2000.0, "output_tokens": 400.0} | changed.pop("prompt", {})
    scenario = built(CHAT | {"prompt": prompt} | changed)
    return facts_of(scenario, workload_of(scenario, {}), RULES.thresholds)


@pytest.mark.parametrize(
    ("fact", "changed", "expected"),
    [
        ("deterministic", {}, None),
        ("deterministic", {"prompt": {"temperature": 0.0}}, True),
        ("deterministic", {"prompt": {"temperature": 0.7}}, False),
        # whether requests repeat is told by the hit rate, and else by the kind of the queries
        ("repeats", {}, None),
        ("repeats", {"caching": {"queries": "faq"}}, True),
        ("repeats", {"caching": {"queries": "unique"}}, False),
        ("repeats", {"caching": {"queries": "unique", "exact": {"hit_rate": 0.2}}}, True),
        ("similar", {"caching": {"queries": "faq", "semantic": {"hit_rate": 0.0}}}, False),
        # answers vary at a temperature, unless they are labels or may be as old as their TTL
        ("varied", {}, None),
        ("varied", {"prompt": {"temperature": 0.7}}, True),
        ("varied", {"prompt": {"temperature": 0.0}}, False),
        ("varied", {"prompt": {"temperature": 0.7, "output_kind": "extraction"}}, False),
        ("varied", {"prompt": {"temperature": 0.7}, "caching": {"exact": {"ttl_hours": 24.0}}}, False),
        # a latency target means that somebody waits
        ("may_wait", {}, None),
        ("may_wait", {"batch": {"share": 0.5}}, True),
        ("may_wait", {"batch": {"share": 0.5}, "slo": {"tpot_p95_ms": 50.0}}, False),
        ("interactive", {"batch": {"share": 1.0}}, False),
        ("interactive", {"batch": {"share": 1.0}, "slo": {"ttft_p95_ms": 500.0}}, True),
        ("device_allowed", {}, False),
        ("device_allowed", {"constraints": {"data": "on_device"}}, True),
        ("agent", {"prompt": {"input_tokens": None, "parts": {"tools": {"tokens": 100.0}}}}, True),
        ("prompt_cache_on", {"caching": {"prompt": {"enabled": False}}}, False),
        ("routed", {}, False),
    ],
)
def test_a_fact_is_true_false_or_not_stated(
    fact: str, changed: dict[str, Any], expected: bool | None
) -> None:
    assert facts(**changed)[fact] is expected


def test_a_volume_is_high_from_its_threshold_on() -> None:
    tokens = 2400.0  # of each request
    edge = RULES.thresholds.high_volume_tokens_per_day / tokens
    assert facts(traffic={"requests_per_day": edge * 1.001})["high_volume"] is True
    assert facts(traffic={"requests_per_day": edge * 0.999})["high_volume"] is False


def test_words_are_kept_only_for_facts_that_exist() -> None:
    assert set(FACT_WORDS) <= set(FACTS)
