"""How a side has the keys of a cause, in words that a reader of the scenario knows."""

from __future__ import annotations

from typing import Any

import pytest

from planner.planning.diff.factor_words import words_of
from planner.planning.diff.factors import factors_of
from planner.planning.estimate import estimate_scenario
from planner.planning.lock.outcome import outcome_of
from tests.cases_of import case_of
from tests.planning.diff.test_drift import BULK, CHAT
from tests.strategies import AS_OF, built

OWN = BULK["hosting"]["self_hosted"]


def hosted(**changed: Any) -> dict[str, Any]:
    return BULK | {"hosting": {"self_hosted": OWN | changed}}


@pytest.mark.parametrize(
    ("base", "head", "before", "after"),
    [
        (CHAT, CHAT | {"caching": {"prompt": {"enabled": False}}}, "prompt none", "prompt enabled no"),
        (hosted(), hosted(gpus=["l40s", "h100-sxm"]), "gpus l40s", "gpus l40s, h100-sxm"),
        (hosted(), hosted(quality_equivalent=False), "quality_equivalent yes", "quality_equivalent no"),
        (hosted(), hosted(clouds=["aws"]), "clouds any", "clouds aws"),
    ],
)
def test_lists_switches_and_what_is_absent_are_said_in_words(
    base: dict[str, Any], head: dict[str, Any], before: str, after: str
) -> None:
    old, new = case_of(built(base)), case_of(built(head))
    (factor,) = factors_of(old, new)
    found = outcome_of(old, estimate_scenario(old, AS_OF))
    assert (words_of(factor, old, found), words_of(factor, new, found)) == (before, after)


def test_a_part_of_the_prompt_is_a_factor_of_its_own() -> None:
    parts = {"system": {"tokens": 500.0}, "user": {"tokens": 100.0}}
    base = case_of(built(CHAT | {"prompt": {"parts": parts, "output_tokens": 400.0}}))
    more = parts | {"user": {"tokens": 200.0}, "tools": {"tokens": 50.0}}
    head = case_of(built(CHAT | {"prompt": {"parts": more, "output_tokens": 400.0}}))
    assert [factor.keys for factor in factors_of(base, head)] == [
        ("prompt.parts.tools",),
        ("prompt.parts.user",),
    ]
