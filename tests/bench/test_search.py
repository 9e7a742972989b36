from dataclasses import replace

import pytest

from planner.bench.search import ProbeJudge, SearchState, misses_limit
from planner.specs.measured.load import SloTarget
from planner.specs.measured.measurement import Outcome, Verdict
from tests.bench.stamps import record, reply

P95 = SloTarget(metric="ttft_s", fraction=0.95, limit_s=0.025)


def judged(ttfts_ms: list[float], gap_ms: float = 100.0) -> tuple[Verdict | None, int]:
    """Return the verdict over requests ``gap_ms`` apart, and after how many it came."""
    judge = ProbeJudge((P95,))
    for index, ttft in enumerate(ttfts_ms):
        verdict = judge.add(record(index, reply(gap_ms * index, (ttft, ttft + 5))))
        if verdict is not None:
            return verdict, index + 1
    return None, len(ttfts_ms)


def test_a_probe_without_misses_holds_after_81_requests_and_no_later() -> None:
    assert judged([20.0] * 200) == ("holds", 81)


def test_a_probe_that_misses_always_is_decided_after_a_few() -> None:
    verdict, count = judged([30.0] * 50)
    assert verdict == "misses"
    assert count <= 5


def test_a_miss_rate_near_the_limit_stays_open() -> None:
    assert judged([30.0 if index % 20 == 7 else 20.0 for index in range(200)]) == (None, 200)


def test_a_growing_queue_does_not_hold_however_fast_its_start() -> None:
    judge = ProbeJudge((P95,))
    stuck = [record(i, reply(10.0 * i, (20.0, 25.0 + 20.0 * i))) for i in range(150)]
    assert {judge.add(item) for item in stuck} == {None}


def test_failures_and_lateness_are_misses_and_ramp_requests_are_not_judged() -> None:
    assert misses_limit(record(0, reply(outcome=Outcome.EMPTY)), P95)
    assert misses_limit(record(0, reply(sent_ms=50.0, late_ms=10.0)), P95)
    assert not misses_limit(record(0, reply(sent_ms=50.0)), P95)
    stall = replace(P95, metric="itl_s", limit_s=0.004)
    assert misses_limit(record(0, reply()), stall)
    assert not misses_limit(record(0, reply(chunks_ms=(20.0,))), replace(P95, metric="tpot_s"))
    assert ProbeJudge((P95,)).add(record(0, reply(outcome=Outcome.EMPTY), "ramp")) is None


@pytest.mark.parametrize("capacity", [0.3, 7.0, 70.0, 5000.0])
def test_the_search_ends_within_ten_percent_under_the_capacity(capacity: float) -> None:
    state = SearchState()
    for _ in range(30):
        rate = state.next_rate(start=10.0)
        if rate is None:
            break
        state = state.after(rate, "holds" if rate <= capacity else "open")
    assert state.good_requests_per_s is not None
    assert capacity / 1.11 <= state.good_requests_per_s <= capacity
