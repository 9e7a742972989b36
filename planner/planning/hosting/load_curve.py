"""Percentiles of a replica's latency over the load, for many configurations at once."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from planner.formulas.queueing import (
    in_flight_deviation,
    lifetime_average_share,
    lognormal_scv,
    quantile_of_sum,
    variability_factor,
    wait_quantile_s,
)
from planner.formulas.traffic import Z_P95
from planner.planning.hosting.configurations import Configuration, Stack, stacked, steady_states
from planner.planning.prediction.step_model import Load, step_s
from planner.records import dataclass
from planner.specs.workload import TokenStats, Workload
from planner.units import FloatArray, Numeric, Ratio

POINTS = (
    40  #: loads on a curve, evenly spaced in the logarithm: between two of them logarithms are interpolated
)
IDLEST = 0.02  #: requests in flight at the idle end of a curve
P95 = 0.95
FULLEST = 0.99  #: share of the time spent on prompts up to which their queue is computed
LEAST_ELASTICITY = 0.02  #: a replica whose throughput rises less than this has no steady state to speak of


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """What a replica is asked: lengths of prompt and answer, and how bursty requests come. [tokens, 1]"""

    prompt: TokenStats
    answer: TokenStats
    burstiness: Ratio


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


def demand_of(workload: Workload) -> Demand:
    """Return what the scenario's requests ask of a replica: hidden tokens are written like visible ones."""
    shown, hidden = workload.output_tokens, workload.reasoning_tokens
    mean = shown.mean + hidden.mean
    spread = shown if shown.mean >= hidden.mean else hidden
    answer = TokenStats(
        mean=max(mean, 1.0),
        p50=max(shown.p50 + hidden.p50, 1.0),
        p95=max(shown.p95 + hidden.p95, 1.0),
        p99=max(shown.p99 + hidden.p99, 1.0),
        sigma=spread.sigma,
    )
    given = workload.input_tokens
    prompt = replace(given, mean=max(given.mean, 1.0), p95=max(given.p95, 1.0))
    return Demand(prompt=prompt, answer=answer, burstiness=workload.burstiness)


def spread_sigma(tokens: TokenStats) -> float:
    """Return the log-normal spread of a length, from its percentiles where it was not given as one."""
    if tokens.sigma > 0 or tokens.p50 <= 0 or tokens.p95 <= tokens.p50:
        return tokens.sigma
    return math.log(tokens.p95 / tokens.p50) / Z_P95


def load_curves(configurations: tuple[Configuration, ...], demand: Demand) -> LoadCurves:
    """Return how latency grows with load for each configuration.

    A request that comes finds the mean number in flight beside itself, so it sees the steady state of one more. How
    far the number strays from its mean follows from how fast throughput rises with it.
    """
    prompt, answer = demand.prompt.mean, demand.answer.mean
    stack = stacked(configurations, tokens=prompt + answer)
    most = np.maximum(stack.room, 2 * IDLEST)
    in_flight = IDLEST * (most / IDLEST) ** np.linspace(0.0, 1.0, POINTS)
    seen = _steps(stack, demand, np.minimum(in_flight + 1.0, np.maximum(stack.room, 1.0)))
    first = _first_token(stack, demand, seen)
    steps = answer - 1.0
    rate = np.maximum.accumulate(in_flight / (first.mean_s + seen.tpot_s * steps), axis=1)
    elasticity = np.clip(_slopes(np.log(rate)) / _slopes(np.log(in_flight)), LEAST_ELASTICITY, 1.0)
    deviation = in_flight_deviation(in_flight=in_flight, elasticity=elasticity, burstiness=demand.burstiness)
    crowd = in_flight + 1.0 + Z_P95 * deviation * np.sqrt(lifetime_average_share(elasticity))
    busy = steady_states(
        stack,
        concurrency=np.minimum(crowd, np.maximum(stack.room, 1.0)),
        input_tokens=prompt,
        output_tokens=answer,
    )
    tpot = quantile_of_sum(seen.tpot_s, busy.tpot_s - seen.tpot_s, _unlucky(demand, seen))
    e2e = quantile_of_sum(
        first.mean_s + steps * seen.tpot_s,
        first.p95_s - first.mean_s,
        steps * (tpot - seen.tpot_s),
        (demand.answer.p95 - answer) * seen.tpot_s,
    )
    return LoadCurves(
        in_flight=in_flight,
        requests_per_s=np.asarray(rate),
        ttft_s=np.asarray(first.p95_s),
        tpot_s=np.asarray(tpot),
        e2e_s=np.asarray(e2e),
        used_fraction=np.asarray((in_flight + Z_P95 * deviation) / stack.room),
    )


