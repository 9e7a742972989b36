"""The event loop: vLLM's scheduler, with jumps over the steps in which nothing is decided.

A step is planned as vLLM plans it: decoding sequences first, one token each; then the prompt that is half done; then
waiting requests in order of arrival while tokens, sequences and blocks last. When blocks run out, the request
admitted last is preempted and computed again later. A step with prompt tokens is run alone; a run of pure decode steps
is jumped over to the next end, arrival or block shortage, with its time in closed form.

Plain functions over the sequences of ``state``: ``compiled`` turns the same source into machine code.
"""

from __future__ import annotations

from heapq import heappop, heappush

from planner.simulation.memory import (
    blocks_for,
    grow,
    leave,
    make_room,
    steps_with_blocks,
    stop_decoding,
    take_for_prompt,
)
from planner.simulation.prefix_cache import PrefixCache, cached_prefix_tokens, release_prefix
from planner.simulation.state import (
    CHUNKS,
    COMPUTED,
    CONTEXT,
    DECODING,
    DONE,
    FREE,
    HEAD,
    ISSUED,
    JOINED,
    LAST,
    LATE,
    NOW,
    PARTIAL,
    PREFILL,
    RUNNING,
    SEEN,
    STACKED,
    STEP,
    TURNAROUND,
    Engine,
    Limits,
    Requests,
)
from planner.simulation.step import CostTable, Run, decode_run, run_time_s, step_time_s, steps_until


def run_engine(
    requests: Requests, engine: Engine, limits: Limits, costs: CostTable, cache: PrefixCache
) -> None:
    """Serve all requests. The heap holds ``finish · size + request`` of the decoding ones, next end first."""
    heap = [0 for _ in range(0)]  # a display would have no type for the compiler
    counts = engine.counts
    size = len(requests.arrival_s)
    while counts[DONE] < size:
        if counts[RUNNING] == 0:
            wake(requests, engine, limits, cache)
        preempted = make_room(requests, engine, limits, cache)
        if preempted and counts[RUNNING] == 0:
            continue  # the only request lacks blocks that the last one gives back late
        pairs = plan_prefill(requests, engine, limits, cache, preempted)
        if counts[PREFILL] > 0:
            run_prefill_step(requests, engine, limits, costs, pairs, heap)
        else:
            jump(requests, engine, limits, costs, cache, preempted, heap)
        end_finished(requests, engine, limits, cache, heap)


def wake(requests: Requests, engine: Engine, limits: Limits, cache: PrefixCache) -> None:
    """Move an idle engine to the next arrival; nothing that it has done is still under way."""
    counts, times = engine.counts, engine.times
    settle(requests, engine, limits, cache)
    if counts[STACKED] == 0:
        times[NOW] = max(times[NOW], requests.arrival_s[counts[HEAD]])
    times[SEEN] = times[NOW]


def next_waiting(requests: Requests, engine: Engine) -> int:
    """Return the request that waits first, or -1: preempted ones before those that have just arrived."""
    counts = engine.counts
    if counts[STACKED] > 0:
        return engine.stack[counts[STACKED] - 1]
    head = counts[HEAD]
    if head < counts[ISSUED] and requests.arrival_s[head] <= engine.times[SEEN]:
        return head
    return -1


def issue_next(requests: Requests, engine: Engine, ended_s: float) -> None:
    """In a closed loop, let the client whose request has ended send its next one."""
    counts = engine.counts
    if counts[ISSUED] < len(requests.arrival_s):
        requests.arrival_s[counts[ISSUED]] = ended_s + engine.times[TURNAROUND]
        counts[ISSUED] += 1


def plan_prefill(
    requests: Requests, engine: Engine, limits: Limits, cache: PrefixCache, preempted: bool
) -> float:
    """Give the step's free tokens to prompts; return the query-key pairs of their attention."""
    counts = engine.counts
    counts[PREFILL] = counts[CHUNKS] = counts[JOINED] = 0
    pairs = 0.0
    budget = limits.max_num_batched_tokens - counts[DECODING]
    request = counts[PARTIAL]
    if request >= 0 and budget > 0:
        pairs += compute_chunk(requests, engine, request, counts[COMPUTED], budget)
    while not preempted and counts[PREFILL] < budget and counts[RUNNING] + counts[LATE] < limits.max_num_seqs:
        request = next_waiting(requests, engine)
        if request < 0:
            break
        done = admit(requests, engine, limits, cache, request, budget - counts[PREFILL])
        if done < 0:
            break
        pairs += compute_chunk(requests, engine, request, done, budget - counts[PREFILL])
    return pairs


def admit(
    requests: Requests, engine: Engine, limits: Limits, cache: PrefixCache, request: int, budget: int
) -> int:
    """Start or resume a request if its blocks are free; return its cached tokens, or -1 if it has to wait."""
    counts = engine.counts
    tokens = requests.input_tokens[request] + requests.generated[request]
    cached = cached_prefix_tokens(cache, limits, request, tokens) if cache.enabled else 0
    if not limits.chunked_prefill and tokens - cached > budget:
        return -1
    if not take_for_prompt(engine, limits, cache, request, cached, min(tokens, cached + budget), tokens):
        return -1
    if counts[STACKED] > 0:
        counts[STACKED] -= 1
    else:
        counts[HEAD] += 1
        requests.scheduled_s[request] = engine.times[NOW]
        requests.cached_tokens[request] = cached
    last = counts[LAST]
    requests.before[request] = last
    requests.after[request] = -1
    if last >= 0:
        requests.after[last] = request
    counts[LAST] = request
    counts[RUNNING] += 1
    return cached


