"""One bucket of a provider: what a request takes from each limit, and how often a minute exceeds it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from planner.planning.limits.limit_uses import counted_per_request, limit_draws, limit_uses
from planner.specs.answers.tier_check import LimitDemand, LimitUse
from planner.specs.books.limits import Accounting, LimitClass


def demand(requests_per_minute: float = 60.0, **changes: Any) -> LimitDemand:
    sizes: dict[str, Any] = {"input_tokens": 2000.0, "output_tokens": 400.0}
    rate = requests_per_minute / 60
    per_day = rate * 86_400
    return LimitDemand(
        model=changes.pop("model", "mine/model"),
        peak_requests_per_s=rate,
        requests_per_day=per_day,
        **(sizes | changes),
    )


def line(**limits: float) -> LimitClass:
    published = {"models": ["*"], "by_tier": [{"tier": "tier_1"} | limits]}
    return LimitClass.model_validate(published, strict=False)


def uses(
    accounting: Accounting, *demands: LimitDemand, growth: float = 0.0, **limits: float
) -> dict[str, LimitUse]:
    draws = limit_draws(accounting, line(**limits), "tier_1", demands)
    return {use.kind: use for use in limit_uses(draws, growth)}


TOTAL = Accounting(output_counts="in_total")


@given(
    st.builds(
        Accounting,
        output_counts=st.sampled_from(["no", "separate", "in_total"]),
        total_counts=st.sampled_from(["sum", "larger"]),
        cached_input_counts=st.sampled_from([True, False, None]),
        reserves_max_tokens=st.sampled_from([True, False, None]),
    ),
    st.floats(0, 1e5),
    st.floats(0, 1e5),
    st.floats(0, 1),
    st.none() | st.floats(1, 1e5),
)
def test_a_request_never_takes_less_than_its_fresh_prompt_nor_more_than_all_of_it(
    rules: Accounting, prompt: float, answer: float, cached: float, ceiling: float | None
) -> None:
    asked = demand(
        input_tokens=prompt, output_tokens=answer, cached_read_tokens=prompt * cached, max_tokens=ceiling
    )
    taken = counted_per_request("tokens_per_minute", rules, asked)
    assert prompt * (1 - cached) - 1e-6 <= taken <= prompt + max(ceiling or 0.0, answer) + 1e-6
    assert counted_per_request("requests_per_minute", rules, asked) == 1.0


def test_what_a_provider_does_not_say_is_read_strictly() -> None:
    silent, strict = (
        Accounting(output_counts="in_total", cached_input_counts=said, reserves_max_tokens=said)
        for said in (None, True)
    )
    asked = demand(cached_read_tokens=1500.0, max_tokens=1000.0)
    assert counted_per_request("tokens_per_minute", silent, asked) == 2000 + 1000
    assert counted_per_request("tokens_per_minute", strict, asked) == 2000 + 1000


def test_models_of_one_bucket_are_added_up_in_every_limit() -> None:
    """60 and 30 requests a minute of 2,400 and 200 tokens, one of them tried twice."""
    small = demand(30.0, model="mine/small", input_tokens=150.0, output_tokens=50.0, attempts_per_request=2.0)
    limits = {"requests_per_minute": 240, "tokens_per_minute": 1_000_000, "requests_per_day": 345_600}
    found = uses(TOTAL, demand(), small, **limits)
    assert found["requests_per_minute"].peak == 60 + 2 * 30
    assert found["requests_per_minute"].used_fraction == 0.5
    assert found["tokens_per_minute"].peak == 60 * 2400 + 2 * 30 * 200
    assert found["requests_per_day"].used_fraction == pytest.approx(0.5)
    assert found["requests_per_day"].exceed_fraction is None  # a day has no peak minute
    assert {use.models for use in found.values()} == {("mine/model", "mine/small")}


def test_a_queue_is_a_limit_only_for_what_is_queued() -> None:
    assert "batch_queue_tokens" not in uses(TOTAL, demand(), batch_queue_tokens=1_000_000)
    queued = demand(batch_tokens_queued=250_000.0)
    assert uses(TOTAL, queued, batch_queue_tokens=1_000_000)["batch_queue_tokens"].used_fraction == 0.25


def test_a_limit_counts_minutes_by_requests_of_mean_size() -> None:
    """2,400 tokens a request: 144,000 tokens a minute are 60 requests, which the peak exceeds in half of its minutes."""
    tokens = uses(TOTAL, demand(), tokens_per_minute=60 * 2400)["tokens_per_minute"]
    requests = uses(TOTAL, demand(), requests_per_minute=60)["requests_per_minute"]
    assert tokens.exceed_fraction == pytest.approx(requests.exceed_fraction)
    assert tokens.exceed_fraction == pytest.approx(0.47, abs=0.03)


def test_sizes_that_vary_exceed_a_limit_on_tokens_more_often_and_none_on_requests() -> None:
    limits = {"requests_per_minute": 80, "tokens_per_minute": 80 * 2400}
    even, spread = (uses(TOTAL, demand(size_cv=cv), **limits) for cv in (0.0, 2.0))
    assert even["tokens_per_minute"].exceed_fraction is not None
    assert spread["tokens_per_minute"].exceed_fraction is not None
    assert spread["tokens_per_minute"].exceed_fraction > even["tokens_per_minute"].exceed_fraction
    assert spread["requests_per_minute"] == even["requests_per_minute"]


def test_a_tier_without_a_line_and_a_bucket_without_a_limit_are_no_use() -> None:
    assert limit_draws(TOTAL, None, "tier_1", (demand(),)) == ()
    assert limit_draws(TOTAL, line(requests_per_minute=1), "tier_9", (demand(),)) == ()
    assert limit_uses(()) == ()


def test_growth_reaches_a_limit_by_compound_interest() -> None:
    """A quarter used, doubling each month: full after two."""
    found = uses(TOTAL, demand(), growth=1.0, requests_per_minute=240)["requests_per_minute"]
    assert found.months_until_broken == pytest.approx(2.0)
