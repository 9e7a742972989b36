"""From which volume on whole machines cost less than the API."""

import pytest

from planner.planning.hosting.break_even import break_even
from planner.planning.hosting.machines import (
    Offer,
)
from planner.planning.workload.workload import workload_of
from planner.specs.base import Quantity
from planner.specs.scenario.hosting import SelfHosted
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
