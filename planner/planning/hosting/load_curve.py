"""Percentiles of a replica's latency over the load, for many configurations at once."""

from __future__ import annotations

import math

import numpy as np

from planner.formulas.queueing import (
    lifetime_average_share,
    lognormal_scv,
    quantile_of_pair,
    quantile_of_sum,
    strayed_in_flight,
    stretched_deviation_s,
    variability_factor,
    wait_quantile_s,
)
from planner.formulas.traffic import Z_P95
from planner.planning.hosting.configurations import Configuration, Stack, stacked
from planner.planning.hosting.load_steps import Demand, LoadSteps, spread_sigma, steps_at
from planner.records import dataclass
from planner.units import FloatArray

POINTS = (
    40  #: loads on a curve, evenly spaced in the logarithm: between two of them logarithms are interpolated
)
IDLEST = 0.02  #: requests in flight at the idle end of a curve
P95 = 0.95
FULLEST = 0.99  #: share of the time spent on prompts up to which their queue is computed
LEAST_ELASTICITY = 0.02  #: a replica whose throughput rises less than this has no steady state to speak of
# Arrivals crowd a replica and bring prompts at once. The number in flight, averaged over an answer of constant length,
# has two thirds of its variance, and half of the covariance with the arrivals of that time: 0.5/√(2/3) = 0.6. What the
# prompts' own delays bring with them is in their part already; the rest agrees with the simulator at 896 points.
CROWD_AND_PROMPTS = 0.4
STRAYS = 2  #: rounds in which elasticity is taken between the mean and its quantile; a third changes nothing
# Weights of the middle and of the 5th and 95th percentiles in the mean of a skewed number (Pearson and Tukey 1965).
MIDDLE, TAILS = 0.63, 0.185


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadCurves:
    """One row a configuration, one column a load from idle to full; times are 95th percentiles."""

    in_flight: FloatArray
    requests_per_s: FloatArray
    ttft_s: FloatArray
    tpot_s: FloatArray
    e2e_s: FloatArray
    used_fraction: FloatArray
    """Requests in flight at their 95th percentile over those that have room."""


