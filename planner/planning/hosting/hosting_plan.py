"""A chosen fleet as an option of the report: latency at the peak, interval, hours, growth, break-even."""

from __future__ import annotations

from math import inf

from planner.formulas.bands import joint_factor
from planner.planning.bill.response_caches import reaching_fraction
from planner.planning.hosting.break_even import break_even
from planner.planning.hosting.candidates import Choice, Plan, Sized
from planner.planning.hosting.capacity import latency_at
from planner.planning.hosting.machines import spot_machines
from planner.planning.hosting.sizing import Replica, daily_machines, fleet_for, growth_steps, usd_per_month
from planner.specs.answers.estimate import HostingOption
from planner.specs.answers.hosting_plan import BreakEven, CheaperOffer, HostingPlan, SimulatedPeak
from planner.specs.base import Quantity

PERCENTILES = "queueing formula on the fitted steady state"
IN_FRONT = frozenset(
    {"exact cache", "semantic cache", "query embeddings"}
)  #: lines of the bill that hosting keeps


def hosted_option(sized: Sized, simulated: SimulatedPeak | None = None) -> HostingOption:
    """Return the option with what stands behind it."""
    plan, choice = sized.plan, sized.choice
    held, served = choice.fleet, choice.candidate.capacity
    configuration = choice.candidate.configuration
    each_s = plan.traffic.peak_requests_per_s / held.loaded
    latency = latency_at(configuration, sized.curves, choice.candidate.row, each_s)
    even = _break_even(plan, choice, same=sized.same)
    caches = _cache_fees(plan)
    return HostingOption(
        kind="self_hosted",
        name=f"{plan.model.id} {configuration.quantization} on {configuration.gpus} × {configuration.hardware.id}, "
        f"{held.offer.name}{'' if held.offer.purchase in {'on_demand', 'owned'} else ' ' + held.offer.purchase}",
        usd_per_month=choice.usd_per_month + caches,
        grade=served.grade,
        model=plan.model.id,
        gpu=configuration.hardware.id,
        gpus_per_replica=configuration.gpus,
        replicas=held.replicas,
        machines=held.machines,
        rental=held.offer.name,
        purchase=held.offer.purchase,
        quantization=configuration.quantization,
        usd_per_hour=held.offer.usd_per_hour,
        ttft_s=latency.ttft_s,
        tpot_s=latency.tpot_s,
        e2e_s=latency.e2e_s,
        requests_per_s_per_replica=served.requests_per_s,
        utilisation_fraction=each_s / served.requests_per_s.value,
        bound_by=served.limited_by,
        break_even_requests_per_day=even.requests_per_day.value if even is not None else None,
        profile=served.profile,
        plan=_plan(plan, choice, even, caches, simulated),
        notices=(*held.offer.notices, *served.notices),
    )


def _plan(
    plan: Plan, choice: Choice, even: BreakEven | None, caches: float, simulated: SimulatedPeak | None
) -> HostingPlan:
    held, served, own = choice.fleet, choice.candidate.capacity, plan.own
    gpus = choice.candidate.configuration.gpus
    replica = Replica(requests_per_s=served.requests_per_s.value, gpus=gpus)
    months, horizon = growth_steps(held.offer, own, plan.traffic, replica)
    ends = [
        Replica(requests_per_s=rate, gpus=gpus) for rate in _ends(plan, served.requests_per_s) if rate > 0
    ]
    machines = [fleet_for(held.offer, own, plan.traffic, end).machines for end in ends]
    usd = [usd_per_month(held.offer, own, plan.traffic, end) + caches for end in ends]
    return HostingPlan(
        profile=served.profile,
        percentiles=PERCENTILES,
        serving_replicas=held.loaded,
        redundancy=own.redundancy,
        spare_for_interruptions=held.spare,
        machines_low=min([held.machines, *machines]),
        machines_high=max([held.machines, *machines]),
        volume_band=plan.case.scenario.uncertainty.volume is not None,
        usd_per_month_low=min([choice.usd_per_month + caches, *usd]),
        usd_per_month_high=max([choice.usd_per_month + caches, *usd]),
        caches_usd_per_month=caches,
        usd_horizon=horizon + caches * plan.traffic.horizon_months,
        horizon_months=plan.traffic.horizon_months,
        growth=months,
        daily=daily_machines(held.offer, own, plan.traffic, replica),
        break_even=even,
        community=_cheaper(choice, caches),
        spot=spot_machines(held, own, gpus, plan.traffic.availability_fraction),
        simulated=simulated,
    )


def _ends(plan: Plan, capacity: Quantity) -> tuple[float, float]:
    """Return a replica's rate at which as many machines are needed as at the p10 and the p90 of load over capacity.

    Twice the volume needs the machines of half the capacity.
    """
    volume = plan.case.scenario.uncertainty.volume
    if volume is None:
        return capacity.high, capacity.low
    fast, slow = capacity.high / capacity.value, capacity.value / capacity.low if capacity.low else inf
    return (
        capacity.value * float(joint_factor(1 / volume.p10, fast)),
        capacity.value / float(joint_factor(volume.p90, slow)),
    )


def _cheaper(choice: Choice, caches: float) -> CheaperOffer | None:
    held, usd = choice.community, choice.community_usd_per_month
    if held is None or usd is None:
        return None
    return CheaperOffer(
        rental=held.offer.name,
        usd_per_month=usd + caches,
        why_not="its operators are third parties; hosting.self_hosted.community: true allows it",
    )


def _cache_fees(plan: Plan) -> float:
    """Return what the response caches cost, before the machines as before the API. [USD/month]"""
    return sum(line.usd_per_month for line in plan.cost.lines if line.name in IN_FRONT)


def _break_even(plan: Plan, choice: Choice, *, same: bool) -> BreakEven | None:
    """Set what the API takes beyond the caches, which both sides pay, against the machines."""
    workload, cost = plan.workload, plan.cost
    calls = cost.usd_per_month - _cache_fees(plan)
    if plan.own.quality_equivalent:
        statement = f"quality_equivalent: true is your word that {plan.model.id} may stand in"
    else:
        statement = (
            "the API serves the same model"
            if same
            else f"only if {plan.model.id} is good enough, which is not stated"
        )
    return break_even(
        choice.fleet.offer,
        plan.own,
        workload,
        gpus=choice.candidate.configuration.gpus,
        requests_per_s=choice.candidate.capacity.requests_per_s,
        reaching_fraction=max(reaching_fraction(plan.case), 1e-9),
        api_usd_per_request=calls / workload.requests_per_month,
        statement=statement,
        availability_fraction=plan.traffic.availability_fraction,
    )
