"""Derivations of the hosting options: machines, rent, energy, and the predictions behind them."""

from __future__ import annotations

from collections.abc import Mapping

from planner.formulas.hosting import replicas_needed, whole_machines, with_redundancy
from planner.formulas.machine_cost import energy_usd, machines_usd_per_month, owned_usd_per_hour
from planner.planning.explain.calls import reaching
from planner.planning.explain.derivation import (
    Derived,
    Function,
    Operand,
    between,
    chosen,
    known,
    modelled,
    of,
    product,
    stated,
    total,
)
from planner.planning.explain.leaves import (
    Scene,
    constant,
    hardware_leaf,
    rental_leaf,
)
from planner.planning.explain.predictions import PREDICTED, option_at, own_key, predicted
from planner.planning.hosting.break_even import break_even
from planner.planning.hosting.edge import USD_PER_KWH
from planner.specs.answers.estimate import HostingOption
from planner.units import HOURS_PER_MONTH

OWNED_KEYS = ("price_usd", "amortization_years", "pue", "usd_per_kwh")
A_MONTH = constant(
    "hours_per_month", HOURS_PER_MONTH, "planner/units.py HOURS_PER_MONTH", "365 · 24 / 12, as clouds bill"
)


def _monthly(s: Scene, at: str) -> Derived:
    option = option_at(s, at)
    if option.kind == "api":
        return stated(s.ref("cost.usd_per_month", "usd_per_month at the API"))
    if option.kind == "edge":
        return _energy(s, at, option)
    plan = option.plan
    caches = (
        (s.ref(f"{at}.plan.caches_usd_per_month"),) if plan is not None and plan.caches_usd_per_month else ()
    )
    if plan is not None and plan.daily is not None and own_key(s, "autoscale.enabled").value is True:
        return total(s.ref(f"{at}.plan.daily.autoscaled_usd_per_month"), *caches)
    rule = "machines × usd_per_hour × hours_per_month"
    return Derived(
        rule=f"{rule} + caches_usd_per_month" if caches else rule,
        operands=(s.ref(f"{at}.machines"), s.ref(f"{at}.usd_per_hour"), A_MONTH, *caches),
        formula=machines_usd_per_month,
        replay=lambda machines, usd, hours, fees=0.0: machines * usd * hours + fees,
    )


def _energy(s: Scene, at: str, option: HostingOption) -> Derived:
    """Return the energy of a device: its draw over the time that the answers take."""
    device = s.case.books.hardware.find(option.gpu or "")
    tariff = constant(
        "usd_per_kwh", USD_PER_KWH, "planner/planning/hosting/edge.py USD_PER_KWH", "assumed household tariff"
    )
    operands = (
        hardware_leaf(device, "tdp_w", device.tdp_w),
        s.ref("workload.requests_per_month"),
        *_speed(s, at),
        tariff,
    )
    return modelled(
        energy_usd,
        *operands,
        note="busy time is requests × mean time of one answer, as the serving model predicts it",
    )


def _speed(s: Scene, at: str) -> tuple[Operand, ...]:
    """Return the predictions of an option that its other numbers rest on."""
    option = option_at(s, at)
    return tuple(s.ref(f"{at}.{name}.value", name) for name in PREDICTED if getattr(option, name) is not None)


def _replicas(s: Scene, at: str) -> Derived:
    option = option_at(s, at)
    served = known(option.requests_per_s_per_replica, "requests_per_s_per_replica")
    share = own_key(s, "max_utilization")
    peak = peak_of(s)
    each = s.ref(f"{at}.requests_per_s_per_replica.value", "requests_per_s_per_replica")
    loaded = of(replicas_needed, peak, each, share)
    needed = replicas_needed(float(str(peak.value)), served.value, float(str(share.value)))
    return of(with_redundancy, between("replicas_needed", needed, loaded), own_key(s, "redundancy"))


def peak_of(s: Scene) -> Operand:
    """Return the peak that machines carry: what response caches answer does not reach them."""
    peak, behind = s.ref("workload.peak_requests_per_s"), reaching(s)
    if not behind:
        return peak
    value = s.estimate.workload.peak_requests_per_s * float(str(behind[0].value))
    return between("peak_behind_caches_requests_per_s", value, product(peak, *behind))


def _machines(s: Scene, at: str) -> Derived:
    option = option_at(s, at)
    rental = option.rental or ""
    if option.purchase == "owned":
        per_machine = own_key(s, "owned.gpu_count")
    else:
        per_machine = rental_leaf(s, rental, "gpu_count", s.case.books.rentals[rental].gpu_count)
    held = (s.ref(f"{at}.replicas"), s.ref(f"{at}.gpus_per_replica"), per_machine)
    if option.plan is None or not option.plan.spare_for_interruptions:
        return of(whole_machines, *held)
    return Derived(
        rule="whole_machines(replicas, gpus_per_replica, gpu_count) + spare_for_interruptions",
        operands=(*held, s.ref(f"{at}.plan.spare_for_interruptions")),
        formula=whole_machines,
        replay=lambda replicas, gpus, count, spare: whole_machines(replicas, gpus, count) + spare,
    )