def load_curves(configurations: tuple[Configuration, ...], demand: Demand) -> LoadCurves:
    """Return how latency grows with load for each configuration.

    All is computed once for so many in flight, and read off there: a request that comes finds the mean number beside
    itself, and an unlucky one a crowd. How far the number strays follows from how fast throughput rises with it.
    """
    stack = stacked(configurations, tokens=demand.prompt.mean + demand.answer.mean)
    grid = _grid(stack)
    steps = steps_at(stack, demand, grid.in_flight)
    first = _first_token(stack, demand, steps)
    written = demand.answer.mean - 1.0
    rate = np.maximum.accumulate(grid.in_flight / (steps.loop_ttft_s + written * steps.tpot_s), axis=1)
    mean, high, elasticity = _crowds(grid, rate, demand.burstiness)
    seen = np.minimum(mean + 1.0, grid.most)
    calm = np.sqrt(lifetime_average_share(elasticity))
    crowd = np.minimum(mean + 1.0 + calm * (high - mean), grid.most)
    tpot = grid.at(steps.tpot_s, seen)
    late_tpot = quantile_of_pair(
        tpot,
        grid.at(steps.tpot_s, crowd) - tpot,
        grid.at(_unlucky(demand, steps), seen),
        correlation=CROWD_AND_PROMPTS,
    )
    ttft = grid.at(first.own_s, seen) - np.expm1(-mean) * grid.at(first.running_s, seen)
    late = grid.at(first.late_s, seen)
    e2e = quantile_of_sum(
        ttft + written * tpot,
        late,
        written * (late_tpot - tpot),
        (demand.answer.p95 - demand.answer.mean) * tpot,
    )
    return LoadCurves(
        in_flight=mean,
        requests_per_s=rate,
        ttft_s=np.maximum.accumulate(ttft + late, axis=1),
        tpot_s=np.maximum.accumulate(late_tpot, axis=1),
        e2e_s=np.maximum.accumulate(e2e, axis=1),
        used_fraction=high / stack.room,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Grid:
    """Requests in flight at which a curve is computed, evenly spaced in the logarithm from idle to full."""

    in_flight: FloatArray
    most: FloatArray
    """Most that run at once, at least one."""
    columns_per_log: FloatArray

    def at(self, values: FloatArray, in_flight: FloatArray) -> FloatArray:
        """Interpolate ``values`` of the grid's columns at other numbers in flight; its ends are held."""
        place = np.log(np.maximum(in_flight, IDLEST) / IDLEST) * self.columns_per_log
        place = np.minimum(place, POINTS - 1.0)
        column = np.minimum(place.astype(np.int64), POINTS - 2)
        low = np.take_along_axis(values, column, axis=1)
        high = np.take_along_axis(values, column + 1, axis=1)
        return np.asarray(low + (place - column) * (high - low))


def _grid(stack: Stack) -> _Grid:
    most = np.maximum(stack.room, 2 * IDLEST)
    return _Grid(
        in_flight=IDLEST * (most / IDLEST) ** np.linspace(0.0, 1.0, POINTS),
        most=np.maximum(stack.room, 1.0),
        columns_per_log=(POINTS - 1) / np.log(most / IDLEST),
    )


def _crowds(grid: _Grid, rate: FloatArray, burstiness: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the mean and the 95th percentile of the requests in flight at each rate, and throughput's elasticity.

    Elasticity falls from a quiet replica to a crowded one. Up to a quantile it counts as it is a third of the way
    there, which is a third of that at the middle and two thirds of the mean slope in between.
    """
    logs, flying = np.log(rate), grid.in_flight
    local = np.clip(_slopes(logs) / _slopes(np.log(flying)), LEAST_ELASTICITY, 1.0)

    def strayed(deviations: float) -> FloatArray:
        elasticity = local
        for _ in range(STRAYS):
            there = strayed_in_flight(
                in_flight=flying, elasticity=elasticity, burstiness=burstiness, deviations=deviations
            )
            there = np.maximum(there, IDLEST / 2.0)
            way = np.log(there / flying)
            slope = (grid.at(logs, there) - logs) / np.where(way, way, 1.0)
            elasticity = np.clip(local / 3.0 + slope * 2.0 / 3.0, LEAST_ELASTICITY, 1.0)
        return np.asarray(there)

    low, high = strayed(-Z_P95), strayed(Z_P95)
    mean = MIDDLE * flying + TAILS * (low + high)
    return mean, np.maximum(high - 0.5, mean), local  # a count: half of one is the correction for continuity


def _slopes(values: FloatArray) -> FloatArray:
    return np.gradient(values, axis=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _FirstToken:
    """Parts of TTFT among so many in flight [s]."""

    own_s: FloatArray
    """The prompts in front beyond what one step takes, and the own prompt's steps."""
    running_s: FloatArray
    """What is left of the running step, and the next where it is planned already: nothing on an idle replica."""
    late_s: FloatArray
    """What the 95th percentile adds to the mean."""


def _first_token(stack: Stack, demand: Demand, steps: LoadSteps) -> _FirstToken:
    prompt = demand.prompt
    full = steps.full_s * steps.chunks / steps.most_prompts
    load = np.minimum(steps.prompts_per_step / steps.tpot_s * full, FULLEST)
    spread = variability_factor(
        arrival_scv=demand.burstiness, service_scv=lognormal_scv(spread_sigma(prompt))
    )
    queue = load / (2.0 * (1.0 - load)) * full * spread
    longer_ones = 1.0 + lognormal_scv(spread_sigma(prompt))
    busy, mixed = steps.busy_fraction, steps.mixed_s
    rest = ((1.0 - busy) * steps.decode_s + busy * mixed * longer_ones) / 2.0
    planned = steps.tpot_s if stack.plans_ahead else np.zeros_like(rest)
    late = wait_quantile_s(mean_wait_s=queue, utilization_fraction=load, quantile_fraction=P95)
    unlucky = np.maximum(
        P95 * steps.decode_s, mixed * longer_ones * (1.0 - (1.0 - P95) / np.maximum(busy, 1e-9))
    )
    often = steps.prompts_per_step * steps.chunks > 1.0 - P95
    behind = np.where(often & stack.plans_ahead, mixed - planned, 0.0)
    return _FirstToken(
        own_s=np.asarray(stack.coefficients["first_token_s"] + queue + steps.chunks * steps.shared_s),
        running_s=rest + planned,
        late_s=np.asarray(quantile_of_sum(0.0, steps.longer_s, late - queue, unlucky - rest, behind)),
    )


def _unlucky(demand: Demand, steps: LoadSteps) -> FloatArray:
    """Return what TPOT gains at its 95th percentile from more, or longer, prompts than usual beside an answer [s].

    Short answers stray most: the mean of one over a log-normal length is that over its mean by ``exp(-σ²)``.
    """
    answer = demand.answer.mean * math.exp(-(spread_sigma(demand.answer) ** 2))
    spread = variability_factor(
        arrival_scv=demand.burstiness, service_scv=lognormal_scv(spread_sigma(demand.prompt))
    )
    deviation = stretched_deviation_s(
        arrivals=steps.prompts_per_step * answer,
        service_s=steps.each_s,
        variability=spread,
        utilization_fraction=steps.prompts_per_step * steps.each_s / steps.tpot_s,
    )
    return np.asarray(Z_P95 * deviation / answer)
