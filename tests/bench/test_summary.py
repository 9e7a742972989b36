from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from planner.bench.summary import distribution, steady_window, summarize_point
from planner.specs.measured.load import SloTarget
from planner.specs.measured.measurement import CacheAudit, ClientHealth, Outcome, RequestRecord
from tests.bench.stamps import FACTS, closed, record, reply

STRICT = (SloTarget(metric="ttft_s", fraction=0.95, limit_s=0.025),)


def one_after_the_other(count: int, ramp: int = 1) -> list[RequestRecord]:
    """One slot: requests of 31 ms back to back, 3 tokens each."""
    return [record(i, reply(sent_ms=31.0 * i), "ramp" if i < ramp else "steady") for i in range(count)]


def test_rates_are_over_the_steady_window() -> None:
    point = summarize_point(closed(ramp=1), one_after_the_other(10), FACTS)
    assert point.window.start_s == pytest.approx(0.031)
    assert point.window.end_s == pytest.approx(0.279)
    assert point.output_tokens_per_s == pytest.approx(3 / 0.031)
    assert point.requests_per_s == pytest.approx(1 / 0.031)
    assert point.ttft_s.n == 9
    assert point.requests.ok == 10


def test_the_ramp_stays_out_of_the_latencies_but_in_the_counts() -> None:
    slow = record(0, reply(chunks_ms=(900.0, 905.0, 910.0)), "ramp")
    point = summarize_point(closed(ramp=1), [slow, *one_after_the_other(10)[1:]], FACTS)
    assert point.ttft_s.mean == pytest.approx(0.020)
    assert (
        summarize_point(
            closed(ramp=1), [slow, *one_after_the_other(10)[1:]], FACTS, convention="vllm"
        ).ttft_s.n
        == 10
    )


def test_failures_are_goodput_misses_and_are_named() -> None:
    records = one_after_the_other(10)
    records[5] = replace(records[5], reply=replace(records[5].reply, outcome=Outcome.TRUNCATED))
    point = summarize_point(closed(ramp=1), records, FACTS, slo=STRICT)
    assert point.requests.by_error == {"truncated": 1}
    assert point.good_fraction == pytest.approx(8 / 9)
    assert point.goodput_requests_per_s == pytest.approx(8 / 9 / 0.031)
    assert "errors" in point.flags
    assert not point.holds(STRICT[0])  # 10 % failed, 5 % may miss


def test_slow_requests_are_misses_too() -> None:
    records = [*one_after_the_other(9), record(9, reply(sent_ms=279.0, chunks_ms=(30.0, 35.0, 40.0)))]
    point = summarize_point(closed(ramp=1), records, FACTS, slo=STRICT)
    assert point.good_fraction == pytest.approx(8 / 9)


def test_too_short_a_point_says_so_and_uses_the_whole() -> None:
    point = summarize_point(closed(requests=2), one_after_the_other(2, ramp=0), FACTS)
    assert point.flags == ("no-steady-window",)
    assert point.window.start_s == 0.0


def test_nothing_measured_is_unknown_not_zero() -> None:
    failed = [record(0, reply(chunks_ms=(), outcome=Outcome.CONNECT))]
    point = summarize_point(closed(), failed, FACTS)
    assert point.ttft_s.mean is None
    assert point.ttft_s.n == 0
    assert point.tpot_s.at(0.5) is None
    assert steady_window([], FACTS).end_s == 0
    assert summarize_point(closed(), [], FACTS).output_tokens_per_s is None


def test_a_small_sample_has_no_interval_around_its_p99() -> None:
    sample = distribution([float(value) for value in range(100)])
    p50, p99 = sample.at(0.5), sample.at(0.99)
    assert p50 is not None
    assert p99 is not None
    assert p99.interval is None