def _rent(s: Scene, at: str) -> Derived:
    option = option_at(s, at)
    if option.purchase == "owned":
        return _owned(s, option)
    field = f"{option.purchase}_usd_per_hour"
    return stated(rental_leaf(s, option.rental or "", field, option.usd_per_hour))


def _owned(s: Scene, option: HostingOption) -> Derived:
    """Return what an hour of a machine of one's own costs: its price over its life, and its power."""
    power = own_key(s, "owned.power_w")
    if power.value is None:
        device, gpus = s.case.books.hardware.find(option.gpu or ""), own_key(s, "owned.gpu_count")
        drawn = product(hardware_leaf(device, "tdp_w", device.tdp_w), gpus)
        power = between("power_w", (device.tdp_w or 0.0) * float(str(gpus.value)), drawn)
    price, years, pue, tariff = (own_key(s, f"owned.{name}") for name in OWNED_KEYS)

    def replay(*given: float) -> float:
        usd, life, draw, effectiveness, kwh = given
        return owned_usd_per_hour(
            price_usd=usd, amortization_years=life, power_w=draw, pue=effectiveness, usd_per_kwh=kwh
        )

    operands = (price, years, power, pue, tariff)
    names = ", ".join(operand.name for operand in operands)
    rule = f"owned_usd_per_hour({names})"
    return Derived(rule=rule, operands=operands, formula=owned_usd_per_hour, replay=replay)


def _gpus(s: Scene, at: str) -> Derived:
    option = option_at(s, at)
    if option.kind == "edge":
        one = constant("devices", 1, "planner/planning/hosting/edge.py", "a device serves its own user")
        return stated(one)
    wanted = own_key(s, "tensor_parallel")
    value = option.gpus_per_replica
    tried = Operand(name="tensor_parallel", value=value, origin=wanted.origin)
    rule = "the tensor parallelism that costs least" if wanted.value == "auto" else "tensor_parallel"
    return chosen(tried, rule=rule, note="auto tries 1, 2, 4 and 8" if wanted.value == "auto" else None)


def _load(s: Scene, at: str) -> Derived:
    served = known(option_at(s, at).requests_per_s_per_replica, "requests_per_s_per_replica")
    share = own_key(s, "max_utilization")
    peak = peak_of(s)
    needed = replicas_needed(float(str(peak.value)), served.value, float(str(share.value)))
    per_replica = s.ref(f"{at}.requests_per_s_per_replica.value", "requests_per_s_per_replica")
    loaded = of(replicas_needed, peak, per_replica, share)
    return Derived(
        rule="peak_requests_per_s ÷ replicas_needed ÷ requests_per_s_per_replica",
        operands=(
            peak,
            between("replicas_needed", needed, loaded),
            per_replica,
        ),
        replay=lambda rate, replicas, each: rate / replicas / each,
        note="with the redundant replica lost",
    )


def crossing(s: Scene, at: str) -> Derived:
    """Return what the search for the break-even looks at."""
    operands = (
        s.ref("cost.usd_per_request"),
        s.ref(f"{at}.usd_per_hour"),
        s.ref(f"{at}.requests_per_s_per_replica.value", "requests_per_s_per_replica"),
        s.ref("workload.peak_to_mean"),
        own_key(s, "max_utilization"),
        own_key(s, "redundancy"),
    )
    note = "the volume at which the API's bill meets the rent, searched along the steps of whole machines"
    return modelled(break_even, *operands, note=note)


FIELDS: Mapping[str, Function] = {
    "usd_per_month": _monthly,
    "gpus_per_replica": _gpus,
    "replicas": _replicas,
    "machines": _machines,
    "usd_per_hour": _rent,
    "utilisation_fraction": _load,
    "break_even_requests_per_day": crossing,
    **{f"{what}.{end}": predicted(what, end) for what in PREDICTED for end in ("value", "low", "high")},
}


def _in_list(derive: Function) -> Function:
    return lambda s, index: derive(s, f"recommendation.options[{index}]")


def _of_choice(field: str) -> Function:
    """Return a number of the chosen option, which is one of the options."""

    def derive(s: Scene) -> Derived:
        place = s.estimate.recommendation.options.index(option_at(s, "recommendation.hosting"))
        return stated(s.ref(f"recommendation.options[{place}].{field}", field.split(".", maxsplit=1)[0]))

    return derive


OPTIONS: Mapping[str, Function] = {
    **{f"recommendation.options[*].{field}": _in_list(derive) for field, derive in FIELDS.items()},
    **{f"recommendation.hosting.{field}": _of_choice(field) for field in FIELDS},
}
