"""Following advice step by step: the deltas sum to the difference of the bills."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from planner.errors import DataError, UsageError
from planner.planning.advice.changes import CHANGES
from planner.planning.advice.what_if import followed
from planner.planning.estimate import estimate_scenario
from tests.planning.scenes import BATCH, CHAT, FAQ, RAG, estimate_of, ground_of
from tests.strategies import AS_OF, built, scenario_documents

FOLLOWABLE = ("routing", "max-tokens", "custom-batching", "shorter-prompt", "precompute-embeddings")


@settings(deadline=None, max_examples=25)
@given(st.permutations(FOLLOWABLE), st.integers(1, len(FOLLOWABLE)))
def test_the_deltas_of_the_steps_sum_to_the_whole_change(order: list[str], count: int) -> None:
    start = ground_of(FAQ)
    end, steps = followed(start, order[:count])
    assert [step.id for step in steps] == order[:count]
    assert sum(step.delta_usd for step in steps) == pytest.approx(end.usd - start.usd)
    assert all(before.usd_after == after.usd_before for before, after in pairwise(steps))


def test_the_new_estimate_is_that_of_the_changed_scenario() -> None:
    made = estimate_of(CHAT, what_if=("prompt-caching",))
    assert made.cost.usd_per_month == pytest.approx(
        estimate_of(CHAT, "caching.prompt.enabled=true").cost.usd_per_month
    )
    (step,) = made.what_if
    assert step.delta_usd == pytest.approx(-210.52, abs=0.01)


@pytest.mark.parametrize(
    ("advice", "message", "cure"),
    [
        ("routng", "there is no such advice", "did you mean routing"),
        ("zzz", "there is no such advice", "choices: prompt-caching"),
        ("streaming", "this advice changes no bill", "advice to follow here"),
        ("self-host", "is weighed among the options", "advice to follow here"),
        ("prompt-caching", "changes nothing for rag-documents: in place already", None),
        ("exact-cache", "in place already", None),
        ("max-tokens", "in place already", None),
        ("cache-lifetime", "the models offer no other lifetime", None),
    ],
)
def test_advice_that_cannot_be_followed_is_refused(advice: str, message: str, cure: str | None) -> None:
    with pytest.raises(UsageError) as refusal:
        estimate_of(RAG, what_if=(advice,))
    assert message in str(refusal.value)
    assert (cure or "") in str(refusal.value.cure or "")


@pytest.mark.parametrize(
    ("path", "advice", "reason"),
    [
        (FAQ, "semantic-cache", "in place already"),
        (BATCH, "custom-batching", "in place already"),
        (BATCH, "prompt-caching", None),
        ("scenarios/private-assistant.yaml", "prompt-caching", "the prompt has no stated static prefix"),
        (CHAT, "cache-lifetime", "no prompt cache whose hit rate is derived"),
        (CHAT, "precompute-embeddings", "no embedding model is in use"),
    ],
)
def test_a_change_is_made_or_says_why_it_cannot_be(path: str, advice: str, reason: str | None) -> None:
    change = CHANGES[advice](ground_of(path))
    assert change == reason if reason is not None else not isinstance(change, str)


def test_a_way_of_buying_that_is_not_sold_is_refused_with_the_model() -> None:
    with pytest.raises(DataError, match="has no flex price"):
        estimate_of(CHAT, what_if=("flex-mode",))


@settings(deadline=None, max_examples=15)
@given(scenario_documents())
def test_following_advice_saves_what_it_promised(document: dict[str, Any]) -> None:
    case = replace(ground_of(CHAT).case, scenario=built(document | {"hosting": {"api": {}}}))
    before = estimate_scenario(case, AS_OF)
    for item in before.recommendation.advice:
        if item.applies and item.id in CHANGES:
            after = estimate_scenario(case, AS_OF, (item.id,), advised=False)
            saved = before.cost.usd_per_month - after.cost.usd_per_month
            assert item.saving_usd_per_month == pytest.approx(saved)
            assert saved > 0
