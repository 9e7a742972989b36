"""vLLM's prefix cache: freed blocks keep their text until they are needed, least recently used first.

A prompt is a row of prefix blocks, each known by a number that stands for all text up to its end. A block of the trace
may span several blocks of the engine (``weight``); it is shared, kept and evicted as one. Blocks whose text no later
request can name (answers, unfinished blocks) are only counted, in the order in which they became free. A block whose
text is in the pool already is such a block too; vLLM would find this second copy after the first one was evicted.

A preempted request finds its own blocks again, prompt and answer, as far as they were not needed meanwhile. They follow
its prefix blocks and are freed before them, the last one first, so what is left of them always continues the prefix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from planner.errors import UsageError
from planner.simulation.state import Limits
from planner.simulation.step import NEVER
from planner.specs.answers.simulation import IntArray, RequestBatch
from planner.units import Count

if TYPE_CHECKING:
    from planner.simulation.state import Ints

SPARE = 0  #: blocks that hold nothing worth keeping
OLDEST = 1  #: least recently used entry of the list of free prefix blocks and kept requests, or -1
NEWEST = 2  #: most recently used entry of it, or -1
STAMP = 3  #: counts releases, so that runs and prefix blocks can be put in order
RUN_HEAD = 4  #: oldest run of nameless free blocks
RUN_COUNT = 5  #: runs in the ring from there
MARKS = 6  #: how many marks there are


class PrefixCache(NamedTuple):
    """Starts, ends, owned and kept have one entry per request, hashes one per place in a prompt; runs are a ring.

    The list of what is free, from oldest to newest, links prefix blocks by their numbers and after them requests, which
    stand for the blocks kept for them: ``names`` plus the number of the request.
    """

    enabled: bool
    weight: Count  #: engine blocks in a prefix block
    prefix_block_tokens: int
    names: Count  #: different prefix blocks
    starts: Ints  #: where a request's prefix blocks begin
    ends: Ints
    owned: Ints  #: leading prefix blocks of a running request that it shares with others
    kept: Ints  #: free blocks after those that still hold a preempted request's own text
    hashes: Ints  #: all requests' prefix blocks, one after the other, numbered from zero
    present: Ints  #: 1 while the block's text is in the pool
    users: Ints  #: running requests that hold the block
    stamp: Ints
    older: Ints
    newer: Ints
    run_stamp: Ints
    run_blocks: Ints
    marks: Ints


def _whole_blocks(prefix_block_tokens: int, block_tokens: int, *, needed: bool) -> int:
    """Return how many of the engine's blocks a prefix block fills; only where it is ``needed`` must they be whole."""
    weight, rest = divmod(prefix_block_tokens, block_tokens)
    if needed and (rest or not weight):
        raise UsageError(
            f"prefix blocks of {prefix_block_tokens} tokens are not a multiple of the engine's {block_tokens}",
            cure=f"set the engine's block size to a divisor of {prefix_block_tokens}",
        )
    return weight


def prefix_cache_of(
    batch: RequestBatch, served: IntArray, limits: Limits, *, enabled: bool, as_lists: bool
) -> PrefixCache:
    """Return an empty cache for the prefixes of the requests in ``batch`` at the places ``served``.

    Raises
    ------
    UsageError
        If a prefix block is not a whole number of the engine's blocks.
    """
    needed = enabled and batch.prefix_starts is not None
    weight = _whole_blocks(batch.prefix_block_tokens, limits.block_tokens, needed=needed)
    names, numbered = np.unique(batch.prefix_hashes, return_inverse=True)
    starts = np.zeros(batch.size + 1, dtype=np.int64) if batch.prefix_starts is None else batch.prefix_starts
    owned, kept = (np.zeros(served.size, dtype=np.int64) for _ in range(2))
    blocks = [np.zeros(names.size, dtype=np.int64) for _ in range(2)]
    links = [np.zeros(names.size + served.size if enabled else 0, dtype=np.int64) for _ in range(3)]
    # A run holds a block or more; where blocks never run out, each request frees one run and none is preempted.
    most_runs = (served.size if limits.blocks == NEVER else limits.blocks) + 1 if enabled else 1
    runs = [np.zeros(most_runs, dtype=np.int64) for _ in range(2)]
    marks = np.zeros(MARKS, dtype=np.int64)
    marks[SPARE] = limits.blocks
    marks[OLDEST] = marks[NEWEST] = -1
    columns = [starts[served], starts[served + 1], owned, kept, numbered.astype(np.int64)]
    columns += [*blocks, *links, *runs, marks]
    ints: list[Ints] = [column.tolist() if as_lists else column for column in columns]
    return PrefixCache(enabled, weight, batch.prefix_block_tokens, names.size, *ints)


def cached_prefix_tokens(cache: PrefixCache, limits: Limits, request: int, tokens: int) -> int:
    """Return how many of the first tokens are in the pool; the last token is always computed [tokens]."""
    at, end = cache.starts[request], cache.ends[request]
    hits = 0
    while at + hits < end and cache.present[cache.hashes[at + hits]] == 1:
        hits += 1
    computable = (tokens - 1) // limits.block_tokens * limits.block_tokens
    return min(hits * cache.prefix_block_tokens + cache.kept[request] * limits.block_tokens, computable)


