"""Requests in a closed loop: throughput, TPOT and TTFT in the steady state, and as a published run averages them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from planner.formulas.step_time import burst_ttft_s, collision_s, companions, rest_of_step_s
from planner.planning.prediction.step_model import Load, Operands, step_s
from planner.records import dataclass
from planner.units import Numeric

# InferenceMAX, whose tables use this protocol: ten times as many prompts as the concurrency, all started at once, so
# that one tenth of them is the burst; lengths uniform between 0.8 and 1.0 of the nominal.
BURST_FRACTION = 0.1
MEAN_LENGTH_FRACTION = 0.9
# All three servers prepare a step while another runs (vLLM's async scheduling, SGLang's and TensorRT-LLM's overlap
# schedulers): a request that comes finds the next step planned without it. Without this, TTFT of left-out models is 2 % worse.
PLANNED_STEPS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What the engine allows: tokens of a step, sequences at once, tokens in the KV pool."""

    batched_tokens: Numeric = 8192.0
    max_sequences: Numeric = 1024.0
    pool_tokens: Numeric = np.inf
    separate_prefill: bool = False
    stages: Numeric = 1.0
    inbox_steps: Numeric = 0.0
    """Steps between two looks for new requests."""
    batch_wait_steps: Numeric = 0.0
    """Steps that a prompt may be held back until others have come."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Savings:
    """What spares work: a prefix that is in the cache, and drafted tokens that the model only checks."""

    cached_fraction: Numeric = 0.0
    """Share of every prompt that all prompts have in common."""
    verified_tokens: Numeric = 1.0
    tokens_per_step: Numeric = 1.0
    draft_fraction: Numeric = 0.0
    """Time of drafting for a step, over a decoding step's."""


NOTHING_SAVED = Savings()


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
    savings: Savings = NOTHING_SAVED,
    lockstep: Numeric = 0.0,
) -> LoopResult:
    """Return the steady state with ``concurrency`` requests in flight; a new one starts when one ends.

    Per step ``running / output_tokens`` prompts arrive. Each lengthens as many steps as it has chunks; prompts that
    arrive in the same step share it. What does not fit into the pool or the sequence limit waits in front. Stages
    work on one batch each, in turns: as many loops as stages, each with its share of requests and pool.

    ``lockstep`` is 1 for requests of one length that all started together: those prefilled in one step end in one
    step, so their successors share a step as well and wait for no others. With separate prefill all of them decode
    side by side and end together: every wave is a burst, and who was prefilled first waits for the last.
    """
    shared_prefix = input_tokens * savings.cached_fraction
    fresh = input_tokens - shared_prefix
    room = np.maximum((limits.pool_tokens - shared_prefix) / (fresh + output_tokens) / limits.stages, 1.0)
    asked = np.maximum(concurrency / limits.stages, np.minimum(concurrency, 1.0))
    running = np.minimum(np.minimum(asked, limits.max_sequences / limits.stages), room)
    context = input_tokens + output_tokens / 2.0
    sequences = Load(sequences=running, context_tokens=context, verified_tokens=savings.verified_tokens)
    decode = step_s(operand, coefficients, sequences, prefill=False) * (1.0 + savings.draft_fraction)
    arrivals = np.maximum(running - 1.0, 0.0) * savings.tokens_per_step / output_tokens
    most = np.maximum(limits.batched_tokens / fresh, 1.0)
    gathered = arrivals * np.maximum(np.maximum(limits.inbox_steps, limits.batch_wait_steps), 1.0)
    together = np.where(lockstep, np.maximum(running, 1.0), gathered)
    shared = np.clip(together, 1.0, most)
    chunks = np.ceil(fresh / limits.batched_tokens)
    beside = 0.0 if limits.separate_prefill else running
    chunk = Load(
        sequences=beside,
        context_tokens=context,
        prefill_tokens=shared * fresh / chunks,
        prefill_prompts=shared,
        attended_tokens=shared_prefix + fresh / 2.0,
        verified_tokens=savings.verified_tokens,
    )
    mixed = step_s(operand, coefficients, chunk, prefill=True)
    extra = mixed if limits.separate_prefill else np.maximum(mixed - decode, 0.0)
    in_waves = np.logical_and(lockstep, limits.separate_prefill)
    own = np.minimum(shared, running)
    waves = (running - own) / 2.0 / np.maximum(output_tokens - 1.0, 1.0)
    step = decode + np.where(in_waves, waves, arrivals) * chunks * extra / shared
    tpot = step / savings.tokens_per_step
    service = chunks * mixed
    busy = np.minimum(arrivals / shared * service / step, 1.0)
    first = coefficients["first_token_s"]
    ttft = first + np.where(
        lockstep,
        decode / 2.0 + service,
        _answered_s(
            decode_s=0.0 if limits.separate_prefill else decode,
            prompt_s=extra / shared,
            step_s=step,
            arrivals=arrivals,
            chunks=chunks,
            batch=most,
            others=running - 1.0,
        ),
    )
    ttft = ttft + np.where(lockstep, 0.0, (shared - 1.0) * extra / shared)
    ttft = ttft + step * (PLANNED_STEPS + _held_steps(limits, arrivals))
    cycle = ttft + tpot * np.maximum(output_tokens - 1.0, 0.0)
    rate = running / cycle * np.minimum(limits.stages, np.maximum(concurrency, 1.0))
    queued = np.maximum(asked - running, 0.0) * limits.stages / rate
    return LoopResult(
        running=running * np.minimum(limits.stages, np.maximum(concurrency, 1.0)),
        tpot_s=tpot,
        tpot_alone_s=decode / savings.tokens_per_step,
        ttft_s=ttft + queued,
        ttft_burst_s=first + _burst_s(operand, coefficients, limits, running, fresh, shared_prefix),
        requests_per_s=rate,
        prefill_fraction=busy,
    )


