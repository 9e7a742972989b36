"""What the steps of a replica take among so many requests in flight, for many configurations at once."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from planner.formulas.arrivals import arrivals_beside, arrivals_together
from planner.formulas.step_time import collision_s
from planner.formulas.traffic import Z_P95
from planner.planning.hosting.configurations import Stack
from planner.planning.prediction.step_model import Load, step_s
from planner.records import dataclass
from planner.specs.scenario.workload import TokenStats, Workload
from planner.units import FloatArray, Ratio


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """What a replica is asked: lengths of prompt and answer, and how bursty requests come. [tokens, 1]"""

    prompt: TokenStats
    answer: TokenStats
    burstiness: Ratio


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


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadSteps:
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
    each_s: FloatArray
    """What a prompt adds to the steps that it is in."""
    prompts_per_step: FloatArray
    chunks: FloatArray
    busy_fraction: FloatArray
    loop_ttft_s: FloatArray
    """To the first token where a new request starts when one ends."""
    longer_s: FloatArray
    """What a prompt at the 95th percentile of lengths adds to the first token of a lonely request."""


def steps_at(stack: Stack, demand: Demand, in_flight: FloatArray) -> LoadSteps:
    """Evaluate all loads, and a lonely request with a usual and with a long prompt, in one go."""
    answer = demand.answer.mean
    lonely = np.ones((in_flight.shape[0], 2))
    lengths = np.full((1, in_flight.shape[1] + 2), demand.prompt.mean)
    lengths[0, -1] = demand.prompt.p95
    running = np.minimum(np.concatenate((in_flight, lonely), axis=1), stack.room)
    batched = np.asarray(stack.limits.batched_tokens)
    prompts = np.maximum(running - 1.0, 0.0) / answer
    chunks = np.ceil(lengths / batched)
    most = np.broadcast_to(np.maximum(batched / lengths, 1.0), prompts.shape)
    together = np.minimum(arrivals_together(per_step=prompts, burstiness=demand.burstiness), most)
    beside_one = arrivals_beside(per_step=prompts, burstiness=demand.burstiness)
    kinds = np.stack((together, np.minimum(1.0 + beside_one, most), most))
    beside = Load(sequences=running, context_tokens=lengths + answer / 2.0)
    decode = np.asarray(step_s(stack.operand, stack.coefficients, beside, prefill=False))
    mixed, shared, full = _mixed_s(stack, beside, lengths, kinds, chunks)
    extra = mixed if stack.limits.separate_prefill else np.maximum(mixed - decode, 0.0)
    each = extra * chunks / together
    tpot = decode + prompts * each
    busy = np.clip(prompts * chunks * mixed / together / tpot, 0.0, 1.0)
    service = chunks * mixed
    alone = stack.coefficients["first_token_s"] + decode / 2.0 + service
    wait = collision_s(utilization_fraction=busy, service_s=service / together, others=running - 1.0)
    usual = slice(None, -2)
    return LoadSteps(
        decode_s=decode[:, usual],
        mixed_s=mixed[:, usual],
        shared_s=shared[:, usual],
        full_s=full[:, usual],
        most_prompts=most[:, usual],
        tpot_s=tpot[:, usual],
        each_s=each[:, usual],
        prompts_per_step=prompts[:, usual],
        chunks=chunks[:, usual],
        busy_fraction=busy[:, usual],
        loop_ttft_s=(alone + wait)[:, usual],
        longer_s=alone[:, -1:] - alone[:, -2:-1],
    )


def _mixed_s(
    stack: Stack, beside: Load, lengths: FloatArray, prompts: FloatArray, chunks: FloatArray
) -> FloatArray:
    """Return the time of a step with ``prompts`` prompts, or one chunk of a long one, ``beside`` others [s]."""
    load = replace(
        beside,
        sequences=0.0 if stack.limits.separate_prefill else beside.sequences,
        prefill_tokens=prompts * lengths / chunks,
        prefill_prompts=prompts,
        attended_tokens=lengths / 2.0,
    )
    return np.asarray(step_s(stack.operand, stack.coefficients, load, prefill=True))