def compute_chunk(requests: Requests, engine: Engine, request: int, done: int, budget: int) -> float:
    """Put the next prompt tokens of a request into the step; return their query-key pairs."""
    counts = engine.counts
    rest = requests.input_tokens[request] + requests.generated[request] - done
    chunk = min(rest, budget)
    counts[PREFILL] += chunk
    counts[CHUNKS] += 1
    if chunk < rest:
        counts[PARTIAL] = request
        counts[COMPUTED] = done + chunk
    else:
        if counts[PARTIAL] == request:
            counts[PARTIAL] = -1
        engine.joined[counts[JOINED]] = request
        counts[JOINED] += 1
    return chunk * done + chunk * (chunk + 1) / 2


def run_prefill_step(
    requests: Requests, engine: Engine, limits: Limits, costs: CostTable, pairs: float, heap: list[int]
) -> None:
    """Run one step with prompt tokens; requests whose prompt is done give a token and decode from now on."""
    counts, times = engine.counts, engine.times
    sequences = counts[DECODING] + counts[CHUNKS]
    tokens = counts[DECODING] + counts[PREFILL]
    advance(engine, limits, 0.0, step_time_s(costs, tokens, sequences, counts[CONTEXT], pairs, True))
    step = counts[STEP]
    counts[CONTEXT] += counts[DECODING]
    counts[STEP] += 1
    for position in range(counts[JOINED]):
        request = engine.joined[position]
        context = requests.input_tokens[request] + requests.generated[request]
        if requests.generated[request] == 0:
            requests.first_token_s[request] = times[NOW]
        requests.offset[request] = context - step
        requests.finish[request] = step + requests.output_tokens[request] - requests.generated[request] - 1
        heappush(heap, requests.finish[request] * len(requests.arrival_s) + request)
        engine.phase[requests.offset[request] % limits.block_tokens] += 1
        counts[DECODING] += 1
        counts[CONTEXT] += context + 1


def advance(engine: Engine, limits: Limits, before_last_s: float, last_s: float) -> None:
    """Let time pass: some steps, then a last one. A scheduler that plans ahead has seen only what came before it."""
    times = engine.times
    start_of_last = times[NOW] + before_last_s
    times[NOW] = start_of_last + last_s
    times[SEEN] = start_of_last if limits.async_scheduling else times[NOW]


def jump(
    requests: Requests,
    engine: Engine,
    limits: Limits,
    costs: CostTable,
    cache: PrefixCache,
    preempted: bool,
    heap: list[int],
) -> None:
    """Run pure decode steps up to the next one in which something is decided."""
    counts = engine.counts
    run = decode_run(costs, counts[DECODING], counts[CONTEXT])
    drop_stale(requests, heap)
    steps = heap[0] // len(requests.arrival_s) - counts[STEP] + 1
    if preempted or counts[LATE] > 0 or counts[PARTIAL] >= 0:
        steps = 1
    elif not limits.unlimited:
        steps = steps_with_blocks(engine, limits, steps)
    if steps > 1 and counts[STACKED] == 0 and counts[RUNNING] < limits.max_num_seqs:
        steps = steps_to_arrival(requests, engine, limits, run, steps)
    before_last_s = run_time_s(run, steps - 1)
    advance(engine, limits, before_last_s, run_time_s(run, steps) - before_last_s)
    grow(engine, limits, cache, steps)
    counts[CONTEXT] += steps * counts[DECODING]
    counts[STEP] += steps


def steps_to_arrival(requests: Requests, engine: Engine, limits: Limits, run: Run, at_most: int) -> int:
    """Return the steps until the scheduler can see the next request; ``at_most`` if one waits already, in vain."""
    counts, times = engine.counts, engine.times
    head = counts[HEAD]
    if head >= counts[ISSUED] or requests.arrival_s[head] <= times[SEEN]:
        return at_most
    wait_s = requests.arrival_s[head] - times[NOW]
    if limits.async_scheduling:
        return 1 + steps_until(run, wait_s, at_most - 1) if wait_s > 0.0 else 1
    return steps_until(run, wait_s, at_most)


def drop_stale(requests: Requests, heap: list[int]) -> None:
    """Remove ends that a preemption has put off from the top of the heap."""
    size = len(requests.arrival_s)
    while requests.finish[heap[0] % size] != heap[0] // size:
        heappop(heap)


def end_finished(
    requests: Requests, engine: Engine, limits: Limits, cache: PrefixCache, heap: list[int]
) -> None:
    """Take out the requests that have given their last token; with planning ahead, their blocks follow later."""
    counts = engine.counts
    size = len(requests.arrival_s)
    settle(requests, engine, limits, cache)
    while len(heap) > 0 and heap[0] // size < counts[STEP]:
        key = heappop(heap)
        request = key % size
        if requests.finish[request] != key // size:
            continue
        stop_decoding(requests, engine, limits, request)
        leave(requests, engine, request)
        requests.last_token_s[request] = engine.times[NOW]
        counts[DONE] += 1
        engine.late[counts[LATE]] = request
        counts[LATE] += 1
        issue_next(requests, engine, engine.times[NOW])
    if not limits.async_scheduling:
        settle(requests, engine, limits, cache)


def settle(requests: Requests, engine: Engine, limits: Limits, cache: PrefixCache) -> None:
    """Free the blocks of the requests that have ended."""
    counts = engine.counts
    for position in range(counts[LATE]):
        request = engine.late[position]
        held = blocks_for(limits, requests.input_tokens[request] + requests.output_tokens[request] - 1)
        counts[FREE] += release_prefix(cache, request, held, 0) if cache.enabled else held
    counts[LATE] = 0
