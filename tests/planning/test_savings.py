from datetime import date
from pathlib import Path

import pytest

from planner.inputs.estimating import read_all
from planner.planning.estimate import estimate_scenario


def advice(path: str, *sets: str) -> dict[str, float | None]:
    (case,) = read_all((Path(path),), sets)
    found = estimate_scenario(case, case.scenario.as_of or date(2026, 11, 23)).recommendation.advice
    return {item.id: item.saving_usd_per_month for item in found if item.applies}


def test_prompt_caching_saves_the_difference_between_the_two_bills() -> None:
    path = "scenarios/support-chatbot.yaml"
    (without,) = read_all((Path(path),))
    (with_cache,) = read_all((Path(path),), ("caching.prompt.enabled=true",))
    day = date(2025, 6, 15)
    bills = [estimate_scenario(case, day).cost.usd_per_month for case in (without, with_cache)]
    assert advice(path)["prompt-caching"] == pytest.approx(bills[0] - bills[1])


def test_advice_that_needs_a_choice_has_no_saving_rather_than_zero() -> None:
    assert advice("scenarios/support-chatbot.yaml")["shorter-prompt"] is None


def test_a_cache_that_is_on_already_is_not_advised() -> None:
    assert "prompt-caching" not in advice("scenarios/rag-documents.yaml")
