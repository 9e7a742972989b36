"""Open models on rented or owned GPUs: the cheapest whole machines that hold peak and targets, for each GPU type."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from planner.errors import UsageError
from planner.planning.bill.response_caches import reaching_fraction
from planner.planning.hosting.candidates import Candidate, Choice, Plan, Sized, Weighed
from planner.planning.hosting.capacity import capacities
from planner.planning.hosting.configurations import Configuration, Workbench
from planner.planning.hosting.hosting_plan import hosted_option
from planner.planning.hosting.load_curve import LoadCurves, load_curves
from planner.planning.hosting.load_steps import demand_of
from planner.planning.hosting.machines import Fleet, Offer, owned_offer, rented_offers
from planner.planning.hosting.sizing import Replica, fleet_for, hosted_traffic, usd_per_month
from planner.planning.memory.schemes import supports
from planner.planning.memory.shortage import shortage_reason
from planner.planning.workload.tokens import workload_hosted
from planner.records import dataclass
from planner.specs.answers.estimate import ApiCost, HostingOption
from planner.specs.answers.fit import FitRequest
from planner.specs.answers.serving import CapacityBound
from planner.specs.books.hardware import HardwareSpec
from planner.specs.case import Case
from planner.specs.refusal import Refusal, RefusalKind
from planner.specs.scenario.hosting import Purchase, SelfHosted
from planner.specs.scenario.workload import Workload

TENSOR_PARALLEL = (1, 2, 4, 8)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tried:
    """All configurations of one model: those that fit, and why the others do not."""

    candidates: tuple[Candidate, ...]
    curves: LoadCurves | None
    refused: dict[str, Refusal]
    """GPU -> what is wrong with the last configuration tried on it."""


def self_hosted_options(
    case: Case, own: SelfHosted, workload: Workload, cost: ApiCost, as_of: date, workbench: Workbench
) -> Iterator[Weighed]:
    """Yield the cheapest configuration of each open model on each GPU, or why there is none."""
    twins = {case.books.api.rows[model.model].open_model for model in cost.by_model}
    models = own.models or tuple(sorted(name for name in twins if name is not None))
    traffic = hosted_traffic(
        workload,
        reaching_fraction=max(reaching_fraction(case), 1e-9),
        availability_fraction=case.scenario.slo.availability,
    )
    for name in models:
        model = case.books.models.find(name)
        plan = Plan(
            case=case,
            own=own,
            workload=workload_hosted(case, workload, model),
            traffic=traffic,
            cost=cost,
            model=model,
            as_of=as_of,
            workbench=workbench,
        )
        same = twins in ({name}, {plan.model.id})
        gpus = _gpus(case, own, workbench)
        weighed = _weigh(plan, gpus)
        for gpu in gpus:
            for purchase in own.purchase:
                found = _option(plan, weighed, gpu, purchase, same=same)
                yield replace(found, option=judged(found.option, case, own, same=same))


def _gpus(case: Case, own: SelfHosted, workbench: Workbench) -> tuple[HardwareSpec, ...]:
    if own.gpus:
        return tuple(case.books.hardware.find(name) for name in own.gpus)
    rentals = case.books.rentals
    names = workbench.once(
        ("rentable", id(rentals)), rentals, lambda: tuple(dict.fromkeys(row.gpu for row in rentals.values()))
    )
    rows = (case.books.hardware.rows[gpu] for gpu in names)  # looked at by every scenario: a lock keeps them
    return tuple(row for row in rows if row.vendor == "nvidia")  # the fits know engines on NVIDIA so far


def judged(option: HostingOption, case: Case, own: SelfHosted, *, same: bool) -> HostingOption:
    """Return an option with what speaks against it beside the machines."""
    reasons = list(option.refused)
    if case.scenario.constraints.data == "on_device":
        reasons.append(Refusal(kind="data rule", words="the data rule is on_device"))
    if not own.quality_equivalent and not same:
        words = f"quality_equivalent is not stated for {option.model}"
        reasons.append(Refusal(kind="quality", words=words))
    return replace(option, refused=tuple(reasons), quality_equivalent=own.quality_equivalent or same)


def _weigh(plan: Plan, gpus: tuple[HardwareSpec, ...]) -> _Tried:
    """Work out the capacity of every configuration that fits, all of them at once."""
    fitting: list[Configuration] = []
    refused: dict[str, Refusal] = {}
    for gpu in gpus:
        for quantization in plan.own.quantization:
            for ranks in _tensor_parallel(plan.own):
                found = _fitting(plan, gpu, quantization, ranks)
                if isinstance(found, Refusal):
                    refused[gpu.id] = replace(found, words=f"{quantization} on {ranks}: {found}")
                else:
                    fitting.append(found)
    if not fitting:
        return _Tried(candidates=(), curves=None, refused=refused)
    rows = tuple(fitting)
    curves = load_curves(rows, demand_of(plan.workload))
    served = capacities(rows, curves, plan.case.scenario.slo)
    candidates = []
    for row, (configuration, capacity) in enumerate(zip(rows, served, strict=True)):
        if capacity.requests_per_s.value > 0:
            candidates.append(Candidate(configuration=configuration, capacity=capacity, row=row))
        else:
            words = f"{configuration.quantization} on {configuration.gpus}: {capacity.reason}"
            refused[configuration.hardware.id] = Refusal(kind=_kind(capacity.limited_by), words=words)
    return _Tried(candidates=tuple(candidates), curves=curves, refused=refused)


def _kind(bound: CapacityBound) -> RefusalKind:
    """Return why not even a lonely request is served, by the limit that it breaks."""
    return "memory" if bound in {"KV pool", "max_num_seqs"} else "latency"


def _tensor_parallel(own: SelfHosted) -> tuple[int, ...]:
    return TENSOR_PARALLEL if isinstance(own.tensor_parallel, str) else (own.tensor_parallel,)


def _fitting(plan: Plan, gpu: HardwareSpec, quantization: str, ranks: int) -> Configuration | Refusal:
    """Return a configuration with room for the longest request, or why there is none."""
    found = plan.workbench.configuration(
        plan.model,
        gpu,
        engine=plan.own.engine,
        quantization=quantization,
        kv_dtype=plan.own.kv_dtype,
        gpus=ranks,
    )
    if isinstance(found, str):
        return Refusal(kind="support", words=found)
    sizes = (plan.workload.input_tokens, plan.workload.output_tokens, plan.workload.reasoning_tokens)
    longest = math.ceil(sum(size.p99 for size in sizes))
    request = FitRequest(quantization=quantization, tensor_parallel=ranks, context_tokens=max(longest, 1))
    try:
        reason = shortage_reason(plan.model, gpu, request, found.memory)
    except UsageError as error:  # a request beyond the model's context
        return Refusal(kind="support", words=error.message)
    if reason is None:
        return found
    runs = supports(gpu, found.memory.weights.scheme) != "no"
    return Refusal(kind="memory" if runs else "support", words=reason)


def _option(plan: Plan, weighed: _Tried, gpu: HardwareSpec, purchase: Purchase, *, same: bool) -> Weighed:
    offers = _offers(plan, gpu, purchase)
    if isinstance(offers, str):
        return _refusal(plan, gpu, purchase, Refusal(kind="market", words=offers))
    mine = [each for each in weighed.candidates if each.configuration.hardware is gpu]
    if not mine or weighed.curves is None:
        nothing = Refusal(kind="support", words="nothing to try")
        return _refusal(plan, gpu, purchase, weighed.refused.get(gpu.id, nothing))
    choice = _cheapest(plan, mine, offers)
    if choice is None:
        fewest = min(each.configuration.gpus for each in mine)
        words = f"no machine in the books has {fewest} of them"
        return _refusal(plan, gpu, purchase, Refusal(kind="market", words=words))
    sized = Sized(plan=plan, choice=choice, curves=weighed.curves, same=same)
    return Weighed(option=hosted_option(sized), sized=sized)


def _refusal(plan: Plan, gpu: HardwareSpec, purchase: Purchase, reason: Refusal) -> Weighed:
    option = HostingOption(
        kind="self_hosted",
        name=f"{plan.model.id} on {gpu.id}",
        usd_per_month=None,
        grade="datasheet",
        model=plan.model.id,
        gpu=gpu.id,
        purchase=purchase,
        refused=(reason,),
    )
    return Weighed(option=option)


def _offers(plan: Plan, gpu: HardwareSpec, purchase: Purchase) -> tuple[Offer, ...] | str:
    """Return the machines with a GPU that can be bought in a way, or why there are none."""
    own, rentals = plan.own, plan.case.books.rentals
    if purchase == "owned":
        offer = _owned(plan, gpu)
        return offer if isinstance(offer, str) else (offer,)
    region = plan.case.scenario.constraints.data.partition("region:")[2]
    key = ("offers", id(rentals), own.clouds, own.community, gpu.id, purchase, region, plan.as_of)
    found = plan.workbench.once(
        key, rentals, lambda: rented_offers(rentals, own, gpu.id, purchase, region, plan.as_of)
    )
    return found or f"the books have no {purchase.replace('_', ' ')} price for it"


def _owned(plan: Plan, gpu: HardwareSpec) -> Offer | str:
    """Return the machine of one's own that has this GPU, or why there is none."""
    own = plan.own
    if own.owned is None:
        return "hosting.self_hosted.owned does not say what the machine costs"
    named = own.owned.gpu
    if named is None and len(own.gpus) != 1:
        return "hosting.self_hosted.owned does not say which GPUs its machine has: owned.gpu"
    if named is not None and plan.case.books.hardware.find(named).id != gpu.id:
        return f"the machine of hosting.self_hosted.owned has {named}"
    return owned_offer(own.owned, gpu)