def _held_steps(limits: Limits, arrivals: Numeric) -> Numeric:
    """Return the steps that a prompt waits because the engine looks seldom, or lets the first of a group wait for more.

    Who comes between two looks waits half of their distance; of a group only the first waits in full, the others half.
    """
    others = arrivals * limits.batch_wait_steps
    return limits.inbox_steps / 2.0 + limits.batch_wait_steps * (1.0 + others / 2.0) / (1.0 + others)


def _burst_s(
    operand: Operands,
    coefficients: Mapping[str, Numeric],
    limits: Limits,
    running: Numeric,
    fresh: Numeric,
    shared_prefix: Numeric,
) -> Numeric:
    """Return the mean time to the first token of prompts that all start at once, in full steps [s]."""
    tokens = np.minimum(limits.batched_tokens, running * fresh)
    full = Load(
        prefill_tokens=tokens,
        prefill_prompts=tokens / fresh,
        attended_tokens=shared_prefix + fresh / 2.0,
    )
    return burst_ttft_s(
        concurrency=running,
        input_tokens=fresh,
        batched_tokens=limits.batched_tokens,
        full_step_s=step_s(operand, coefficients, full, prefill=True),
    )


def _answered_s(
    *,
    decode_s: Numeric,
    prompt_s: Numeric,
    step_s: Numeric,
    arrivals: Numeric,
    chunks: Numeric,
    batch: Numeric,
    others: Numeric,
) -> Numeric:
    """Return the time from a prompt's arrival to the end of its last step [s].

    It waits for the step that is running, for room where steps are full, and for its own steps: beside what decodes,
    and with the prompts that arrived meanwhile.
    """
    rest = rest_of_step_s(step_s=step_s, prompt_s=prompt_s, prompts_per_step=arrivals * chunks)
    service = np.where(chunks > 1.0, chunks * (decode_s + prompt_s), batch * prompt_s)
    full = collision_s(
        utilization_fraction=arrivals * chunks / batch, service_s=service, others=others, batch=batch
    )
    beside = companions(step_s=step_s, prompt_s=prompt_s, prompts_per_step=arrivals * chunks) / chunks
    return rest + full + chunks * decode_s + prompt_s * (chunks + np.minimum(beside, batch - 1.0))
