"""The retirement calendar: dates from the book, bills by the real calculator with the successors of that day."""

from datetime import date
from pathlib import Path

import pytest

from planner.inputs.books import load_books
from planner.inputs.estimating import read_all
from planner.planning.bill.retirements import retirements
from planner.planning.estimate import estimate_scenario
from planner.specs.answers.retirement import Retirement

SEEN = date(2026, 11, 23)
FAILOVER = "reliability={error_rate: 0.01, failover_model: gpt-5.1}"
WORKED = Path("scenarios/support-chatbot.yaml")
JUNE = date(2025, 6, 15)
FAR = date(2027, 12, 31)


def unlisted() -> str:
    """Return a model of the book that left the price lists without a date."""
    rows = load_books().api.rows.values()
    return next(
        row.id for row in rows if row.lifecycle.status == "unlisted" and row.lifecycle.retired_on is None
    )


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


def test_a_bill_that_cannot_be_priced_says_why() -> None:
    # on that day gpt-5.1 is gone too, and nothing follows it
    models = "models=[{model: gpt-4o-mini, share: 0.5}, {model: gpt-5.1, share: 0.5}]"
    first, second = calendar(models, "accounts={}", as_of=date(2027, 5, 1))
    assert (first.model, first.usd_after) == ("openai/gpt-4o-mini", None)
    assert first.reason == "openai/gpt-5.1 was retired on 2027-04-01 without a successor"
    assert second.reason == "no successor is named"


def test_the_failover_model_ends_too() -> None:
    found = calendar("models=[{model: gpt-4o-mini}]", "accounts={}", FAILOVER, as_of=SEEN)
    assert [each.model for each in found] == ["openai/gpt-4o-mini", "openai/gpt-5.1"]


def test_a_model_that_left_the_lists_without_a_date_comes_last() -> None:
    (found,) = calendar(
        "models=[{model: UNLISTED}]".replace("UNLISTED", unlisted()), "accounts={}", as_of=SEEN
    )
    assert found.on is None
    assert found.reason is not None
    assert found.reason.startswith("not in the price lists since")
    assert (found.usd_after, found.usd_before is not None) == (None, True)


def test_successors_that_lead_in_a_circle_end_in_a_sentence(tmp_path: Path) -> None:
    row = (
        "- {id: acme/one, name: One, lifecycle: {status: retired, "
        "retired_on: 2025-01-01, successor: acme/one}, prices: [{effective_from: 2024-01-01, "
        "input_usd_per_mtok: 1, output_usd_per_mtok: 2, basis: announced, source: https://acme.example, "
        "checked: 2026-11-01, confidence: high}]}"
    )
    (tmp_path / "pricing.yaml").write_text(f"schema_version: planner.pricing/1\napi:\n{row}\n")
    (case,) = read_all((WORKED,), ("models=[{model: acme/one}]", "accounts={}"), (tmp_path,))
    (found,) = retirements(case, JUNE, FAR)
    assert found.reason == "the successors of acme/one lead back to acme/one"