def _cheapest(plan: Plan, candidates: list[Candidate], offers: tuple[Offer, ...]) -> Choice | None:
    """Return the cheapest configuration on the cheapest offer; fewer GPUs where the price is the same."""
    found: list[tuple[float, int, Candidate, Fleet]] = []
    community: list[tuple[float, int, Fleet]] = []
    for each in candidates:
        gpus = each.configuration.gpus
        replica = Replica(requests_per_s=each.capacity.requests_per_s.value, gpus=gpus)
        for offer in offers:
            if offer.gpu_count < gpus:
                continue
            held = fleet_for(offer, plan.own, plan.traffic, replica)
            scaled = plan.own.autoscale.enabled and offer.by_the_hour
            usd = usd_per_month(offer, plan.own, plan.traffic, replica) if scaled else held.usd_per_month
            if offer.community:
                community.append((usd, gpus, held))
            else:
                found.append((usd, gpus, each, held))
    if not found:
        return None
    best = min(found, key=lambda one: one[:2])
    cheap = min(community, key=lambda one: one[:2], default=None)
    chosen = Choice(candidate=best[2], fleet=best[3], usd_per_month=best[0], community=None)
    if cheap is None or cheap[0] >= best[0]:
        return chosen
    return replace(chosen, community=cheap[2], community_usd_per_month=cheap[0])