def _slopes(values: FloatArray) -> FloatArray:
    return np.gradient(values, axis=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Steps:
    """Steps with so many requests in flight: without and with prompts, and how often prompts come. [s, 1]"""

    decode_s: FloatArray
    mixed_s: FloatArray
    """With the prompts that come in one step."""
    shared_s: FloatArray
    """With a prompt of one's own beside them."""
    full_s: FloatArray
    """With as many prompts as one step takes."""
    most_prompts: FloatArray
    tpot_s: FloatArray
    prompts_per_step: FloatArray
    chunks: FloatArray
    busy_fraction: FloatArray
    longer_s: FloatArray
    """What a prompt at the 95th percentile of lengths adds to the first token of a lonely request."""


def _steps(stack: Stack, demand: Demand, concurrency: FloatArray) -> _Steps:
    """Evaluate all loads, and a lonely request with a usual and with a long prompt, in one go."""
    prompt, answer = demand.prompt.mean, demand.answer.mean
    lonely = np.ones((concurrency.shape[0], 2))
    lengths = np.full((1, concurrency.shape[1] + 2), prompt)
    lengths[0, -1] = demand.prompt.p95
    state = steady_states(
        stack,
        concurrency=np.concatenate((concurrency, lonely), axis=1),
        input_tokens=lengths,
        output_tokens=answer,
    )
    running, tpot, decode, ttft = (
        np.asarray(values) for values in (state.running, state.tpot_s, state.tpot_alone_s, state.ttft_s)
    )
    prompts = np.maximum(running[:, :-2] - 1.0, 0.0) / answer
    chunks = np.ceil(prompt / np.asarray(stack.limits.batched_tokens))
    most = np.broadcast_to(np.maximum(stack.limits.batched_tokens / prompt, 1.0), prompts.shape)
    kinds = np.stack((np.clip(prompts, 1.0, most), np.minimum(1.0 + prompts, most), most))
    mixed, shared, full = _mixed_s(stack, demand, running[:, :-2], kinds, chunks)
    each = mixed / np.maximum(prompts, 1.0)
    return _Steps(
        decode_s=decode[:, :-2],
        mixed_s=mixed,
        shared_s=shared,
        full_s=full,
        most_prompts=most,
        tpot_s=tpot[:, :-2],
        prompts_per_step=prompts,
        chunks=chunks,
        busy_fraction=np.clip(prompts * chunks * each / tpot[:, :-2], 0.0, 1.0),
        longer_s=ttft[:, -1:] - ttft[:, -2:-1],
    )


def _mixed_s(
    stack: Stack, demand: Demand, running: FloatArray, prompts: FloatArray, chunks: FloatArray
) -> FloatArray:
    """Return the time of a step with ``prompts`` prompts, or one chunk of a long one, beside ``running`` sequences [s]."""
    prompt = demand.prompt.mean
    load = Load(
        sequences=0.0 if stack.limits.separate_prefill else running,
        context_tokens=prompt + demand.answer.mean / 2.0,
        prefill_tokens=prompts * prompt / chunks,
        prefill_prompts=prompts,
        attended_tokens=prompt / 2.0,
    )
    return np.asarray(step_s(stack.operand, stack.coefficients, load, prefill=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class _FirstToken:
    mean_s: Numeric
    p95_s: Numeric


def _first_token(stack: Stack, demand: Demand, seen: _Steps) -> _FirstToken:
    """Return TTFT: the rest of the running step, prompts in front beyond what one takes, and the own prompt's steps."""
    prompt = demand.prompt
    full = seen.full_s * seen.chunks / seen.most_prompts
    load = np.minimum(seen.prompts_per_step / seen.tpot_s * full, FULLEST)
    spread = variability_factor(
        arrival_scv=demand.burstiness, service_scv=lognormal_scv(spread_sigma(prompt))
    )
    queue = load / (2.0 * (1.0 - load)) * full * spread
    longer_ones = 1.0 + lognormal_scv(spread_sigma(prompt))
    rest = (
        (1.0 - seen.busy_fraction) * seen.decode_s + seen.busy_fraction * seen.mixed_s * longer_ones
    ) / 2.0
    own = stack.coefficients["first_token_s"] + seen.chunks * seen.shared_s
    late = wait_quantile_s(mean_wait_s=queue, utilization_fraction=load, quantile_fraction=P95)
    unlucky = np.maximum(
        P95 * seen.decode_s,
        seen.mixed_s * longer_ones * (1.0 - (1.0 - P95) / np.maximum(seen.busy_fraction, 1e-9)),
    )
    mean = own + rest + queue
    return _FirstToken(mean_s=mean, p95_s=quantile_of_sum(mean, seen.longer_s, late - queue, unlucky - rest))


def _unlucky(demand: Demand, seen: _Steps) -> Numeric:
    """Return what TPOT gains at its 95th percentile from more, or longer, prompts than usual beside an answer [s]."""
    answer = demand.answer.p50
    met = seen.prompts_per_step * answer
    each = (
        np.maximum(seen.mixed_s - seen.decode_s, 0.0) * seen.chunks / np.maximum(seen.prompts_per_step, 1.0)
    )
    spread = variability_factor(
        arrival_scv=demand.burstiness, service_scv=lognormal_scv(spread_sigma(demand.prompt))
    )
    return Z_P95 * np.sqrt(met * spread) * each / answer
