"""The retirement calendar: dates from the book, bills by the real calculator with the successors of that day."""

from datetime import date
from pathlib import Path

import pytest

from planner.inputs.estimating import read_all
from planner.planning.estimate import estimate_scenario
from planner.planning.retirements import retirements
from planner.specs.retirement import Retirement

WORKED = Path("scenarios/support-chatbot.yaml")
JUNE = date(2025, 6, 15)
FAR = date(2027, 12, 31)


def calendar(*sets: str, as_of: date = JUNE, until: date = FAR) -> tuple[Retirement, ...]:
    (case,) = read_all((WORKED,), sets)
    return retirements(case, as_of, until)


def test_successors_follow_one_another_and_each_is_priced_on_its_day() -> None:
    first, second, third = calendar()
    assert (first.model, first.on) == ("anthropic/claude-3-5-sonnet", date(2025, 10, 28))
    assert (second.model, second.on) == ("anthropic/claude-sonnet-4-5", date(2026, 11, 30))
    assert (third.model, third.on) == ("openai/gpt-4o-mini", date(2027, 1, 14))
    # Sonnet 3.5 and 4.5 both cost 3 and 15 USD/Mtok and count alike
    assert (first.usd_before, first.usd_after) == pytest.approx((849.60, 849.60))
    assert second.usd_before == pytest.approx(849.60)
    assert third.usd_before == pytest.approx(second.usd_after or 0)


def test_a_successor_gets_the_same_text_and_not_the_same_tokens() -> None:
    # Sonnet 5.5 costs 2 and 10 USD/Mtok, for 0.75 / 0.555 as many tokens: 720 × 2/3 × 1.3514 + 129.60 = 778.25
    second = calendar()[1]
    assert second.usd_after == pytest.approx(720 * 2 / 3 * 0.75 / 0.555 + 129.60)
    assert second.change_usd == pytest.approx(-71.35, abs=0.01)


def test_what_is_retired_already_has_no_bill_before() -> None:
    first = calendar(as_of=date(2026, 1, 1))[0]
    assert (first.on, first.usd_before) == (date(2025, 10, 28), None)
    assert first.usd_after == pytest.approx(849.60)
    assert first.change_usd is None


def test_nothing_beyond_the_last_day_is_listed() -> None:
    assert [each.model for each in calendar(until=date(2026, 1, 1))] == ["anthropic/claude-3-5-sonnet"]
    assert calendar(until=date(2025, 7, 1)) == ()


def test_a_model_without_a_successor_says_so() -> None:
    (found,) = calendar("models=[{model: gpt-5.1}]", "accounts={}", as_of=date(2026, 11, 23))
    assert (found.on, found.successor, found.usd_after) == (date(2027, 4, 1), None, None)
    assert found.reason == "no successor is named"
    assert found.usd_before is not None


def test_cascades_and_failover_models_are_in_the_calendar() -> None:
    (case,) = read_all((Path("scenarios/routing-cascade.yaml"),), ("reliability.failover_model=gpt-4o-mini",))
    models = {each.model for each in retirements(case, date(2026, 11, 23), FAR)}
    assert {"openai/gpt-5-mini", "openai/gpt-5.1", "openai/gpt-4o-mini"} <= models


def test_the_bill_before_is_the_one_of_the_estimate() -> None:
    (case,) = read_all((Path("scenarios/rag-documents.yaml"),))
    day = date(2026, 11, 23)
    (found,) = retirements(case, day, FAR)
    assert found.usd_before == pytest.approx(estimate_scenario(case, day).cost.usd_per_month)
