"""From requests to calls: cascades, batch, and what failures add, by hand and by laws."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from planner.planning.bill.flow import Call, asked_of, calls_of
from tests.cases_of import case_of
from tests.planning.diff.test_drift import CHAT
from tests.strategies import built

MINI, SMALL, LARGE = "openai/gpt-4o-mini", "openai/gpt-5-mini", "anthropic/claude-sonnet-4-6"


def cascade(first: float, second: float, share: float = 1.0) -> list[dict[str, Any]]:
    stages = [{"model": MINI, "accept": first}, {"model": SMALL, "accept": second}, {"model": LARGE}]
    direct = [{"model": LARGE, "share": 1 - share}] if share < 1 else []
    return [{"cascade": stages, "share": share}, *direct]


def calls(**changed: Any) -> dict[tuple[str, str], Call]:
    found = calls_of(case_of(built(CHAT | changed)))
    assert len({(each.model.id, each.mode) for each in found}) == len(found)
    return {(each.model.id, each.mode): each for each in found}


def test_each_stage_of_a_cascade_sees_what_the_one_before_did_not_accept() -> None:
    # 80 % of the requests enter; 0.8, then 0.8 * 0.3, then 0.8 * 0.3 * 0.4, beside the 20 % that ask the largest at once
    found = asked_of(case_of(built(CHAT | {"models": cascade(0.7, 0.6, share=0.8)})))
    assert found == pytest.approx(
        {(MINI, "standard"): 0.8, (SMALL, "standard"): 0.24, (LARGE, "standard"): 0.096 + 0.2}
    )


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_every_request_of_a_cascade_is_accepted_by_one_of_its_stages(first: float, second: float) -> None:
    asked = asked_of(case_of(built(CHAT | {"models": cascade(first, second)})))
    mini, small, large = (asked[model, "standard"] for model in (MINI, SMALL, LARGE))
    assert mini * first + small * second + large == pytest.approx(1.0)


def test_a_batch_takes_its_share_of_every_model() -> None:
    found = calls(models=cascade(0.5, 0.5), batch={"share": 0.25})
    assert {key: each.share for key, each in found.items()} == pytest.approx(
        {
            (model, mode): share * part
            for model, share in ((MINI, 1.0), (SMALL, 0.5), (LARGE, 0.25))
            for mode, part in (("standard", 0.75), ("batch", 0.25))
        }
    )


def test_nothing_is_called_in_a_mode_that_has_no_share() -> None:
    assert list(calls(batch={"share": 1.0})) == [(MINI, "batch")]


def test_what_used_its_retries_up_is_asked_of_the_other_model() -> None:
    """Half of the attempts fail, with two retries: 1.75 attempts a request, 1/8 of the requests fail over.

    Of them seven eighths are answered there, for the other model fails as often.
    """
    found = calls(reliability={"error_rate": 0.5, "max_retries": 2, "failover_model": LARGE})
    first, second = found[MINI, "standard"], found[LARGE, "standard"]
    assert (first.share, second.share) == pytest.approx((7 / 8, 7 / 64))
    assert first.attempts == pytest.approx(1.75 / 0.875)  # on the rate limit, for each answered call
    assert first.billed == 1.0  # a failed attempt costs nothing unless the scenario says so


def test_a_failed_attempt_that_is_charged_makes_every_answer_dearer() -> None:
    """Half of the attempts fail and one retry is granted: 1.5 attempts, 0.75 answers and 0.75 failures a request."""
    reliability = {"error_rate": 0.5, "max_retries": 1, "billed": {"any_error": 1.0}}
    assert calls(reliability=reliability)[MINI, "standard"].billed == pytest.approx(2.0)
