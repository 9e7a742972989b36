"""From which volume on whole machines cost less than the API."""

from dataclasses import replace

import numpy as np
import pytest

from planner.planning.hosting.break_even import break_even
from planner.planning.hosting.machines import (
    Offer,
    carried_replicas,
)
from planner.planning.workload.workload import workload_of
from planner.specs.base import Quantity
from planner.specs.scenario.hosting import Autoscale, SelfHosted, Spot
from planner.specs.scenario.workload import Workload
from tests.strategies import built

SINGLE = Offer(name="cloud/one/any", purchase="on_demand", usd_per_hour=2.0, gpu_count=1)


PLAIN = SelfHosted(max_utilization=1.0)


def thousand_a_day() -> Workload:
    document = {
        "name": "chat",
        "traffic": {"requests_per_day": 1000.0},
        "prompt": {"input_tokens": 1000.0, "output_tokens": 100.0},
        "models": [{"model": "openai/gpt-4o-mini"}],
    }
    return workload_of(built(document), {})


def exact(value: float) -> Quantity:
    return Quantity(value=value, low=value / 2, high=value * 2, grade="fitted")


def test_break_even_follows_the_steps_of_whole_machines() -> None:
    own = SelfHosted(max_utilization=1.0, redundancy="none")
    workload = thousand_a_day()
    found = break_even(
        SINGLE,
        own,
        workload,
        gpus=1,
        requests_per_s=exact(0.001),
        reaching_fraction=1.0,
        api_usd_per_request=1.0,
        statement="stated",
    )
    assert found is not None
    # a machine is 1,460 USD a month of 30 days, 48.67 a day; a replica carries 86.4 requests a day at a flat shape
    assert found.requests_per_day.value == pytest.approx(1460 / 30)
    assert found.crossings == 3  # cheaper from 48.67, dearer from 86.4, cheaper for good from 97.33
    assert found.for_good_requests_per_day == pytest.approx(2 * 1460 / 30)
    # half as fast it carries 43.2: the first machine never pays, nor the second (86.4 for 97.33) …
    assert not found.certain
    assert found.requests_per_day.low == found.requests_per_day.high == found.requests_per_day.value


def test_an_api_that_costs_next_to_nothing_never_breaks_even() -> None:
    workload = thousand_a_day()
    for usd in (0.0, 1e-9):
        found = break_even(
            SINGLE,
            PLAIN,
            workload,
            gpus=1,
            requests_per_s=exact(1.0),
            reaching_fraction=1.0,
            api_usd_per_request=usd,
            statement="",
        )
        assert found is None


def test_both_crossings_have_the_interval_of_the_capacity() -> None:
    """The first machine pays from its rent on, however fast it is; whether a next one does hangs on what it carries.

    A machine is 48.67 USD a day. As predicted (86.4 a day each) it pays from 48.67, no longer at 86.4, and for good
    from 97.33. Three quarters as fast (64.8) the fourth is the last that costs more than it saves, from 194.4 (what 3
    carry) to 194.67; twice as fast it pays from 48.67 for good.
    """
    found = break_even(
        SINGLE,
        SelfHosted(max_utilization=1.0, redundancy="none"),
        thousand_a_day(),
        gpus=1,
        requests_per_s=Quantity(value=0.001, low=0.00075, high=0.002, grade="fitted"),
        reaching_fraction=1.0,
        api_usd_per_request=1.0,
        statement="stated",
    )
    assert found is not None
    assert found.certain
    day = 1460 / 30
    assert found.requests_per_day.low == found.requests_per_day.high == pytest.approx(day)
    assert found.for_good_requests_per_day == pytest.approx(2 * day)
    assert found.for_good_low_requests_per_day == pytest.approx(day)
    assert found.for_good_high_requests_per_day == pytest.approx(4 * day)


def test_what_a_slow_replica_never_gets_to_has_no_high_end() -> None:
    found = break_even(
        SINGLE,
        SelfHosted(max_utilization=1.0, redundancy="none"),
        thousand_a_day(),
        gpus=1,
        requests_per_s=exact(0.001),
        reaching_fraction=1.0,
        api_usd_per_request=1.0,
        statement="stated",
    )
    assert found is not None
    assert found.for_good_low_requests_per_day == pytest.approx(1460 / 30)
    assert found.for_good_high_requests_per_day is None


def test_spot_machines_that_stand_in_for_others_carry_nothing() -> None:
    """Away 1 % of the time, each pair of machines is missing at once for 0.01 % of it.

    One more suffices for 99.9 % until five must be up: of six, 15 pairs are 0.15 %, so a sixth carries nothing more.
    """
    spot = replace(SINGLE, purchase="spot")
    each_month = {"interruptions_per_month": 7.3, "replacement_s": 3636.0}  # 7.37 hours of 737
    own = SelfHosted(redundancy="none", spot=Spot(**each_month), autoscale=Autoscale(cold_start_s=0))
    machines = np.arange(1.0, 7.0)
    assert list(carried_replicas(machines, 1, SINGLE, own)) == [1, 2, 3, 4, 5, 6]
    assert list(carried_replicas(machines, 1, spot, own, 0.999)) == [0, 1, 2, 3, 4, 4]
    assert list(carried_replicas(machines, 1, spot, own, 0.9)) == [1, 2, 3, 4, 5, 6]
