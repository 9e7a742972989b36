"""The most that a replica serves within the limits, for many configurations at once."""

from __future__ import annotations

import numpy as np

from planner.planning.hosting.configurations import Configuration
from planner.planning.hosting.load_curve import LoadCurves
from planner.records import dataclass
from planner.specs.answers.serving import Capacity, CapacityBound, Latency
from planner.specs.base import Quantity
from planner.specs.profiles.serving import Spread
from planner.specs.scenario.scenario import Slo
from planner.units import MS_PER_S, FloatArray

ENDS = 3  #: as predicted, as slow, and as fast as the interval allows
BOUNDS: tuple[CapacityBound, ...] = ("TTFT limit", "TPOT limit", "e2e limit", "KV pool")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Slowness:
    """Truth over prediction, by end of the interval and configuration: as predicted, slow, fast."""

    ttft: FloatArray
    tpot: FloatArray


def capacities(
    configurations: tuple[Configuration, ...], curves: LoadCurves, slo: Slo
) -> tuple[Capacity, ...]:
    """Return each configuration's capacity with the interval that the fit's errors leave.

    The interval's ends are the capacities of replicas as slow, and as fast, as the 80 % interval allows.
    """
    ends = _slowness(configurations)
    (best, worst, most), binding = _searched(curves, slo, ends)
    found = []
    for row, configuration in enumerate(configurations):
        chosen = configuration.chosen
        rate = Quantity(
            value=float(best[row]),
            low=min(float(worst[row]), float(best[row])),
            high=max(float(most[row]), float(best[row])),
            grade=chosen.grade,
        )
        bound = _named(BOUNDS[int(binding[row])], configuration, curves, row)
        found.append(
            Capacity(
                requests_per_s=rate,
                in_flight=_between(curves.requests_per_s, curves.in_flight, row, rate.value),
                limited_by=bound,
                reason=_reason(bound, curves, slo, row) if rate.value <= 0 else f"{bound} is reached",
                profile=chosen.profile.id,
                grade=chosen.grade,
                notices=chosen.notices,
            )
        )
    return tuple(found)


def latency_at(configuration: Configuration, curves: LoadCurves, row: int, requests_per_s: float) -> Latency:
    """Return the 95th percentiles of a configuration at a load."""
    profile, width, grade = (
        configuration.chosen.profile,
        configuration.chosen.width,
        configuration.chosen.grade,
    )

    def quantity(values: FloatArray, spread: Spread) -> Quantity:
        value = _between(curves.requests_per_s, values, row, requests_per_s)
        return Quantity(
            value=value, low=value * spread.high**-width, high=value * spread.low**-width, grade=grade
        )

    return Latency(
        ttft_s=quantity(curves.ttft_s, profile.ttft),
        tpot_s=quantity(curves.tpot_s, profile.tpot),
        e2e_s=quantity(curves.e2e_s, profile.tpot),
    )


def _slowness(configurations: tuple[Configuration, ...]) -> _Slowness:
    def factors(metric: str) -> FloatArray:
        spreads: list[Spread] = [getattr(each.chosen.profile, metric) for each in configurations]
        widths = [each.chosen.width for each in configurations]
        ends = [[(1.0, s.low**-width, s.high**-width)] for s, width in zip(spreads, widths, strict=True)]
        return np.array(ends).transpose(2, 0, 1)

    return _Slowness(ttft=factors("ttft"), tpot=factors("tpot"))


def _searched(curves: LoadCurves, slo: Slo, slowness: _Slowness) -> tuple[FloatArray, FloatArray]:
    """Return the highest rates within all limits, and which limit ends the first of them; 0 where none is held.

    Each use of a limit rises with the load, so the capacity is where the first of them reaches 1.
    """
    crossings = _crossing(_uses(curves, slo, slowness))
    place = crossings.min(axis=0)
    rates = np.log(curves.requests_per_s)
    index = np.clip(place.astype(int), 0, rates.shape[1] - 2)
    rows = np.arange(rates.shape[0])
    share = place - index
    found = np.exp(rates[rows, index] * (1.0 - share) + rates[rows, index + 1] * share)
    return np.where(place < 0, 0.0, found / slowness.tpot[:, :, 0]), crossings[:, 0].argmin(axis=0)


def _uses(curves: LoadCurves, slo: Slo, slowness: _Slowness) -> FloatArray:
    """Return the logarithm of use over limit: in the order of ``BOUNDS``, by end, configuration and load."""
    used = np.stack(
        [
            curves.ttft_s * slowness.ttft,
            curves.tpot_s * slowness.tpot,
            curves.e2e_s * slowness.tpot,
            np.broadcast_to(curves.used_fraction, (ENDS, *curves.used_fraction.shape)),
        ]
    )
    limits = [*(slo.limits_s.get(name, np.inf) for name in ("TTFT", "TPOT", "e2e")), 1.0]
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(used / np.array(limits)[:, None, None, None]))


def _crossing(use: FloatArray) -> FloatArray:
    """Return where each curve first rises above 0, in columns; -1 at once, the last column never."""
    last = use.shape[-1] - 1
    above = use > 0
    first = np.where(above.any(axis=-1), above.argmax(axis=-1), last + 1)
    after = np.clip(first, 1, last)[..., None]
    before, beyond = (np.take_along_axis(use, at, axis=-1)[..., 0] for at in (after - 1, after))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = -before / (beyond - before)
    inner = after[..., 0] - 1 + np.where(np.isfinite(share), share, 0.0)
    return np.where(first == 0, -1.0, np.where(first > last, float(last), inner))


def _between(given: FloatArray, wanted: FloatArray, row: int, at: float) -> float:
    """Interpolate between the points of a curve in logarithms; its ends are held."""
    if at <= 0:
        return float(wanted[row, 0])
    return float(np.exp(np.interp(np.log(at), np.log(given[row]), np.log(wanted[row]))))


def _named(bound: CapacityBound, configuration: Configuration, curves: LoadCurves, row: int) -> CapacityBound:
    """Tell the pool from the engine's own limit on sequences."""
    full = float(curves.in_flight[row, -1]) >= configuration.memory.max_sequences
    return "max_num_seqs" if bound == "KV pool" and full else bound


def _reason(bound: CapacityBound, curves: LoadCurves, slo: Slo, row: int) -> str:
    """Say what a lonely request takes, and what it may take."""
    if bound in {"KV pool", "max_num_seqs"}:
        return "the KV pool has no room for the requests that meet in it"
    name = bound.removesuffix(" limit")
    predicted = {"TTFT": curves.ttft_s, "TPOT": curves.tpot_s, "e2e": curves.e2e_s}[name][row, 0]
    return f"a lonely request takes {time_text(float(predicted))} at p95, the {bound} is {time_text(slo.limits_s[name])}"


def time_text(time_s: float) -> str:
    """Write a time in seconds, or in milliseconds below one second.

    >>> time_text(12.3456), time_text(0.0789)
    ('12.35 s', '78.9 ms')
    """
    return f"{time_s:,.4g} s" if time_s >= 1 else f"{time_s * MS_PER_S:.4g} ms"
