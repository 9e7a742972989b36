"""Requests in a closed loop: throughput, TPOT and TTFT in the steady state, and as a published run averages them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from planner.formulas.step_time import burst_ttft_s, collision_s
from planner.planning.step_model import Load, Operands, step_s
from planner.units import Numeric

# InferenceMAX, whose tables use this protocol: ten times as many prompts as the concurrency, all started at once, so
# that one tenth of them is the burst; lengths uniform between 0.8 and 1.0 of the nominal.
BURST_FRACTION = 0.1
MEAN_LENGTH_FRACTION = 0.9


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What the engine allows: tokens of a step, sequences at once, tokens in the KV pool."""

    batched_tokens: Numeric = 8192.0
    max_sequences: Numeric = 1024.0
    pool_tokens: Numeric = np.inf
    separate_prefill: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopResult:
    """The steady state of a closed loop; ``ttft_burst_s`` is the mean over prompts that start together."""

    running: Numeric
    tpot_s: Numeric
    tpot_alone_s: Numeric
    ttft_s: Numeric
    ttft_burst_s: Numeric
    requests_per_s: Numeric
    prefill_fraction: Numeric

    @property
    def ttft_published_s(self) -> Numeric:
        """Mean over a run of ten times the concurrency that starts with a burst [s]."""
        return BURST_FRACTION * self.ttft_burst_s + (1 - BURST_FRACTION) * self.ttft_s


def closed_loop(
    operand: Operands,
    coefficients: Mapping[str, Numeric],
    limits: Limits,
    *,
    concurrency: Numeric,
    input_tokens: Numeric,
    output_tokens: Numeric,
) -> LoopResult:
    """Return the steady state with ``concurrency`` requests in flight; a new one starts when one ends.

    Per step ``running / output_tokens`` prompts arrive. Each lengthens as many steps as it has chunks; prompts that
    arrive in the same step share it. What does not fit into the pool or the sequence limit waits in front.
    """
    room = np.maximum(limits.pool_tokens / (input_tokens + output_tokens), 1.0)
    running = np.minimum(np.minimum(concurrency, limits.max_sequences), room)
    context = input_tokens + output_tokens / 2.0
    decode = step_s(operand, coefficients, Load(sequences=running, context_tokens=context), prefill=False)
    arrivals = np.maximum(running - 1.0, 0.0) / output_tokens
    shared = np.clip(arrivals, 1.0, np.maximum(limits.batched_tokens / input_tokens, 1.0))
    chunks = np.ceil(input_tokens / limits.batched_tokens)
    beside = 0.0 if limits.separate_prefill else running
    chunk = Load(
        sequences=beside,
        context_tokens=context,
        prefill_tokens=shared * input_tokens / chunks,
        prefill_prompts=shared,
        attended_tokens=input_tokens / 2.0,
    )
    mixed = step_s(operand, coefficients, chunk, prefill=True)
    extra = mixed if limits.separate_prefill else np.maximum(mixed - decode, 0.0)
    tpot = decode + arrivals * chunks * extra / shared
    service = chunks * mixed
    busy = np.minimum(arrivals / shared * service / tpot, 1.0)
    wait = collision_s(utilization_fraction=busy, service_s=service / shared, others=running - 1.0)
    first = coefficients["first_token_s"]
    ttft = first + decode / 2.0 + wait + service
    cycle = ttft + tpot * np.maximum(output_tokens - 1.0, 0.0)
    rate = running / cycle
    queued = np.maximum(concurrency - running, 0.0) / rate
    burst_tokens = np.minimum(limits.batched_tokens, running * input_tokens)
    full = Load(
        prefill_tokens=burst_tokens,
        prefill_prompts=burst_tokens / input_tokens,
        attended_tokens=input_tokens / 2.0,
    )
    burst = first + burst_ttft_s(
        concurrency=running,
        input_tokens=input_tokens,
        batched_tokens=limits.batched_tokens,
        full_step_s=step_s(operand, coefficients, full, prefill=True),
    )
    return LoopResult(
        running=running,
        tpot_s=tpot,
        tpot_alone_s=decode,
        ttft_s=ttft + queued,
        ttft_burst_s=burst,
        requests_per_s=rate,
        prefill_fraction=busy,
    )
