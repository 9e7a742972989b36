"""Whole replicas, whole machines, and the volume from which they pay."""

import pytest
from hypothesis import assume, given, strategies as st

from planner.formulas.hosting import (
    break_even_requests_per_month,
    machines_usd_per_month,
    replicas_needed,
    whole_machines,
    with_redundancy,
)
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
    found = break_even_requests_per_month(
        api_usd_per_request=usd,
        usd_per_month_by_replicas=(100.0,),
        requests_per_month_by_replicas=(1e9,),
    )
    assert found is None


def test_machines_dearer_than_the_api_at_every_volume_never_break_even() -> None:
    # 3,000 USD carry 100,000 requests, which the API answers for 1,000
    found = break_even_requests_per_month(
        api_usd_per_request=0.01,
        usd_per_month_by_replicas=(3000.0, 6000.0),
        requests_per_month_by_replicas=(100_000.0, 200_000.0),
    )
    assert found is None


@given(st.floats(1e-4, 1), st.lists(st.tuples(st.floats(1, 1e4), st.floats(1, 1e6)), min_size=1, max_size=6))
def test_at_the_break_even_hosting_costs_no_more_and_just_below_it_does(
    api: float, steps: list[tuple[float, float]]
) -> None:
    usd = tuple(sum(rent for rent, _ in steps[: n + 1]) for n in range(len(steps)))
    most = tuple(sum(volume for _, volume in steps[: n + 1]) for n in range(len(steps)))

    def hosted(volume: float) -> float:
        return next(rent for rent, carried in zip(usd, most, strict=True) if volume <= carried)

    found = break_even_requests_per_month(
        api_usd_per_request=api, usd_per_month_by_replicas=usd, requests_per_month_by_replicas=most
    )
    if found is None:
        assert all(api * carried < rent for rent, carried in zip(usd, most, strict=True))
        return
    just_above = min(found * (1 + 1e-9), most[-1])  # where a step ends, the next one pays
    assert any(api * volume >= hosted(volume) * (1 - 1e-6) for volume in (found, just_above))
    assert api * found * 0.999 < hosted(found * 0.999) * (1 + 1e-9)
