"""Machines that can be had with a GPU, and how many of them carry a number of replicas at what price."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np

from planner.formulas.hosting import (
    enough_up_fraction,
    loaded_replicas,
    machines_against_interruptions,
    replicas_needed,
    whole_machines,
    with_redundancy,
)
from planner.formulas.machine_cost import machines_usd_per_month, owned_usd_per_hour
from planner.planning.hosting.rental_price import rental_price_in_force, rentals_of
from planner.records import dataclass
from planner.specs.answers.hosting_plan import SpotMachines
from planner.specs.base import Notice
from planner.specs.books.hardware import HardwareSpec
from planner.specs.books.rental import GpuRental
from planner.specs.scenario.hosting import OwnedHardware, Purchase, SelfHosted
from planner.units import HOURS_PER_MONTH, SECONDS_PER_HOUR, Count, FloatArray

AVAILABILITY = (
    0.999  #: share of the time in which enough spot machines are up, unless slo.availability says more
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """One machine type at the price of one way to buy it."""

    name: str
    purchase: Purchase
    usd_per_hour: float
    gpu_count: int
    community: bool = False
    notices: tuple[Notice, ...] = ()

    @property
    def by_the_hour(self) -> bool:
        """Whether a machine that is given back costs nothing."""
        return self.purchase in {"on_demand", "spot"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fleet:
    """Replicas on whole machines that hold a peak with the redundancy lost."""

    offer: Offer
    loaded: Count
    replicas: Count
    machines: Count
    spare: Count
    """Machines among them that stand in for interrupted ones."""

    @property
    def usd_per_month(self) -> float:
        """Rent of all machines, all month. [USD/month]"""
        return machines_usd_per_month(self.machines, self.offer.usd_per_hour)


def rented_offers(
    rentals: Mapping[str, GpuRental], own: SelfHosted, gpu: str, purchase: Purchase, region: str, as_of: date
) -> tuple[Offer, ...]:
    """Return the machines that a cloud rents out, community offers among them; cheapest per GPU first.

    A market price of one day counts only where its cloud is named.
    """
    if purchase == "owned":
        return ()
    allowed = [
        row
        for row in rentals.values()
        if row.gpu == gpu
        and (row.cloud in own.clouds if own.clouds else row.community or _is_firm(row, as_of))
        and row.region.startswith(region)
    ]
    return tuple(
        Offer(
            name=quote.rental,
            purchase=purchase,
            usd_per_hour=quote.usd_per_hour,
            gpu_count=rentals[quote.rental].gpu_count,
            community=rentals[quote.rental].community and not (own.clouds or own.community),
            notices=quote.notices,
        )
        for quote in rentals_of(allowed, gpu, purchase, as_of)
    )


def _is_firm(row: GpuRental, as_of: date) -> bool:
    return rental_price_in_force(row, as_of).confidence != "low"


def owned_offer(owned: OwnedHardware, gpu: HardwareSpec) -> Offer | str:
    """Return the machine of one's own, or what is missing to price it."""
    power_w = owned.power_w or (gpu.tdp_w or 0.0) * owned.gpu_count
    if not power_w:
        return f"the books have no TDP of {gpu.id}: state hosting.self_hosted.owned.power_w"
    usd_per_hour = owned_usd_per_hour(
        price_usd=owned.price_usd,
        amortization_years=owned.amortization_years,
        power_w=power_w,
        pue=owned.pue,
        usd_per_kwh=owned.usd_per_kwh,
    )
    return Offer(name="owned", purchase="owned", usd_per_hour=usd_per_hour, gpu_count=owned.gpu_count)


def fleet(
    offer: Offer,
    own: SelfHosted,
    *,
    peak_requests_per_s: float,
    requests_per_s_per_replica: float,
    gpus: int,
    availability_fraction: float | None = None,
) -> Fleet:
    """Return the machines of one offer that hold a peak. The offer's machine must hold a replica.

    Raises
    ------
    ValueError
        When a replica serves nothing.
    """
    loaded = replicas_needed(peak_requests_per_s, requests_per_s_per_replica, own.max_utilization)
    replicas = with_redundancy(loaded, own.redundancy)
    machines = whole_machines(replicas, gpus, offer.gpu_count)
    spare = 0
    if offer.purchase == "spot":
        enough = machines_against_interruptions(
            needed=whole_machines(loaded, gpus, offer.gpu_count),
            away_fraction=away_fraction(own),
            availability_fraction=availability_fraction or AVAILABILITY,
        )
        spare = max(enough - machines, 0)
    return Fleet(offer=offer, loaded=loaded, replicas=replicas, machines=machines + spare, spare=spare)


def away_fraction(own: SelfHosted) -> float:
    """Return the share of the time in which a spot machine is being replaced. [fraction]"""
    lost_hours = own.spot.interruptions_per_month * away_s(own) / SECONDS_PER_HOUR
    return lost_hours / (HOURS_PER_MONTH + lost_hours)


def away_s(own: SelfHosted) -> float:
    """Return the time from an interruption until the next machine serves. [s]"""
    return own.spot.replacement_s + own.autoscale.cold_start_s


def spot_machines(
    held: Fleet, own: SelfHosted, gpus: int, availability_fraction: float | None
) -> SpotMachines | None:
    """Return how a fleet bears interruptions; ``None`` where nobody takes a machine away."""
    if held.offer.purchase != "spot":
        return None
    needed = whole_machines(held.loaded, gpus, held.offer.gpu_count)
    return SpotMachines(
        interruptions_per_month=own.spot.interruptions_per_month,
        away_s=away_s(own),
        away_fraction=away_fraction(own),
        enough_up_fraction=enough_up_fraction(
            machines=held.machines, needed=needed, away_fraction=away_fraction(own)
        ),
        wanted_fraction=availability_fraction or AVAILABILITY,
    )


def carried_replicas(
    machines: FloatArray,
    gpus: int,
    offer: Offer,
    own: SelfHosted,
    availability_fraction: float | None = None,
) -> FloatArray:
    """Return the replicas that carry load on so many machines, each number one more than the one before.

    The redundancy is lost, and of spot machines as many as interruptions may take.
    """
    each = offer.gpu_count // gpus
    carried: FloatArray = np.asarray(loaded_replicas(machines * each, own.redundancy))
    if offer.purchase != "spot":
        return carried
    most, wanted = int(machines[-1]), availability_fraction or AVAILABILITY
    run = [0]
    while run[-1] <= most:
        run.append(
            machines_against_interruptions(
                needed=len(run), away_fraction=away_fraction(own), availability_fraction=wanted
            )
        )
    up = np.searchsorted(run, machines, side="right") - 1
    return np.asarray(np.minimum(carried, up * each))
