"""Derivations of what stands behind a self-hosted option: hours, months, interval, break-even."""

from __future__ import annotations

from collections.abc import Mapping

from planner.formulas.hosting import enough_up_fraction, machines_against_interruptions, replicas_needed
from planner.planning.explain.derivation import (
    Derived,
    Function,
    Operand,
    known,
    modelled,
    of,
    product,
    quotient,
    stated,
    total,
)
from planner.planning.explain.leaves import Scene, constant, rental_leaf
from planner.planning.explain.options import A_MONTH, crossing, peak_of
from planner.planning.explain.predictions import option_at, own_key
from planner.planning.hosting.break_even import break_even
from planner.planning.hosting.confirmation import NEAR_REQUESTS
from planner.planning.hosting.hosting_plan import IN_FRONT
from planner.planning.hosting.machines import AVAILABILITY, away_fraction
from planner.planning.hosting.peak_simulation import simulated_peak
from planner.planning.hosting.sizing import daily_machines, fleet_for, growth_steps

CAPACITY = "requests_per_s_per_replica"


def _serving(s: Scene, at: str) -> Derived:
    each = s.ref(f"{at}.{CAPACITY}.value", CAPACITY)
    return of(replicas_needed, peak_of(s), each, own_key(s, "max_utilization"))


def _end(end: str, formula: Function) -> Function:
    """Return the derivation of a figure at one end of the capacity's interval."""

    def derive(s: Scene, at: str) -> Derived:
        operands = (
            peak_of(s),
            s.ref(f"{at}.{CAPACITY}.{end}", CAPACITY),
            *(() if s.case.scenario.uncertainty.volume is None else (s.key("uncertainty.volume"),)),
            s.ref(f"{at}.gpus_per_replica"),
            own_key(s, "max_utilization"),
            own_key(s, "redundancy"),
            s.ref(f"{at}.usd_per_hour"),
        )
        return modelled(
            formula,
            *operands,
            note=f"as the option is sized, for the {end} end of what a replica serves over what the volume may be",
        )

    return derive


def _spare(s: Scene, at: str) -> Derived:
    if option_at(s, at).purchase != "spot":
        rule, note = "0 unless spot", "only spot machines are interrupted"
        return Derived(rule=rule, operands=(own_key(s, "purchase"),), replay=lambda _: 0, note=note)
    operands = (
        s.ref(f"{at}.plan.serving_replicas"),
        own_key(s, "spot.interruptions_per_month"),
        own_key(s, "spot.replacement_s"),
        s.key("slo.availability"),
    )
    return modelled(machines_against_interruptions, *operands, note="beyond the machines for redundancy")


def _caches(s: Scene, at: str) -> Derived:
    del at
    lines = s.estimate.cost.lines
    found = tuple(
        s.ref(f"cost.lines[{index}].usd_per_month", f"{line.name} usd_per_month")
        for index, line in enumerate(lines)
        if line.name in IN_FRONT
    )
    return (
        total(*found)
        if found
        else Derived(
            rule="0 without response caches", operands=(s.ref("cost.usd_per_month"),), replay=lambda *_: 0.0
        )
    )


def _months(s: Scene, at: str, *_: int) -> Derived:
    operands = (
        peak_of(s),
        s.ref("workload.growth_per_month_fraction"),
        s.ref("workload.horizon_months"),
        s.ref(f"{at}.{CAPACITY}.value", CAPACITY),
        s.ref(f"{at}.usd_per_hour"),
        own_key(s, "max_utilization"),
        own_key(s, "redundancy"),
    )
    return modelled(growth_steps, *operands, note="each month is sized like the first, at its own peak")


def _hours(s: Scene, at: str) -> Derived:
    operands = (
        s.ref("workload.mean_requests_per_s"),
        s.ref("workload.peak_to_mean"),
        s.ref(f"{at}.{CAPACITY}.value", CAPACITY),
        own_key(s, "autoscale.cold_start_s"),
    )
    return modelled(daily_machines, *operands, note="each hour is sized like the peak, at its own traffic")


def _hours_in(s: Scene, at: str, *_: int) -> Derived:
    return _hours(s, at)


def _of_spot(field: str) -> Function:
    def derive(s: Scene, at: str) -> Derived:
        del at
        return stated(own_key(s, field))

    return derive


def _away_s(s: Scene, at: str) -> Derived:
    del at
    return total(own_key(s, "spot.replacement_s"), own_key(s, "autoscale.cold_start_s"))


def _away(s: Scene, at: str) -> Derived:
    operands = (s.ref(f"{at}.plan.spot.interruptions_per_month"), s.ref(f"{at}.plan.spot.away_s"))
    return modelled(away_fraction, *operands, note="time away over time away and time up")


def _enough(s: Scene, at: str) -> Derived:
    operands = (
        s.ref(f"{at}.machines"),
        s.ref(f"{at}.plan.serving_replicas"),
        s.ref(f"{at}.plan.spot.away_fraction"),
    )
    return modelled(enough_up_fraction, *operands, note="machines are taken away independently")


def _wanted(s: Scene, at: str) -> Derived:
    del at
    stated_share = s.case.scenario.slo.availability
    if stated_share is not None:
        return stated(s.key("slo.availability"))
    return stated(
        constant(
            "availability",
            AVAILABILITY,
            "planner/planning/hosting/machines.py AVAILABILITY",
            "our assumption",
        )
    )