@pytest.mark.parametrize(
    ("health", "flagged"),
    [
        (ClientHealth(ceiling_tokens_per_s=100.0), True),
        (ClientHealth(ceiling_tokens_per_s=10_000.0), False),
        (ClientHealth(loop_lag_p50_s=0.002, loop_lag_p99_s=0.002), True),
        (ClientHealth(loop_lag_p50_s=0.0, loop_lag_p99_s=0.012), True),
        (ClientHealth(loop_lag_p50_s=0.0, loop_lag_p99_s=0.001), False),
    ],
)
def test_a_client_near_its_limit_is_said_to_be(health: ClientHealth, *, flagged: bool) -> None:
    point = summarize_point(closed(ramp=1), one_after_the_other(10), replace(FACTS, health=health))
    assert ("client-bound" in point.flags) == flagged


@pytest.mark.parametrize(
    ("health", "flagged"),
    [
        (ClientHealth(foreign_fraction=0.25), True),  # one of four processors was someone else's
        (ClientHealth(steal_fraction=0.05), True),
        (ClientHealth(foreign_fraction=0.03, steal_fraction=0.01), False),
        (ClientHealth(), False),
    ],
)
def test_a_machine_that_did_something_else_meanwhile_is_told(health: ClientHealth, *, flagged: bool) -> None:
    point = summarize_point(closed(ramp=1), one_after_the_other(10), replace(FACTS, health=health))
    assert ("busy-machine" in point.flags) == flagged


def test_a_warm_cache_is_never_called_cold() -> None:
    warm = [record(i, reply(sent_ms=31.0 * i, cached=50)) for i in range(5)]
    assert "warm-cache" in summarize_point(closed(), warm, FACTS).flags
    audit = replace(FACTS, cache=CacheAudit(queried_tokens=1000, hit_tokens=300))
    assert "warm-cache" in summarize_point(closed(), one_after_the_other(5), audit).flags
    shared = replace(closed(), shared_prefix_tokens=50)
    assert "warm-cache" not in summarize_point(shared, warm, audit).flags


def test_other_lengths_missing_counts_late_requests_and_drift_are_flagged() -> None:
    asked = [replace(item, input_tokens=120) for item in one_after_the_other(5)]
    assert "input-length-mismatch" in summarize_point(closed(), asked, FACTS).flags
    blind = [record(i, reply(sent_ms=31.0 * i, usage=None)) for i in range(5)]
    assert "no-token-counts" in summarize_point(closed(), blind, FACTS).flags
    late = [record(i, reply(sent_ms=31.0 * i, late_ms=15.0)) for i in range(5)]
    opened = replace(closed(), kind="constant", rate_requests_per_s=30.0)
    point = summarize_point(opened, late, FACTS)
    assert "behind-schedule" in point.flags
    assert point.ttft_scheduled_s.mean == pytest.approx(0.035)
    slower = [
        record(i, reply(sent_ms=31.0 * i, chunks_ms=(20.0, 25.0 + i // 60 * 5, 30.0 + i // 60 * 5)))
        for i in range(120)
    ]
    jitter = [
        record(i, reply(sent_ms=31.0 * i, chunks_ms=(20.0, 25.0, 30.0 + i % 3 / 10))) for i in range(120)
    ]
    assert "unsteady" in summarize_point(closed(), slower, FACTS).flags
    assert "unsteady" not in summarize_point(closed(), jitter, FACTS).flags


@given(st.lists(st.tuples(st.floats(1, 500), st.floats(1, 50), st.booleans()), min_size=1, max_size=40))
def test_goodput_is_never_above_throughput_and_percentiles_rise(
    rows: list[tuple[float, float, bool]],
) -> None:
    records = [
        record(i, reply(600.0 * i, (first, first + gap), outcome=Outcome.OK if ok else Outcome.RESET))
        for i, (first, gap, ok) in enumerate(rows)
    ]
    point = summarize_point(closed(), records, FACTS, slo=STRICT)
    assert point.goodput_requests_per_s is not None
    assert point.requests_per_s is not None
    assert point.goodput_requests_per_s <= point.requests_per_s
    values = [item.value for item in point.ttft_s.percentiles]
    assert values == sorted(values)
    assert point.requests.ok + point.requests.failed == len(rows)
