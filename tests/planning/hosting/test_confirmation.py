"""The chosen machines held against the simulator: confirmed, corrected, or denied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from planner.planning.bill.api_cost import api_cost
from planner.planning.estimate import workbench_for
from planner.planning.hosting.options import hosting_options
from planner.planning.hosting.peak_simulation import most_used, peak_share, simulated_peak
from planner.planning.workload.workload import workload_of
from planner.specs.answers.estimate import HostingOption
from planner.specs.answers.hosting_plan import SimulatedPeak
from planner.specs.scenario.scenario import Slo
from tests.cases_of import case_of
from tests.planning.hosting.test_load_curve import CHAT, PLAIN, rows
from tests.planning.hosting.test_options import DAY, OWN, document
from tests.strategies import built


def hosted(*, simulated: bool, slo: dict[str, float], prompt: Any = None, **own: Any) -> list[HostingOption]:
    sent = {} if prompt is None else {"prompt": prompt}
    case = case_of(built(document({"self_hosted": OWN | own}, slo=slo) | sent))
    workload = workload_of(case.scenario, case.texts)
    cost = api_cost(case, workload, DAY)
    found = hosting_options(case, workload, cost, DAY, workbench_for((case,)), simulated=simulated)
    return [option for option in found if option.kind == "self_hosted"]


def peak_of(option: HostingOption) -> SimulatedPeak:
    assert option.plan is not None
    assert option.plan.simulated is not None
    return option.plan.simulated


def test_far_from_every_limit_a_simulation_is_shown_where_it_is_asked_for_and_changes_nothing() -> None:
    slo = {"ttft_p95_ms": 5000.0, "tpot_p95_ms": 80.0}
    (shown,) = hosted(simulated=True, slo=slo)
    (plain,) = hosted(simulated=False, slo=slo)
    peak = peak_of(shown)
    assert peak.holds
    assert peak.requests == 800
    assert shown.ttft_s is not None
    assert peak.ttft_s == pytest.approx(shown.ttft_s.value, rel=0.25)
    assert plain.plan is not None
    assert plain.plan.simulated is None
    assert (shown.usd_per_month, shown.replicas) == (plain.usd_per_month, plain.replicas)


def test_only_the_cheapest_that_holds_is_simulated() -> None:
    found = hosted(simulated=True, slo={"tpot_p95_ms": 80.0}, gpus=("h100-sxm", "l40s", "h200-sxm"))
    simulated = [option for option in found if option.plan and option.plan.simulated]
    holding = [option for option in found if not option.refused]
    assert simulated == [min(holding, key=lambda option: option.usd_per_month or 0.0)]


CROWDED = {"max_utilization": 1.0, "redundancy": "none"}


def tight_tpot_ms(gpu: str = "h100-sxm") -> float:
    """Return a limit just above what the formula says at the peak."""
    (loose,) = hosted(simulated=False, slo={}, gpus=(gpu,), **CROWDED)
    assert loose.tpot_s is not None
    return loose.tpot_s.value * 1000 * 1.05


def verdict(*, until_requests_per_s: float) -> Callable[..., SimulatedPeak]:
    """Return a simulator that holds the limits up to some load."""

    def simulated(*given: Any, requests: int) -> SimulatedPeak:
        each_s = float(given[2])
        holds = each_s <= until_requests_per_s
        return SimulatedPeak(
            requests=requests, requests_per_s=each_s, ttft_s=0.1, tpot_s=0.031, e2e_s=9.0, holds=holds
        )

    return simulated


def test_near_a_limit_the_simulation_is_made_unasked_and_a_miss_takes_another_replica(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slo = {"tpot_p95_ms": tight_tpot_ms()}
    where = "planner.planning.hosting.peak_simulation.simulated_peak"
    monkeypatch.setattr(where, verdict(until_requests_per_s=2.0))  # the whole peak on one replica
    (held,) = hosted(simulated=False, slo=slo, **CROWDED)
    assert (held.replicas, peak_of(held).requests) == (1, 2000)
    monkeypatch.setattr(where, verdict(until_requests_per_s=1.5))
    (more,) = hosted(simulated=False, slo=slo, **CROWDED)
    assert (more.replicas, peak_of(more).requests_per_s) == (2, 1.0)
    assert more.usd_per_month == pytest.approx(2 * (held.usd_per_month or 0.0))
    assert more.requests_per_s_per_replica is not None
    assert more.requests_per_s_per_replica.value == pytest.approx(1.0)
    assert [notice.code for notice in more.notices if "simul" in notice.code] == ["simulated-capacity"]


def test_another_replica_may_make_another_gpu_the_cheapest_which_is_then_simulated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slo = {"tpot_p95_ms": tight_tpot_ms()}
    monkeypatch.setattr(
        "planner.planning.hosting.peak_simulation.simulated_peak", verdict(until_requests_per_s=1.5)
    )
    found = hosted(simulated=True, slo=slo, gpus=("h100-sxm", "h200-sxm"), **CROWDED)
    prices = {option.gpu: option.usd_per_month or 0.0 for option in found}
    simulated = {option.gpu for option in found if option.plan and option.plan.simulated}
    assert "h100-sxm" in simulated
    assert min(prices, key=lambda gpu: prices[gpu]) in simulated


def test_one_that_stays_the_cheapest_with_another_replica_is_simulated_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "planner.planning.hosting.peak_simulation.simulated_peak", verdict(until_requests_per_s=1.5)
    )
    slo = {"tpot_p95_ms": tight_tpot_ms("l40s")}
    found = hosted(simulated=True, slo=slo, gpus=("l40s", "b200-sxm"), **CROWDED)
    assert [option.gpu for option in found if option.plan and option.plan.simulated] == ["l40s"]
    assert found[0].replicas == 2


def test_a_limit_that_no_further_replica_holds_is_a_warning_with_the_miss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "planner.planning.hosting.peak_simulation.simulated_peak", verdict(until_requests_per_s=0.0)
    )
    limit_ms = tight_tpot_ms()
    slo = {"ttft_p95_ms": 5000.0, "tpot_p95_ms": limit_ms, "e2e_p95_s": 8.0}
    (found,) = hosted(simulated=False, slo=slo, **CROWDED)
    codes = {notice.code: notice for notice in found.notices}
    assert found.replicas == 4
    assert codes["simulated-capacity"].message.startswith("3 replicas were added")
    assert codes["simulation-denies"].message == (
        f"the simulated peak misses at p95: TPOT 31 ms against {limit_ms:.4g} ms, e2e 9 s against 8 s"
    )


def test_without_an_option_that_holds_nothing_is_simulated() -> None:
    (found,) = hosted(simulated=True, slo={"ttft_p95_ms": 1.0})
    assert found.refused
    assert found.plan is None


def test_the_share_of_a_peak_is_the_same_each_time_and_has_the_rate_and_lengths_asked_for() -> None:
    one, again = (peak_share(CHAT, 5.0, 4000, np.random.default_rng(0)) for _ in range(2))
    assert (one.arrival_s == again.arrival_s).all()
    assert one.arrival_s[-1] == pytest.approx(800.0, rel=0.05)
    assert one.input_tokens.mean() == pytest.approx(1800, rel=0.05)


def test_a_request_that_never_fits_misses_every_limit_and_answers_of_one_token_have_no_time_per_token() -> (
    None
):
    configured = rows()[1]
    far = PLAIN.__class__(
        prompt=PLAIN.prompt.__class__(**dict.fromkeys(("mean", "p50", "p95", "p99"), 3000000.0), sigma=0.0),
        answer=PLAIN.answer,
        burstiness=1.0,
    )
    lost = simulated_peak(configured, far, 1.0, Slo(ttft_p95_ms=1000), requests=20)
    assert lost.ttft_s == float("inf")
    assert not lost.holds
    ones = PLAIN.__class__(
        prompt=PLAIN.prompt,
        answer=PLAIN.answer.__class__(**dict.fromkeys(("mean", "p50", "p95", "p99"), 1.0), sigma=0.0),
        burstiness=1.0,
    )
    assert simulated_peak(configured, ones, 1.0, Slo(tpot_p95_ms=1), requests=20).tpot_s == 0.0


def test_the_tightest_limit_counts_and_none_is_none() -> None:
    assert most_used(Slo(), (9.0, 9.0, 9.0)) == 0.0
    assert most_used(Slo(ttft_p95_ms=1000, tpot_p95_ms=50, e2e_p95_s=10), (0.5, 0.04, 6.0)) == pytest.approx(
        0.8
    )


def test_where_prompts_take_several_steps_a_limit_is_near_from_half_of_it_on() -> None:
    """The L40S takes 2,048 tokens a step: 1,500 are one step, 2,500 are two. At 70 % of the limit only these are simulated."""
    shown = []
    for prompt in (1500.0, 2500.0):
        sent = {"input_tokens": prompt, "output_tokens": 200.0}
        loose = hosted(simulated=False, slo={}, gpus=("l40s",), prompt=sent)[0]
        assert loose.tpot_s is not None
        slo = {"tpot_p95_ms": loose.tpot_s.value * 1000 / 0.7}
        tight = hosted(simulated=False, slo=slo, gpus=("l40s",), prompt=sent, max_utilization=1.0)[0]
        assert tight.plan is not None
        shown.append(tight.plan.simulated is not None)
    assert shown == [False, True]
