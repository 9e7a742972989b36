"""Whole replicas, whole machines, and the volume from which they pay."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import assume, given, strategies as st

from planner.formulas.hosting import (
    crossing_volumes,
    machines_against_interruptions,
    replicas_needed,
    stretched_weights,
    whole_machines,
    with_redundancy,
)
from planner.formulas.machine_cost import machines_usd_per_month
from tests.quantities import COUNTS, RATES


@given(RATES, RATES, st.floats(0.05, 1))
def test_the_replicas_carry_the_peak_and_one_less_does_not(peak: float, each: float, share: float) -> None:
    assume(peak / (each * share) < 1e6)
    replicas = replicas_needed(peak, each, share)
    assert replicas * each * share >= peak * (1 - 1e-6)
    assert replicas == 1 or (replicas - 1) * each * share < peak


@pytest.mark.parametrize(("rate", "share"), [(0.0, 0.8), (5.0, 0.0)])
def test_a_replica_that_serves_nothing_is_refused(rate: float, share: float) -> None:
    with pytest.raises(ValueError, match="more than nothing"):
        replicas_needed(1.0, rate, share)


@given(COUNTS)
def test_after_a_loss_the_peak_is_still_carried(replicas: int) -> None:
    assert with_redundancy(replicas, "n+1") - 1 == replicas
    zoned = with_redundancy(replicas, "zone")
    assert zoned * 2 / 3 >= replicas > (zoned - 1) * 2 / 3 - 1e-9


@given(COUNTS, st.integers(1, 8), st.integers(1, 16))
def test_the_machines_hold_every_replica_and_one_less_does_not(
    replicas: int, per_replica: int, per_machine: int
) -> None:
    assume(per_replica <= per_machine)
    machines = whole_machines(replicas, per_replica, per_machine)
    holds = per_machine // per_replica
    assert (machines - 1) * holds < replicas <= machines * holds


def test_a_replica_larger_than_a_machine_is_refused() -> None:
    with pytest.raises(ValueError, match="a replica of 16 GPUs needs a machine with as many, not 8"):
        whole_machines(1, 16, 8)


def test_a_month_is_730_hours() -> None:
    assert machines_usd_per_month(1, 1.0) == 730.0


@pytest.mark.parametrize("usd", [0.0, -0.01])
def test_nothing_breaks_even_with_an_api_that_costs_nothing(usd: float) -> None:
    assert crossing_volumes(usd_per_request=usd, usd_by_step=(100.0,), volume_by_step=(1e9,)) == ()


def test_machines_dearer_than_the_api_at_every_volume_never_break_even() -> None:
    # 3,000 USD carry 100,000 requests, which the API answers for 1,000
    steps = {"usd_by_step": (3000.0, 6000.0), "volume_by_step": (100_000.0, 200_000.0)}
    assert crossing_volumes(usd_per_request=0.01, **steps) == ()


def test_a_step_that_starts_beyond_its_crossing_is_cheaper_at_once() -> None:
    # 1,000 USD carry 99,000 requests, for which the API takes 990; 1,050 USD carry more, and are paid off at 105,000
    found = crossing_volumes(usd_per_request=0.01, usd_by_step=(1000.0, 1050.0), volume_by_step=(99e3, 3e5))
    assert [cheaper for _, cheaper in found] == [True]
    assert found[0][0] == pytest.approx(105e3)


@given(st.floats(1e-4, 1), st.lists(st.tuples(st.floats(1, 1e4), st.floats(1, 1e6)), min_size=1, max_size=6))
def test_between_two_crossings_the_cheaper_side_is_the_one_that_the_first_names(
    api: float, steps: list[tuple[float, float]]
) -> None:
    usd = tuple(sum(rent for rent, _ in steps[: n + 1]) for n in range(len(steps)))
    most = tuple(sum(volume for _, volume in steps[: n + 1]) for n in range(len(steps)))
    found = crossing_volumes(usd_per_request=api, usd_by_step=usd, volume_by_step=most)
    edges = [(0.0, False), *found, (most[-1], True)]
    assert [volume for volume, _ in edges] == sorted(volume for volume, _ in edges)
    assert [cheaper for _, cheaper in found] == [index % 2 == 0 for index in range(len(found))]
    for (start, cheaper), (end, _) in pairwise(edges):
        middle = (start + end) / 2
        hosted = next(rent for rent, carried in zip(usd, most, strict=True) if middle <= carried)
        assert end - start < 1e-6 * end or cheaper == (api * middle >= hosted * (1 - 1e-12))


@given(st.lists(st.floats(0, 10), min_size=24, max_size=24), st.floats(1.05, 20))
def test_a_stretched_shape_keeps_its_order_and_its_mean_and_has_the_peak(
    weights: list[float], peak: float
) -> None:
    assume(min(weights) < 0.9 * max(weights) and sum(weights) > 0.1)
    mean = sum(weights) / 24
    found = stretched_weights(tuple(weight / mean for weight in weights), peak)
    highest = [weight for weight in weights if weight > 0.999 * max(weights)]
    active = sum(1 for weight in weights if weight > 0)
    assume(len(highest) * peak < 23 and peak * active > 25)  # hours without traffic stay without
    assert max(found) == pytest.approx(peak, rel=1e-3)
    assert sum(found) / 24 == pytest.approx(1.0)
    assert all(one <= other for (one, a), (other, b) in _pairs(found, weights) if a < b)


def _pairs(found: tuple[float, ...], weights: list[float]) -> Iterator[tuple[tuple[float, float], ...]]:
    together = sorted(zip(found, weights, strict=True), key=lambda each: each[1])
    yield from pairwise(together)


@pytest.mark.parametrize(("away", "availability"), [(1.0, 0.9), (-0.1, 0.9), (0.1, 1.0)])
def test_machines_that_are_always_away_or_always_asked_for_are_refused(
    away: float, availability: float
) -> None:
    with pytest.raises(ValueError, match="some of the time"):
        machines_against_interruptions(needed=1, away_fraction=away, availability_fraction=availability)