def _daily_usd(machines: str) -> Function:
    def derive(s: Scene, at: str) -> Derived:
        return product(s.ref(f"{at}.plan.daily.{machines}"), s.ref(f"{at}.usd_per_hour"), A_MONTH)

    return derive


def _cold_start(s: Scene, at: str) -> Derived:
    del at
    return stated(own_key(s, "autoscale.cold_start_s"))


def _horizon(s: Scene, at: str) -> Derived:
    del at
    return stated(s.ref("workload.horizon_months"))


def _cheaper(s: Scene, at: str) -> Derived:
    offer = known(known(option_at(s, at).plan, "plan").community, "community")
    row = s.case.books.rentals[offer.rental]
    price = row.prices[-1]
    purchase = option_at(s, at).purchase
    leaf = rental_leaf(
        s, offer.rental, f"{purchase}_usd_per_hour", getattr(price, f"{purchase}_usd_per_hour")
    )
    operands: tuple[Operand, ...] = (leaf, s.ref(f"{at}.plan.serving_replicas"), A_MONTH)
    return modelled(fleet_for, *operands, note="whole machines, as the option is sized")


def _even(s: Scene, at: str) -> Derived:
    return modelled(
        break_even, *crossing(s, at).operands, note="crossings of the bill and the steps of the rent"
    )


def _simulated_requests(s: Scene, at: str) -> Derived:
    peak = known(known(option_at(s, at).plan, "plan").simulated, "simulated")
    name = "NEAR_REQUESTS" if peak.requests == NEAR_REQUESTS else "SHOWN_REQUESTS"
    place = f"planner/planning/hosting/confirmation.py {name}"
    return stated(constant("requests", peak.requests, place, "enough for a 95th percentile"))


def _simulated_share(s: Scene, at: str) -> Derived:
    return quotient(peak_of(s), s.ref(f"{at}.plan.serving_replicas"))


def _simulated(s: Scene, at: str) -> Derived:
    operands = (
        s.ref(f"{at}.plan.simulated.requests"),
        s.ref(f"{at}.plan.simulated.requests_per_s"),
        s.ref("workload.burstiness"),
    )
    return modelled(
        simulated_peak, *operands, note="95th percentile of one serving replica's share, event by event"
    )


_FIELDS: Mapping[str, Function] = {
    "serving_replicas": _serving,
    "spare_for_interruptions": _spare,
    "machines_low": _end("high", fleet_for),
    "machines_high": _end("low", fleet_for),
    "usd_per_month_low": _end("high", fleet_for),
    "usd_per_month_high": _end("low", fleet_for),
    "caches_usd_per_month": _caches,
    "usd_horizon": _months,
    "horizon_months": _horizon,
    "daily.hours": _hours,
    "daily.schedule[*].hour": _hours_in,
    "daily.schedule[*].machines": _hours_in,
    "daily.fixed": _hours,
    "daily.least": _hours,
    "daily.most": _hours,
    "daily.mean": _hours,
    "daily.fixed_usd_per_month": _daily_usd("fixed"),
    "daily.autoscaled_usd_per_month": _daily_usd("mean"),
    "daily.cold_start_s": _cold_start,
    "break_even.requests_per_day.value": _even,
    "break_even.requests_per_day.low": _even,
    "break_even.requests_per_day.high": _even,
    "break_even.for_good_requests_per_day": _even,
    "break_even.for_good_low_requests_per_day": _even,
    "break_even.for_good_high_requests_per_day": _even,
    "break_even.crossings": _even,
    "community.usd_per_month": _cheaper,
    "spot.interruptions_per_month": _of_spot("spot.interruptions_per_month"),
    "spot.away_s": _away_s,
    "spot.away_fraction": _away,
    "spot.enough_up_fraction": _enough,
    "spot.wanted_fraction": _wanted,
    "simulated.requests": _simulated_requests,
    "simulated.requests_per_s": _simulated_share,
    "simulated.ttft_s": _simulated,
    "simulated.tpot_s": _simulated,
    "simulated.e2e_s": _simulated,
}
MONTHLY = tuple(f"growth[*].{name}" for name in ("month", "replicas", "machines", "usd_per_month"))


def _in_list(derive: Function) -> Function:
    return lambda s, option, *_: derive(s, f"recommendation.options[{option}]")


def _of_choice(field: str) -> Function:
    """Return a number of the chosen option, which is one of the options."""

    def derive(s: Scene, *places: int) -> Derived:
        recommended = s.estimate.recommendation
        place = recommended.options.index(option_at(s, "recommendation.hosting"))
        filled = field
        for each in places:
            filled = filled.replace("[*]", f"[{each}]", 1)
        return stated(s.ref(f"recommendation.options[{place}].plan.{filled}"))

    return derive


MACHINES: Mapping[str, Function] = {
    **{f"recommendation.options[*].plan.{field}": _in_list(derive) for field, derive in _FIELDS.items()},
    **{f"recommendation.options[*].plan.{field}": _in_list(_months) for field in MONTHLY},
    **{f"recommendation.hosting.plan.{field}": _of_choice(field) for field in (*_FIELDS, *MONTHLY)},
}
