"""Open models on rented GPUs: the smallest number of whole machines that holds peak and targets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from planner.errors import DataError, UsageError
from planner.formulas.hosting import (
    break_even_requests_per_month,
    machines_usd_per_month,
    replicas_needed,
    whole_machines,
    with_redundancy,
)
from planner.planning.architecture import unpack
from planner.planning.fit import fit_vllm
from planner.planning.rental_price import RentalQuote, rental_price_in_force, rentals_of
from planner.planning.serving import capacity, serving_point
from planner.specs.case import Case
from planner.specs.estimate import ApiCost, HostingOption
from planner.specs.fit import Fit, FitRequest
from planner.specs.hardware import HardwareSpec
from planner.specs.hosting import Purchase, SelfHosted
from planner.specs.model import ModelSpec
from planner.specs.rental import GpuRental
from planner.specs.scenario import Slo
from planner.specs.serving import Capacity
from planner.specs.workload import Workload
from planner.units import MS_PER_S, SECONDS_PER_DAY

TENSOR_PARALLEL = (1, 2, 4, 8)
MOST_REPLICAS = 256  # as far as the step function of the break-even is followed


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sized:
    """One configuration that holds, with the machines it takes."""

    gpus: int
    quantization: str
    served: Capacity
    loaded: int
    replicas: int
    machines: int
    quote: RentalQuote
    gpu_count: int

    @property
    def usd_per_month(self) -> float:
        return machines_usd_per_month(self.machines, self.quote.usd_per_hour)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """What all configurations of one model share."""

    case: Case
    own: SelfHosted
    workload: Workload
    model: ModelSpec
    as_of: date


def self_hosted_options(
    case: Case, own: SelfHosted, workload: Workload, cost: ApiCost, as_of: date
) -> Iterator[HostingOption]:
    """Yield the cheapest configuration of each open model on each GPU, or why there is none."""
    twins = {case.books.api.rows[model.model].open_model for model in cost.by_model}
    models = own.models or tuple(sorted(name for name in twins if name is not None))
    for name in models:
        model = case.books.models.find(name)
        plan = _Plan(case=case, own=own, workload=workload, model=model, as_of=as_of)
        same = twins in ({name}, {model.id})
        for gpu in _gpus(case, own):
            for purchase in own.purchase:
                option = _best(plan, gpu, purchase, cost)
                yield _judged(option, case, own, same=same)


def _gpus(case: Case, own: SelfHosted) -> tuple[HardwareSpec, ...]:
    if own.gpus:
        return tuple(case.books.hardware.find(name) for name in own.gpus)
    rented = dict.fromkeys(rental.gpu for rental in case.books.rentals.values())
    rows = (case.books.hardware.rows[gpu] for gpu in rented)
    return tuple(
        row for row in rows if row.vendor == "nvidia"
    )  # the serving model knows vLLM on NVIDIA so far


def _judged(option: HostingOption, case: Case, own: SelfHosted, *, same: bool) -> HostingOption:
    reasons = list(option.refused)
    if case.scenario.constraints.data == "on_device":
        reasons.append("the data rule is on_device")
    if not own.quality_equivalent and not same:
        reasons.append(f"quality_equivalent is not stated for {option.model}")
    return replace(option, refused=tuple(reasons), quality_equivalent=own.quality_equivalent or same)


def _best(plan: _Plan, gpu: HardwareSpec, purchase: Purchase, cost: ApiCost) -> HostingOption:
    """Return the cheapest configuration on one GPU type, or the refusal that came closest."""
    refusals: list[str] = []
    found: list[_Sized] = []
    quotes = _quotes(plan, gpu, purchase)
    if not quotes:
        refusals.append(f"the books have no {purchase.replace('_', ' ')} price for it")
    for quantization in plan.own.quantization if quotes else ():
        for gpus in _tensor_parallel(plan.own):
            sized = _sized(plan, gpu, quantization, gpus, quotes)
            if isinstance(sized, str):
                refusals.append(f"{quantization} on {gpus}: {sized}")
            else:
                found.append(sized)
    name = f"{plan.model.id} on {gpu.id}"
    if not found:
        return HostingOption(
            kind="self_hosted",
            name=name,
            usd_per_month=None,
            grade="datasheet",
            model=plan.model.id,
            gpu=gpu.id,
            purchase=purchase,
            refused=(refusals[-1] if refusals else "nothing to try",),
        )
    best = min(found, key=lambda sized: (sized.usd_per_month, sized.gpus))
    return _option(plan, gpu, purchase, best, cost)


def _tensor_parallel(own: SelfHosted) -> tuple[int, ...]:
    return TENSOR_PARALLEL if isinstance(own.tensor_parallel, str) else (own.tensor_parallel,)


def _quotes(plan: _Plan, gpu: HardwareSpec, purchase: Purchase) -> list[tuple[RentalQuote, GpuRental]]:
    if purchase == "owned":
        return []
    rentals = plan.case.books.rentals
    clouds = plan.own.clouds
    region = plan.case.scenario.constraints.data.partition("region:")[2]
    allowed = [
        row
        for row in rentals.values()
        if (row.cloud in clouds if clouds else _is_firm(row, plan.as_of))
        and (not region or row.region.startswith(region))
    ]
    quotes = rentals_of(allowed, gpu.id, purchase, plan.as_of)
    return [(quote, rentals[quote.rental]) for quote in quotes]


def _is_firm(row: GpuRental, as_of: date) -> bool:
    """Tell a list price from a market price of one day; the latter counts only for a cloud that is asked for."""
    return rental_price_in_force(row, as_of).confidence != "low"


def _sized(
    plan: _Plan,
    gpu: HardwareSpec,
    quantization: str,
    gpus: int,
    quotes: Sequence[tuple[RentalQuote, GpuRental]],
) -> _Sized | str:
    """Return the machines that a configuration takes, or why it cannot be."""
    workload, slo = plan.workload, plan.case.scenario.slo
    try:
        fit = _fit(plan, gpu, quantization, gpus)
        if not fit.fits:
            return fit.reason
        served = _capacity(plan, gpu, quantization, gpus, fit, slo)
    except (UsageError, DataError) as error:
        return error.message
    if served.concurrency < 1 or served.requests_per_s.value <= 0:
        return served.reason
    loaded = replicas_needed(
        workload.peak_requests_per_s, served.requests_per_s.value, plan.own.max_utilization
    )
    replicas = with_redundancy(loaded, plan.own.redundancy)
    fitting = [
        (quote, rental.gpu_count, whole_machines(replicas, gpus, rental.gpu_count))
        for quote, rental in quotes
        if rental.gpu_count >= gpus
    ]
    if not fitting:
        return f"no machine in the books has {gpus} of them"
    quote, gpu_count, machines = min(fitting, key=lambda each: each[0].usd_per_hour * each[2])
    return _Sized(
        gpus=gpus,
        quantization=quantization,
        served=served,
        loaded=loaded,
        replicas=replicas,
        machines=machines,
        quote=quote,
        gpu_count=gpu_count,
    )


def _fit(plan: _Plan, gpu: HardwareSpec, quantization: str, gpus: int) -> Fit:
    workload = plan.workload
    longest = math.ceil(
        workload.input_tokens.p99 + workload.output_tokens.p99 + workload.reasoning_tokens.p99
    )
    request = FitRequest(
        quantization=quantization,
        kv_dtype=plan.own.kv_dtype,
        tensor_parallel=gpus,
        context_tokens=max(longest, 1),
    )
    return fit_vllm(unpack(plan.model), gpu, request, plan.case.vllm_memory)


def _capacity(plan: _Plan, gpu: HardwareSpec, quantization: str, gpus: int, fit: Fit, slo: Slo) -> Capacity:
    workload = plan.workload
    output = max(workload.output_tokens.mean + workload.reasoning_tokens.mean, 1.0)
    tokens = workload.input_tokens.mean + output
    return capacity(
        plan.model,
        gpu,
        engine="vllm",
        tensor_parallel=gpus,
        quantization=quantization,
        kv_dtype=plan.own.kv_dtype,
        input_tokens=max(workload.input_tokens.mean, 1.0),
        output_tokens=output,
        ttft_limit_s=slo.ttft_p95_ms / MS_PER_S if slo.ttft_p95_ms else None,
        tpot_limit_s=slo.tpot_p95_ms / MS_PER_S if slo.tpot_p95_ms else None,
        e2e_limit_s=slo.e2e_p95_s,
        max_concurrency=max(fit.kv_pool_tokens / tokens, 1.0),
    )


def _option(plan: _Plan, gpu: HardwareSpec, purchase: str, best: _Sized, cost: ApiCost) -> HostingOption:
    workload = plan.workload
    load = workload.peak_requests_per_s / best.loaded / best.served.requests_per_s.value
    output = max(workload.output_tokens.mean + workload.reasoning_tokens.mean, 1.0)
    point = serving_point(
        plan.model,
        gpu,
        engine="vllm",
        tensor_parallel=best.gpus,
        quantization=best.quantization,
        kv_dtype=plan.own.kv_dtype,
        input_tokens=max(workload.input_tokens.mean, 1.0),
        output_tokens=output,
        concurrency=max(1.0, best.served.concurrency * load),
    )
    return HostingOption(
        kind="self_hosted",
        name=f"{plan.model.id} {best.quantization} on {best.gpus} × {gpu.id}, {best.quote.rental}",
        usd_per_month=best.usd_per_month,
        grade="datasheet",
        model=plan.model.id,
        gpu=gpu.id,
        gpus_per_replica=best.gpus,
        replicas=best.replicas,
        machines=best.machines,
        rental=best.quote.rental,
        purchase=purchase,
        quantization=best.quantization,
        usd_per_hour=best.quote.usd_per_hour,
        ttft_s=point.ttft_p95_s,
        tpot_s=point.tpot_p95_s,
        requests_per_s_per_replica=best.served.requests_per_s,
        utilisation_fraction=load,
        bound_by=best.served.limited_by,
        break_even_requests_per_day=_break_even(plan, best, cost),
        notices=best.quote.notices,
    )


def _break_even(plan: _Plan, best: _Sized, cost: ApiCost) -> float | None:
    """Solve for the daily volume on the step function of whole machines, at the scenario's shape and redundancy."""
    workload, own = plan.workload, plan.own
    per_replica = best.served.requests_per_s.value * own.max_utilization / workload.peak_to_mean
    monthly = per_replica * SECONDS_PER_DAY * workload.days_per_month
    steps = range(1, MOST_REPLICAS + 1)
    machines = [whole_machines(with_redundancy(n, own.redundancy), best.gpus, best.gpu_count) for n in steps]
    volume = break_even_requests_per_month(
        api_usd_per_request=cost.usd_per_request,
        usd_per_month_by_replicas=tuple(machines_usd_per_month(n, best.quote.usd_per_hour) for n in machines),
        requests_per_month_by_replicas=tuple(monthly * n for n in steps),
    )
    return volume / workload.days_per_month if volume is not None else None
