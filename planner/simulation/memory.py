"""KV blocks of the simulated engine: who needs one when, who gets them, who must give them back.

A decoding sequence needs a block whenever its context enters a new one. All contexts grow in step, so counting the
sequences by ``offset mod block size`` tells the demand of any later step without visiting a sequence.
"""

from __future__ import annotations

from planner.simulation.prefix_cache import (
    PrefixCache,
    claim_prefix,
    evict,
    release_prefix,
    revived_blocks,
    share_prefix,
)
from planner.simulation.state import (
    COMPUTED,
    CONTEXT,
    DECODING,
    FREE,
    LAST,
    PARTIAL,
    RUNNING,
    STACKED,
    STEP,
    Engine,
    Limits,
    Requests,
)


def blocks_for(limits: Limits, tokens: int) -> int:
    """Return how many blocks hold so many tokens."""
    return (tokens + limits.block_tokens - 1) // limits.block_tokens


def decode_demand(engine: Engine, limits: Limits, ahead: int) -> int:
    """Return how many decoding sequences enter a new block in the step that is ``ahead`` steps from the next."""
    return engine.phase[(1 - engine.counts[STEP] - ahead) % limits.block_tokens]


def take(engine: Engine, cache: PrefixCache, blocks: int) -> None:
    """Use free blocks."""
    engine.counts[FREE] -= blocks
    if cache.enabled and blocks > 0:
        evict(cache, blocks)


def make_room(requests: Requests, engine: Engine, limits: Limits, cache: PrefixCache) -> bool:
    """Take the running requests' blocks for the next step, preempting the last admitted while they are short.

    Return whether any was preempted; no request is admitted in such a step.
    """
    counts = engine.counts
    preempted = False
    if limits.unlimited:
        return preempted
    need = decode_demand(engine, limits, 0) + partial_demand(requests, engine, limits)
    while need > counts[FREE]:  # each round takes a sequence out of the demand and gives its blocks back
        preempt(requests, engine, limits, cache, counts[LAST])
        preempted = True
        need = decode_demand(engine, limits, 0) + partial_demand(requests, engine, limits)
    take(engine, cache, need)
    if cache.enabled and counts[PARTIAL] >= 0:
        request = counts[PARTIAL]
        share_prefix(cache, request, counts[COMPUTED] + next_chunk(requests, engine, limits, request))
    return preempted


def next_chunk(requests: Requests, engine: Engine, limits: Limits, request: int) -> int:
    """Return the prompt tokens of the half-done request that the next step has room for."""
    rest = requests.input_tokens[request] + requests.generated[request] - engine.counts[COMPUTED]
    return min(rest, limits.max_num_batched_tokens - engine.counts[DECODING])


def partial_demand(requests: Requests, engine: Engine, limits: Limits) -> int:
    """Return the blocks that the half-done prompt enters in the next step."""
    request, computed = engine.counts[PARTIAL], engine.counts[COMPUTED]
    if request < 0:
        return 0
    after = computed + next_chunk(requests, engine, limits, request)
    return blocks_for(limits, after) - blocks_for(limits, computed)


def preempt(requests: Requests, engine: Engine, limits: Limits, cache: PrefixCache, request: int) -> None:
    """Take all blocks from a request and put it before all that wait; what is not kept is computed again."""
    counts = engine.counts
    if request == counts[PARTIAL]:
        computed = counts[COMPUTED]
        counts[PARTIAL] = -1
    else:
        context = stop_decoding(requests, engine, limits, request)
        requests.generated[request] = context - requests.input_tokens[request]
        computed = context - 1  # the newest token is known, and its keys and values are not computed yet
    leave(requests, engine, request)
    held = blocks_for(limits, computed)
    if cache.enabled:
        held = release_prefix(cache, request, held, computed // limits.block_tokens)
    counts[FREE] += held
    requests.preemptions[request] += 1
    engine.stack[counts[STACKED]] = request
    counts[STACKED] += 1


def stop_decoding(requests: Requests, engine: Engine, limits: Limits, request: int) -> int:
    """Take a sequence out of the decoding ones; return the context that it would have read next [tokens]."""
    counts = engine.counts
    context = counts[STEP] + requests.offset[request]
    requests.finish[request] = -1
    counts[DECODING] -= 1
    counts[CONTEXT] -= context
    engine.phase[requests.offset[request] % limits.block_tokens] -= 1
    return context


def leave(requests: Requests, engine: Engine, request: int) -> None:
    """Take a request out of the running ones."""
    before, after = requests.before[request], requests.after[request]
    if before >= 0:
        requests.after[before] = after
    if after >= 0:
        requests.before[after] = before
    else:
        engine.counts[LAST] = before
    engine.counts[RUNNING] -= 1


def take_for_prompt(
    engine: Engine, limits: Limits, cache: PrefixCache, request: int, cached: int, computed: int, tokens: int
) -> bool:
    """Take the blocks of a request's first ``computed`` tokens, if they (or all, by setting) are free."""
    counts = engine.counts
    if limits.unlimited:
        return True
    prefix_blocks, held, revived = 0, 0, 0
    if cache.enabled:
        kept = cache.kept[request]
        prefix_blocks = (cached - kept * limits.block_tokens) // cache.prefix_block_tokens
        held = prefix_blocks * cache.weight + kept
        # Cached blocks that nobody uses count as free until they are claimed: they must not be counted twice.
        revived = revived_blocks(cache, request, prefix_blocks) + kept
    wanted = tokens if limits.reserve_full_input else computed
    if blocks_for(limits, wanted) - held + revived > counts[FREE]:
        return False
    counts[FREE] -= revived
    if cache.enabled:
        claim_prefix(cache, request, prefix_blocks)
    take(engine, cache, blocks_for(limits, computed) - held)
    if cache.enabled:
        share_prefix(cache, request, computed)
    return True


def steps_with_blocks(engine: Engine, limits: Limits, at_most: int) -> int:
    """Return how many steps in a row, at most ``at_most``, find the blocks they need; the first has its own."""
    sequences = engine.counts[DECODING]
    free = engine.counts[FREE]
    size = limits.block_tokens
    if sequences * (at_most // size + 1) <= free:
        return at_most
    rounds = free // sequences
    left = free - rounds * sequences
    steps = rounds * size + 1
    while steps < at_most:
        left -= decode_demand(engine, limits, steps)
        if left < 0:
            break
        steps += 1
    return min(steps, at_most)


def grow(engine: Engine, limits: Limits, cache: PrefixCache, steps: int) -> None:
    """Take the blocks of ``steps`` decode steps in a row, less those of the first, which ``make_room`` took."""
    if limits.unlimited:
        return
    rounds, rest = divmod(steps - 1, limits.block_tokens)
    blocks = rounds * engine.counts[DECODING]
    for ahead in range(1, rest + 1):
        blocks += decode_demand(engine, limits, ahead)
    take(engine, cache, blocks)
