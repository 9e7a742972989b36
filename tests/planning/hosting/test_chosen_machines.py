"""The machines that an estimate would choose, with the traffic of each replica."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from planner.planning.estimate import workbench_for
from planner.planning.hosting.chosen_machines import cheapest_machines, peak_traffic, weighed_machines
from planner.planning.hosting.peak_simulation import peak_share
from planner.specs.scenario.hosting import SelfHosted
from tests.cases_of import books, case_of
from tests.planning.hosting.test_options import DAY, OWN, document, options
from tests.strategies import built


def machines(**own: Any) -> tuple[Any, ...]:
    case = case_of(built(document({"self_hosted": OWN | own})))
    assert case.scenario.hosting is not None
    hosted = case.scenario.hosting.self_hosted
    assert hosted is not None
    return weighed_machines(case, hosted, DAY, workbench_for((case,)))


def test_they_are_those_of_the_estimate() -> None:
    own = {"gpus": ("h100-sxm", "l40s")}
    found = cheapest_machines(machines(**own))
    assert found is not None
    offered = [each for each in options({"self_hosted": OWN | own}) if not each.refused]
    assert found[0] == min(offered, key=lambda each: each.usd_per_month or 0.0)
    assert found[1].choice.fleet.replicas == found[0].replicas


def test_what_holds_comes_before_what_is_cheaper_but_refused() -> None:
    (dear,), (cheap,) = machines(gpus=("h100-sxm",)), machines(gpus=("l4",), quality_equivalent=False)
    assert cheap.option.usd_per_month < dear.option.usd_per_month
    assert cheapest_machines([cheap, dear]) == (dear.option, dear.sized)
    assert cheapest_machines([cheap]) == (cheap.option, cheap.sized)


def test_without_machines_that_could_be_sized_there_are_none() -> None:
    case = case_of(built(document(None)))
    assert weighed_machines(case, SelfHosted(), DAY, workbench_for((case,))) == ()
    assert cheapest_machines(machines(gpus=("rtx-3060",))) is None


def test_replicas_share_the_peak_with_the_scenario_s_sizes_behind_its_caches() -> None:
    """864,000 requests a day are 10/s, twice that at the peak; half is answered by the cache: 2.5/s for each of four."""
    case = case_of(
        built(
            {
                "name": "chat",
                "traffic": {"requests_per_day": 864_000.0, "shape": "flat", "peak_to_mean": 2.0},
                "prompt": {
                    "input_tokens": {"mean": 1000.0, "p95": 3000.0},
                    "output_tokens": 150.0,
                    "reasoning_tokens": 50.0,
                },
                "models": [{"model": "openai/gpt-4o-mini"}],
                "caching": {"exact": {"hit_rate": 0.5}},
            }
        )
    )
    traffic = peak_traffic(case, None)
    assert traffic.requests_per_s == pytest.approx(10.0)
    drawn = peak_share(traffic.demand, traffic.requests_per_s / 4, 20_000, np.random.default_rng(0))
    assert 20_000 / drawn.arrival_s[-1] == pytest.approx(2.5)
    assert drawn.input_tokens.mean() == pytest.approx(1000, rel=0.01)
    assert np.quantile(drawn.input_tokens, 0.95) == pytest.approx(3000, rel=0.05)
    assert set(drawn.output_tokens) == {200}


def test_a_prompt_is_served_in_the_tokens_of_the_open_model() -> None:
    """Counted in the newest Claude's tokens, of which the same text takes more than in Llama's."""
    stated = {"input_tokens": 1500.0, "output_tokens": 200.0, "counted_with": "claude-2026"}
    case = case_of(built(document({"self_hosted": OWN}) | {"prompt": stated}))
    llama = peak_traffic(case, books().models.find("llama-3.1-8b-instruct"))
    assert llama.demand.prompt.mean < peak_traffic(case, None).demand.prompt.mean
    assert replace(llama, demand=peak_traffic(case, None).demand) == peak_traffic(case, None)