def revived_blocks(cache: PrefixCache, request: int, prefix_blocks: int) -> int:
    """Return how many free blocks become used when a request shares these leading prefix blocks."""
    at = cache.starts[request]
    idle = 0
    for position in range(at, at + prefix_blocks):
        if cache.users[cache.hashes[position]] == 0:
            idle += 1
    return idle * cache.weight


def claim_prefix(cache: PrefixCache, request: int, prefix_blocks: int) -> None:
    """Let a request hold the leading prefix blocks that it found in the pool, and what was kept of its own."""
    if cache.kept[request] > 0:
        _unlink(cache, cache.names + request)
        cache.kept[request] = 0
    at = cache.starts[request]
    for position in range(at, at + prefix_blocks):
        block = cache.hashes[position]
        if cache.users[block] == 0:
            _unlink(cache, block)
        cache.users[block] += 1
    cache.owned[request] = prefix_blocks


def share_prefix(cache: PrefixCache, request: int, computed: int) -> None:
    """Make the whole prefix blocks among the first ``computed`` tokens findable by others."""
    at = cache.starts[request]
    known = min(computed // cache.prefix_block_tokens, cache.ends[request] - at)
    owned = cache.owned[request]
    while owned < known and cache.present[cache.hashes[at + owned]] == 0:
        block = cache.hashes[at + owned]
        cache.present[block] = 1
        cache.users[block] = 1
        owned += 1
    cache.owned[request] = owned


def release_prefix(cache: PrefixCache, request: int, blocks: int, keep: int) -> int:
    """Let go of a request's ``blocks``, the last first, so that the start of a prompt is kept longest.

    The first ``keep`` of them hold text that the request itself will want again. Return how many became free; those
    that others share did not.
    """
    marks = cache.marks
    owned = cache.owned[request]
    at = cache.starts[request]
    own = keep - owned * cache.weight if at + owned == cache.ends[request] else 0
    marks[STAMP] += 1
    _free_run(cache, blocks - owned * cache.weight - max(own, 0))
    if own > 0:
        cache.kept[request] = own
        _append(cache, cache.names + request)
    for position in range(at + owned - 1, at - 1, -1):
        block = cache.hashes[position]
        cache.users[block] -= 1
        if cache.users[block] == 0:
            _append(cache, block)
        else:
            blocks -= cache.weight
    cache.owned[request] = 0
    return blocks


def evict(cache: PrefixCache, blocks: int) -> None:
    """Take free blocks for new text: spare ones first, then whatever became free longest ago."""
    marks = cache.marks
    while blocks > marks[SPARE]:
        run = marks[RUN_HEAD]
        oldest = marks[OLDEST]
        if marks[RUN_COUNT] > 0 and (oldest < 0 or cache.run_stamp[run] <= cache.stamp[oldest]):
            marks[SPARE] += cache.run_blocks[run]
            marks[RUN_HEAD] = (run + 1) % len(cache.run_blocks)
            marks[RUN_COUNT] -= 1
        elif oldest >= cache.names:
            _shorten(cache, oldest, blocks - marks[SPARE])
        else:
            _unlink(cache, oldest)
            cache.present[oldest] = 0
            marks[SPARE] += cache.weight
    marks[SPARE] -= blocks


def _shorten(cache: PrefixCache, entry: int, blocks: int) -> None:
    """Take up to so many of the blocks kept for a request, the last first."""
    request = entry - cache.names
    taken = min(blocks, cache.kept[request])
    cache.marks[SPARE] += taken
    cache.kept[request] -= taken
    if cache.kept[request] == 0:
        _unlink(cache, entry)


def _free_run(cache: PrefixCache, blocks: int) -> None:
    """Append nameless free blocks; a run joins the last one if no prefix block became free in between."""
    marks = cache.marks
    if blocks == 0:
        return
    size = len(cache.run_blocks)
    last = (marks[RUN_HEAD] + marks[RUN_COUNT] - 1) % size
    newest = marks[NEWEST]
    if marks[RUN_COUNT] > 0 and (newest < 0 or cache.stamp[newest] < cache.run_stamp[last]):
        cache.run_blocks[last] += blocks
        return
    last = (last + 1) % size
    cache.run_stamp[last] = marks[STAMP]
    cache.run_blocks[last] = blocks
    marks[RUN_COUNT] += 1


def _append(cache: PrefixCache, block: int) -> None:
    marks = cache.marks
    newest = marks[NEWEST]
    cache.stamp[block] = marks[STAMP]
    cache.older[block] = newest
    cache.newer[block] = -1
    if newest >= 0:
        cache.newer[newest] = block
    else:
        marks[OLDEST] = block
    marks[NEWEST] = block


def _unlink(cache: PrefixCache, block: int) -> None:
    older, newer = cache.older[block], cache.newer[block]
    if older >= 0:
        cache.newer[older] = newer
    else:
        cache.marks[OLDEST] = newer
    if newer >= 0:
        cache.older[newer] = older
    else:
        cache.marks[NEWEST] = older
