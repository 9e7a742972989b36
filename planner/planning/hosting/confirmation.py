"""The cheapest machines of one's own held against the simulator, and given another replica where it denies them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planner.planning.hosting.candidates import Sized, Weighed
from planner.planning.hosting.capacity import time_text
from planner.planning.hosting.hosting_plan import hosted_option
from planner.planning.hosting.load_steps import demand_of
from planner.planning.hosting.self_host import judged
from planner.planning.hosting.sizing import Replica, fleet_for, usd_per_month
from planner.specs.answers.estimate import HostingOption
from planner.specs.answers.hosting_plan import SimulatedPeak
from planner.specs.base import Notice
from planner.specs.scenario.scenario import Slo

# From this share of a limit on, the formula's error may hide a miss: a tenth to a seventh at its 90th percentile, a third
# to a half where the mean prompt takes several steps.
NEAR_FRACTION, NEAR_FRACTION_OF_LONG = 0.85, 0.5
NEAR_REQUESTS = 2000  #: a 95th percentile of 1,600 that count strays by a few per cent
SHOWN_REQUESTS = 800  #: for a report, where the limits are far away
MOST_REPLICAS_MORE = 3


def confirmed(weighed: Sequence[Weighed], *, always: bool) -> tuple[Weighed, ...]:
    """Return what was weighed, the cheapest that holds held against the simulator.

    Only one near a limit is changed by what the simulator says, so that the bill of a scenario does not hang on whether
    it was asked for: it gets replicas until the limits hold, and its place among the others by its new price.
    """
    rows = list(weighed)
    for _ in rows:
        place = _cheapest(rows)
        if place is None:
            break
        found = _confirmed(rows[place], always=always)
        changed = found.option.usd_per_month != rows[place].option.usd_per_month
        rows[place] = found
        if not changed:
            break
    return tuple(rows)


def _cheapest(rows: Sequence[Weighed]) -> int | None:
    held = [
        (each.option.usd_per_month, place)
        for place, each in enumerate(rows)
        if each.sized is not None and not each.option.refused and each.option.usd_per_month is not None
    ]
    return min(held)[1] if held else None


def _confirmed(weighed: Weighed, *, always: bool) -> Weighed:
    sized, option = weighed.sized, weighed.option
    if sized is None or option.plan is None or option.plan.simulated is not None:
        return weighed
    near = _formula_s_use(sized, option) >= _near_fraction(sized)
    if not (near or always):
        return weighed
    peak = _simulated(sized, NEAR_REQUESTS if near else SHOWN_REQUESTS)
    more = 0
    while near and not peak.holds and more < MOST_REPLICAS_MORE:
        sized, more = with_one_more(sized), more + 1
        peak = _simulated(sized, NEAR_REQUESTS)
    made = hosted_option(sized, peak)
    notices = (*_corrections(more), *_denials(peak, sized.plan.case.scenario.slo))
    made = replace(made, notices=(*made.notices, *notices))
    return Weighed(option=judged(made, sized.plan.case, sized.plan.own, same=sized.same), sized=sized)


def _near_fraction(sized: Sized) -> float:
    batched = sized.choice.candidate.configuration.memory.batched_tokens
    long = sized.plan.workload.input_tokens.mean > batched
    return NEAR_FRACTION_OF_LONG if long else NEAR_FRACTION


def _formula_s_use(sized: Sized, option: HostingOption) -> float:
    taken = {"TTFT": option.ttft_s, "TPOT": option.tpot_s, "e2e": option.e2e_s}
    limits = sized.plan.case.scenario.slo.limits_s
    return max(
        [found.value / limits[name] for name, found in taken.items() if found is not None and name in limits],
        default=0.0,
    )


def _simulated(sized: Sized, requests: int) -> SimulatedPeak:
    from planner.planning.hosting.peak_simulation import (  # noqa: PLC0415 - 10 ms that most estimates do without
        simulated_peak,
    )

    plan, choice = sized.plan, sized.choice
    configuration = choice.candidate.configuration
    demand, each_s = demand_of(plan.workload), plan.traffic.peak_requests_per_s / choice.fleet.loaded
    slo = plan.case.scenario.slo
    key = (
        "peak",
        id(configuration),
        demand,
        each_s,
        *slo.limits_s.items(),
        requests,
    )
    return plan.workbench.once(
        key, configuration, lambda: simulated_peak(configuration, demand, each_s, slo, requests=requests)
    )


def with_one_more(sized: Sized) -> Sized:
    """Return the choice with one more replica under load: each is planned with a smaller share of the peak."""
    plan, choice = sized.plan, sized.choice
    candidate = choice.candidate
    loaded, capacity = choice.fleet.loaded + 1, candidate.capacity
    each_s = plan.traffic.peak_requests_per_s / (loaded * plan.own.max_utilization)
    smaller = replace(
        capacity, requests_per_s=capacity.requests_per_s.scaled(each_s / capacity.requests_per_s.value)
    )
    replica = Replica(requests_per_s=each_s, gpus=candidate.configuration.gpus)
    return replace(
        sized,
        choice=replace(
            choice,
            candidate=replace(candidate, capacity=smaller),
            fleet=fleet_for(choice.fleet.offer, plan.own, plan.traffic, replica),
            usd_per_month=usd_per_month(choice.fleet.offer, plan.own, plan.traffic, replica),
        ),
    )


def _corrections(more: int) -> tuple[Notice, ...]:
    if not more:
        return ()
    what = "a replica was" if more == 1 else f"{more} replicas were"
    return (
        Notice(
            code="simulated-capacity",
            message=f"{what} added: the simulated peak missed a limit that the formula held",
        ),
    )


def _denials(peak: SimulatedPeak, slo: Slo) -> tuple[Notice, ...]:
    if peak.holds:
        return ()
    late = {"TTFT": peak.ttft_s, "TPOT": peak.tpot_s, "e2e": peak.e2e_s}
    missed = [
        f"{name} {time_text(late[name])} against {time_text(limit)}"
        for name, limit in slo.limits_s.items()
        if late[name] > limit
    ]
    return (
        Notice(
            code="simulation-denies",
            message=f"the simulated peak misses at p95: {', '.join(missed)}",
            cure="lower hosting.self_hosted.max_utilization, or take a faster GPU",
        ),
    )
