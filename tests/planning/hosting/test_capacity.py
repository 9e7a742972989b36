"""The most that a replica serves within its limits: where the first of them is reached, with its interval."""

from dataclasses import replace

import pytest

from planner.planning.hosting.capacity import capacities, latency_at, time_text
from planner.planning.hosting.load_curve import load_curves
from planner.specs.scenario.scenario import Slo
from tests.planning.hosting.test_load_curve import CHAT, PLAIN, rows, sizes


def test_a_capacity_is_where_the_first_limit_is_reached_and_names_it() -> None:
    curves = load_curves(rows(), CHAT)
    for slo, bound in (
        (Slo(ttft_p95_ms=150), "TTFT limit"),
        (Slo(tpot_p95_ms=25), "TPOT limit"),
        (Slo(e2e_p95_s=8), "e2e limit"),
        (Slo(), "KV pool"),
    ):
        found = capacities(rows(), curves, slo)[0]
        at = latency_at(rows()[0], curves, 0, found.requests_per_s.value)
        assert found.limited_by in {bound, "max_num_seqs"}
        if slo.ttft_p95_ms:
            assert at.ttft_s.value == pytest.approx(slo.ttft_p95_ms / 1000, rel=0.02)
        if slo.tpot_p95_ms:
            assert at.tpot_s.value == pytest.approx(slo.tpot_p95_ms / 1000, rel=0.02)
        if slo.e2e_p95_s:
            assert at.e2e_s.value == pytest.approx(slo.e2e_p95_s, rel=0.02)


def test_the_interval_of_a_capacity_holds_it_and_is_wider_where_the_profile_is_borrowed() -> None:
    found = capacities(rows(), load_curves(rows(), CHAT), Slo(tpot_p95_ms=60))
    for each in found:
        rate = each.requests_per_s
        assert rate.low <= rate.value <= rate.high
    fitted, borrowed = found[0], found[1]
    assert (fitted.grade, borrowed.grade) == ("fitted", "datasheet")
    assert [notice.code for notice in borrowed.notices] == ["borrowed-profile"]
    assert (
        borrowed.requests_per_s.low / borrowed.requests_per_s.value
        < fitted.requests_per_s.low / fitted.requests_per_s.value
    )


@pytest.mark.parametrize(
    ("slo", "reason"),
    [
        (Slo(ttft_p95_ms=1), "the TTFT limit is 1 ms"),
        (Slo(tpot_p95_ms=0.5), "the TPOT limit is 0.5 ms"),
        (Slo(e2e_p95_s=0.1), "the e2e limit is 100 ms"),
    ],
)
def test_a_limit_that_a_lonely_request_misses_leaves_no_capacity_and_says_by_how_much(
    slo: Slo, reason: str
) -> None:
    found = capacities(rows(), load_curves(rows(), PLAIN), slo)[0]
    assert found.requests_per_s.value == 0.0
    assert reason in found.reason


def test_a_pool_with_room_for_one_long_request_serves_few() -> None:
    long = replace(PLAIN, prompt=sizes(mean=100_000))
    found = capacities(rows()[:1], load_curves(rows()[:1], long), Slo())[0]
    assert found.limited_by == "KV pool"
    assert found.requests_per_s.value < 1.0


def test_a_pool_without_room_for_one_request_serves_none_and_says_so() -> None:
    huge = replace(PLAIN, prompt=sizes(mean=5_000_000))
    found = capacities(rows()[:1], load_curves(rows()[:1], huge), Slo())[0]
    assert found.requests_per_s.value == 0.0
    assert "no room" in found.reason


def test_times_are_written_in_the_unit_that_fits() -> None:
    assert (time_text(12.3456), time_text(0.0789)) == ("12.35 s", "78.9 ms")
