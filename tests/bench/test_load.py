from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from planner.bench.load import TraceRow, plan_point, plan_trace, ramp_requests
from planner.specs.measured.load import LoadKind, LoadPoint, TokenLengths


def point(kind: LoadKind, requests: int = 2000, **more: float) -> LoadPoint:
    return LoadPoint(
        kind=kind,
        requests=requests,
        input_tokens=TokenLengths(values=(100,)),
        output_tokens=TokenLengths(values=(10, 30), weights=(3.0, 1.0)),
        rate_requests_per_s=more.get("rate", 10.0),
        start_rate_requests_per_s=more.get("start"),
        burstiness=more.get("burstiness", 1.0),
        ramp_requests=2,
        seed=5,
    )


def gaps_of(load: LoadPoint) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    plans = plan_point(load, np.random.default_rng(1))
    return np.diff(np.array([plan.offset_s for plan in plans], dtype=float))


def test_constant_arrivals_are_evenly_spaced() -> None:
    assert gaps_of(point("constant", 10)) == pytest.approx(np.full(9, 0.1))


@pytest.mark.parametrize(("kind", "burstiness"), [("poisson", 1.0), ("gamma", 0.25), ("gamma", 4.0)])
def test_random_arrivals_have_the_rate_and_the_variation_asked_for(kind: LoadKind, burstiness: float) -> None:
    gaps = gaps_of(point(kind, 20_000, burstiness=burstiness))
    assert gaps.mean() == pytest.approx(0.1, rel=0.05)
    assert gaps.var() / gaps.mean() ** 2 == pytest.approx(burstiness, rel=0.1)


def test_a_ramp_rises_linearly_to_its_rate() -> None:
    gaps = gaps_of(point("ramp", 1000, start=2.0, rate=10.0))
    assert 1 / gaps[0] == pytest.approx(2.0, rel=0.02)
    assert 1 / gaps[-1] == pytest.approx(10.0, rel=0.02)
    assert gaps_of(point("ramp", 10, start=10.0, rate=10.0)) == pytest.approx(np.full(9, 0.1))


def test_lengths_without_weights_come_equally_often_in_random_order() -> None:
    def drawn(count: int, seed: int) -> list[int]:
        load = replace(point("closed", count), input_tokens=TokenLengths(values=(10, 20, 30)))
        return [plan.input_tokens for plan in plan_point(load, np.random.default_rng(seed))]

    lengths = drawn(9, seed=0)
    assert sorted(lengths) == [10, 10, 10, 20, 20, 20, 30, 30, 30]
    assert lengths != sorted(lengths)
    assert {drawn(1, seed)[0] for seed in range(30)} == {10, 20, 30}


def test_lengths_are_drawn_by_weight_and_seeds_differ() -> None:
    plans = plan_point(point("closed"), np.random.default_rng(1))
    outputs = [plan.output_tokens for plan in plans]
    assert set(outputs) == {10, 30}
    assert np.mean(outputs) == pytest.approx(15, rel=0.05)
    assert len({plan.prompt_seed for plan in plans}) == len(plans)
    assert [plan.phase for plan in plans[:3]] == ["ramp", "ramp", "steady"]
    assert plans[0].offset_s is None


def test_a_trace_starts_at_its_first_request() -> None:
    rows = (
        TraceRow(offset_s=7.0, input_tokens=5, output_tokens=6),
        TraceRow(offset_s=8.5, input_tokens=7, output_tokens=8),
    )
    plans = plan_trace(point("trace", 2), rows)
    assert [(plan.offset_s, plan.input_tokens, plan.output_tokens) for plan in plans] == [
        (0.0, 5, 6),
        (1.5, 7, 8),
    ]
    assert plan_trace(point("trace", 0), ()) == ()


@given(st.integers(1, 10_000), st.one_of(st.none(), st.integers(1, 256)))
def test_the_ramp_never_takes_more_than_a_third(requests: int, concurrency: int | None) -> None:
    assert 0 <= ramp_requests(requests, concurrency) <= requests / 3
