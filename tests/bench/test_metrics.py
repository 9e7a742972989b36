import pytest

from planner.bench.metrics import request_times
from planner.specs.measured.measurement import Outcome
from tests.bench.stamps import reply

STREAM = tuple(20.0 + 5 * step for step in range(50))  # the published comparison: 20 ms, then 49 gaps of 5 ms


def test_ours_are_the_definitions_of_the_glossary() -> None:
    times = request_times(reply(chunks_ms=STREAM))
    assert times.ttft_s == pytest.approx(0.020)
    assert times.tpot_s == pytest.approx(0.005)
    assert times.e2e_s == pytest.approx(0.265)
    assert times.itl_s == pytest.approx((0.005,) * 49)


def test_guidellm_s_tpot_includes_the_first_token_and_its_itl_is_a_mean() -> None:
    times = request_times(reply(chunks_ms=STREAM), "guidellm")
    assert times.ttft_s == pytest.approx(0.021)  # from the connected socket, 1 ms before
    assert times.tpot_s == pytest.approx((0.021 + 49 * 0.005) / 50)  # 5.3 ms where ours is 5.0
    assert times.itl_s == pytest.approx((0.005,))


def test_vllm_stops_the_clock_at_an_empty_event_and_counts_from_before_the_connection() -> None:
    answer = reply(chunks_ms=(3.0, 20.0, 25.0), tokens=(0, 1, 1))
    times = request_times(answer, "vllm")
    assert times.ttft_s == pytest.approx(0.005)
    assert times.itl_s == pytest.approx((0.017, 0.005))
    assert request_times(answer).ttft_s == pytest.approx(0.020)


def test_aiperf_has_no_tpot_and_its_itl_leaves_out_the_first_event_s_tokens() -> None:
    times = request_times(reply(chunks_ms=(20.0, 40.0), tokens=(4, 4)), "aiperf")
    assert times.tpot_s is None
    assert times.itl_s == pytest.approx((0.005,))


def test_several_tokens_in_an_event_give_one_gap_and_their_share_of_it() -> None:
    times = request_times(reply(chunks_ms=(20.0, 40.0), tokens=(4, 4)))
    assert times.itl_s == pytest.approx((0.020,))
    assert times.tpot_s == pytest.approx(0.005)


def test_one_token_has_no_time_per_token_and_a_failure_has_no_times() -> None:
    assert request_times(reply(chunks_ms=(20.0,))).tpot_s is None
    for convention in ("planner", "vllm", "guidellm", "aiperf"):
        failed = request_times(reply(outcome=Outcome.TRUNCATED), convention)
        assert (failed.ttft_s, failed.tpot_s, failed.e2e_s, failed.itl_s) == (None, None, None, ())


def test_a_reply_without_events_has_no_times_in_vllm_s_terms() -> None:
    assert request_times(reply(chunks_ms=()), "vllm").ttft_s is None
