"""The state of a simulated engine, as flat sequences that both Python and compiled code can index.

Counters live in one integer sequence and times in one of floats, addressed by the constants below, because the same
source runs on lists (Python) and on arrays (numba).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from planner.simulation.step import NEVER
from planner.specs.answers.simulation import EngineLimits, IntArray, RequestBatch, SimulatedRequests
from planner.units import Count

if TYPE_CHECKING:
    from planner.units import FloatArray

    Floats = list[float] | FloatArray
    Ints = list[int] | IntArray


STEP = 0  #: steps run so far, so the index of the next one
DECODING = 1  #: sequences past their prefill
CONTEXT = 2  #: tokens that the decoding sequences read in the next step
FREE = 3  #: free KV blocks, evictable ones of the prefix cache included
HEAD = 4  #: first request that was never admitted
STACKED = 5  #: preempted requests, waiting before all others
PARTIAL = 6  #: the request whose prompt is half computed, or -1
COMPUTED = 7  #: prompt tokens of it that are done
LAST = 8  #: the running request that was admitted last, or -1
RUNNING = 9  #: admitted requests
DONE = 10  #: requests that ended
ISSUED = 11  #: requests whose arrival time is known
JOINED = 12  #: requests whose prefill ends in this step
PREFILL = 13  #: prompt tokens in this step
CHUNKS = 14  #: requests with prompt tokens in this step
LATE = 15  #: requests that ended in the last step and whose blocks are not free yet
COUNTERS = 16  #: how many there are

NOW = 0  #: the end of the last step [s]
SEEN = 1  #: arrivals up to this time are known to the scheduler [s]
TURNAROUND = 2  #: closed loop: time from an answer to the client's next request [s]
TIMES = 3  #: how many there are


class Limits(NamedTuple):
    """``EngineLimits`` in blocks and plain numbers."""

    max_num_seqs: Count
    max_num_batched_tokens: int
    blocks: Count
    block_tokens: int
    chunked_prefill: bool
    reserve_full_input: bool
    async_scheduling: bool
    unlimited: bool  #: blocks need not be counted


class Requests(NamedTuple):
    """One entry per request; the first three are given, the rest is what happened."""

    arrival_s: Floats
    input_tokens: Ints
    output_tokens: Ints
    scheduled_s: Floats
    first_token_s: Floats
    last_token_s: Floats
    cached_tokens: Ints
    preemptions: Ints
    generated: Ints  #: tokens given before the last preemption
    offset: Ints  #: context of a decoding sequence = STEP + offset
    finish: Ints  #: index of the step that gives the last token; -1 while not decoding
    before: Ints  #: who was admitted before, -1 for the first
    after: Ints  #: who was admitted after, -1 for the last


class Engine(NamedTuple):
    """Everything that changes during a run."""

    counts: Ints
    times: Floats
    phase: Ints  #: how many decoding sequences have ``offset % block_tokens`` of the index
    stack: Ints  #: preempted requests, the next to resume last
    joined: Ints  #: requests whose prefill ends in this step
    late: Ints  #: requests whose blocks become free after the next step


def limits_of(limits: EngineLimits) -> Limits:
    """Turn the settings into plain numbers; no pool is one of ``NEVER`` blocks."""
    return Limits(
        limits.max_num_seqs,
        limits.max_num_batched_tokens,
        NEVER if limits.pool_tokens is None else limits.pool_tokens // limits.block_tokens,
        limits.block_tokens,
        limits.chunked_prefill,
        limits.reserve_full_input,
        limits.async_scheduling,
        limits.pool_tokens is None and not limits.prefix_caching,
    )


def requests_of(batch: RequestBatch, served: IntArray, *, as_lists: bool) -> Requests:
    """Lay out the requests at the places ``served`` with nothing done yet; unknown times are ``nan``."""
    floats: list[Floats] = [
        batch.arrival_s.astype(np.float64)[served],
        *(np.full(served.size, np.nan) for _ in range(3)),
    ]
    ints: list[Ints] = [
        batch.input_tokens.astype(np.int64)[served],
        batch.output_tokens.astype(np.int64)[served],
    ]
    ints += [np.zeros(served.size, dtype=np.int64) for _ in range(4)]
    ints += [np.full(served.size, -1, dtype=np.int64) for _ in range(3)]
    if as_lists:
        floats = [np.asarray(column).tolist() for column in floats]
        ints = [np.asarray(column).tolist() for column in ints]
    return Requests(floats[0], ints[0], ints[1], floats[1], floats[2], floats[3], *ints[2:])


def engine_of(size: int, limits: Limits, *, issued: int, turnaround_s: float, as_lists: bool) -> Engine:
    """Return an idle engine at time zero that knows when the first ``issued`` of ``size`` requests arrive."""
    counts = np.zeros(COUNTERS, dtype=np.int64)
    counts[FREE] = limits.blocks
    counts[PARTIAL] = counts[LAST] = -1
    counts[ISSUED] = issued
    times = np.zeros(TIMES)
    times[TURNAROUND] = turnaround_s
    scratch = np.zeros(size, dtype=np.int64)
    phase = np.zeros(limits.block_tokens, dtype=np.int64)
    if as_lists:
        return Engine(
            counts.tolist(),
            times.tolist(),
            phase.tolist(),
            scratch.tolist(),
            scratch.tolist(),
            scratch.tolist(),
        )
    return Engine(counts, times, phase, scratch, scratch.copy(), scratch.copy())


def results_of(batch: RequestBatch, served: IntArray, requests: Requests) -> SimulatedRequests:
    """Return what happened to each request of ``batch``; only those at ``served`` were served."""

    def times(column: Floats) -> FloatArray:
        whole = np.full(batch.size, np.nan)
        whole[served] = column
        return whole

    def numbers(column: Ints) -> IntArray:
        whole = np.zeros(batch.size, dtype=np.int64)
        whole[served] = column
        return whole

    arrival_s = batch.arrival_s.astype(np.float64)
    arrival_s[served] = requests.arrival_s
    return SimulatedRequests(
        arrival_s=arrival_s,
        scheduled_s=times(requests.scheduled_s),
        first_token_s=times(requests.first_token_s),
        last_token_s=times(requests.last_token_s),
        input_tokens=batch.input_tokens,
        output_tokens=batch.output_tokens,
        cached_tokens=numbers(requests.cached_tokens),
        preemptions=numbers(requests.preemptions),
    )
