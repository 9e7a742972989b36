"""Laws of collective calls."""

from hypothesis import given, strategies as st

from planner.formulas.collectives import all_reduce_s, direct_all_reduce_s, quickest_all_reduce_s


@given(st.integers(1, 64), st.floats(1, 1e9))
def test_more_ranks_send_more_but_never_twice_the_payload(ranks: int, payload: float) -> None:
    def time(count: int) -> float:
        return float(all_reduce_s(payload_bytes=payload, ranks=count, link_bytes_per_s=1.0))

    assert time(1) == 0
    assert time(ranks) <= time(ranks + 1) < 2 * payload


@given(st.integers(2, 64), st.floats(1, 1e9))
def test_reading_every_other_rank_moves_half_the_ranks_times_as_much_as_a_ring(
    ranks: int, payload: float
) -> None:
    ring = float(all_reduce_s(payload_bytes=payload, ranks=ranks, link_bytes_per_s=1.0))
    direct = float(direct_all_reduce_s(payload_bytes=payload, ranks=ranks, link_bytes_per_s=1.0))
    assert abs(direct / ring - ranks / 2) < 1e-9


@given(st.floats(1e-9, 1.0), st.floats(1e-9, 1.0))
def test_the_quicker_of_two_ways_is_never_slower_than_either(direct: float, ring: float) -> None:
    found = float(quickest_all_reduce_s(latency_s=0.1, direct_s=direct, rounds_s=0.3, ring_s=ring))
    assert found == min(0.1 + direct, 0.3 + ring)
